"""How often D calls a double descent: on monotone curves, where it must not, and on planted peaks, where it should.

    python -m tests.benchmarks.verdict [--curves 200]

Every curve is 13 points and 10 seeds of independent normal noise; a call is what the verdict asks of D, a lower
bound of at least one point and p < 0.05. In points of error. What it printed, % of 200 curves called:

true curve                                          sd 0.3   sd 1   sd 3   sd 10
flat, rising, one step up, falling, saturating           0      0      0       0
a peak of 2                                            100      9    0.5       0
a peak of 5                                            100    100     27       1
a peak of 10                                           100    100    100     2.5
a peak of 30                                           100    100    100     100
"""

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from stages.statistic.descent import descent
from stages.statistic.verdict import SIGNIFICANCE, SMALLEST

AXIS = np.arange(13.0)
SEEDS = 10
BUMP = np.exp(-(((AXIS - 6) / 1.5) ** 2))
CURVES = {
    "flat": np.full(13, 0.2),
    "rising": 0.1 + 0.06 * AXIS,
    "one step up": np.where(AXIS < 6, 0.14, 0.9),
    "falling": 0.9 - 0.06 * AXIS,
    "saturating": 0.14 + 0.76 / (1 + np.exp(6 - AXIS)),
    "a peak of 2": 0.2 + 0.02 * BUMP,
    "a peak of 5": 0.2 + 0.05 * BUMP,
    "a peak of 10": 0.2 + 0.1 * BUMP,
    "a peak of 30": 0.2 + 0.3 * BUMP,
}
SPREADS = [0.003, 0.01, 0.03, 0.1]


def called(curve: NDArray[np.float64], sd: float, seed: int) -> bool:
    noise = sd * np.random.default_rng([seed, 1]).standard_normal((SEEDS, len(curve)))
    found = descent(curve + noise, AXIS, seed=seed)
    return found is not None and found.low >= SMALLEST and found.p_value < SIGNIFICANCE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--curves", type=int, default=200, help="per shape and spread")
    count = parser.parse_args().curves
    table = Table("true curve", *(f"sd {100 * sd:g}" for sd in SPREADS), title=f"calls, % of {count} curves")
    with ProcessPoolExecutor() as pool:
        for name, curve in CURVES.items():
            calls = [sum(pool.map(partial(called, curve, sd), range(count), chunksize=10)) for sd in SPREADS]
            table.add_row(name, *(f"{100 * n / count:.1f}" for n in calls))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
