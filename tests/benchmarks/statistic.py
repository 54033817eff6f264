"""How often `judge` is right, wrong and undecided, on curves whose truth is known.

    python -m tests.benchmarks.statistic                                        # the whole table, hours
    python -m tests.benchmarks.statistic --runs 5 --points 20 --spread 0.03     # your own case, minutes

Without a peak: flat (0.2), rising and falling (0.1 to 0.82), one step up (0.14 to 0.9), saturating (a logistic curve
from 0.14 to 0.9), a plateau at chance (0.15 to 0.9 in three tenths of the axis, then 0.9), a U. With a peak: a Gaussian
hump in the middle of a flat curve (0.2), of a falling one (0.35 to 0.2), of a steep one (0.8 down to 0.2, within a
quarter of the axis) or of one that rises at the end (by 0.3); its full width at half its height is three tenths of the
axis, and at least two points (narrow: two tenths). The height is that of the noise-free curve by D's definition.

Noise: normal; "growing" with the error, from 0.2 to 2 times the spread (with the axis, where the curve is flat);
"together", half of its variance a shift of a run's whole curve and half with correlation 0.7 between neighbours; "one
failed", normal, but one run in five has error 0.9 at a point of its own; "t", Student's with three degrees of freedom.
Every kind has the spread as its standard deviation.

Without a peak: the most false yes of the seven curves, %. With one: % yes, and % of intervals that hold its height; a
true peak was called a no in 0.5 % at most. Sizes are runs x points. Of 200 judgements each, so one standard error of a
share is at most 3.5:

case                               3 x 6     3 x 13    5 x 6     5 x 13    10 x 6    10 x 13   20 x 6    20 x 13
no peak, normal 3                  2.5       1         1         1.5       0.5       1         0         0.5
no peak, growing 3                 5.5       1.5       4         5.5       3.5       4         1.5       3
no peak, together 3                0         1.5       0.5       0.5       0.5       0         0         0.5
no peak, one failed 3              1.5       1         1.5       1.5       0.5       1         0         0.5
no peak, t 3                       0.5       1         0.5       2         1         1         1         0.5
no peak, normal 10                 4         2.5       2.5       4.5       3.5       2.5       1         2
5 on flat, normal 3                15.5 98.5 17 98.5   52.5 99.5 71.5 99   92 96.5   98.5 97   100 99.5  100 95
5 on falling, normal 3             16.5 98.5 19.5 97.5 43.5 96.5 58 96.5   86.5 95   95 96.5   99.5 97   100 94
10 on flat, normal 10              6.5 98    5 98.5    18 100    30.5 98.5 57.5 97   74 98.5   91 99.5   98 95
10 on falling, normal 10           8 98.5    9.5 97    28 97.5   34.5 97   64 96.5   74.5 96.5 92.5 99.5 97.5 95
5 on steep, normal 1               98.5 97.5 97 98     100 93    100 96.5  100 97.5  100 94    100 94.5  100 95
30 on rising at the end, normal 3  100 93    100 95.5  100 94    100 95.5  100 90    100 93.5  100 94.5  100 97.5
5 on falling, together 3           50 98.5   45 96.5   85 96.5   83.5 92.5 99.5 95   100 94    100 98    100 92.5
5 on falling, one failed 3         12.5 98   13.5 98   43 96.5   55.5 97   83 96     95 95     96 96.5   100 93.5
5 on falling, t 3                  26.5 96.5 16.5 98   62.5 96   70.5 94   90 95.5   96.5 93   99 94     100 95
5 on falling, growing 3            10.5 96   7 97      20 94.5   22 98     44.5 95.5 51.5 97   77 96.5   88 93.5
narrow 5 on flat, normal 3         15.5 98.5 14.5 98.5 52.5 99.5 58.5 99   92 96.5   96.5 93.5 100 99.5  99.5 95
narrow 10 on flat, normal 10       6.5 98    3.5 99    18 100    23 99     57.5 97   61.5 98.5 91 99.5   95 96.5

The same with 58 points, of 100 judgements each:

case                               3 x 58    5 x 58    10 x 58   20 x 58
no peak, normal 3                  1         3         1         0
no peak, growing 3                 1         6         0         1
no peak, together 3                2         2         1         0
no peak, one failed 3              1         3         1         1
no peak, t 3                       0         0         1         0
no peak, normal 10                 1         3         1         2
5 on flat, normal 3                56 96     100 91    100 94    100 92
5 on falling, normal 3             44 95     99 90     100 92    100 92
10 on flat, normal 10              16 99     90 94     100 96    100 93
10 on falling, normal 10           23 96     92 91     100 87    100 90
5 on steep, normal 1               100 94    100 94    100 93    100 90
30 on rising at the end, normal 3  100 85    100 96    100 91    100 89
5 on falling, together 3           53 96     91 89     100 95    100 92
5 on falling, one failed 3         46 94     99 89     100 91    100 90
5 on falling, t 3                  44 100    100 93    100 87    100 88
5 on falling, growing 3            4 97      62 92     99 92     100 94
narrow 5 on flat, normal 3         54 98     100 96    100 93    100 90
narrow 10 on flat, normal 10       12 99     87 97     100 94    100 91
"""

import argparse
import itertools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.optimize import brentq

from stages.statistic.judge import NO, YES, judge
from stages.statistic.shapes import Floats, height

RUNS = (3, 5, 10, 20)
POINTS = (6, 13, 58)
CHANCE = 0.9

Rng = np.random.Generator
Sizes = Iterable[tuple[int, int]]
WITHOUT: dict[str, Callable[[Floats], Floats]] = {  # of places from 0 to 1
    "flat": lambda x: np.full(len(x), 0.2),
    "rising": lambda x: 0.1 + 0.72 * x,
    "falling": lambda x: 0.82 - 0.72 * x,
    "one step up": lambda x: np.where(x < 0.46, 0.14, CHANCE),
    "saturating": lambda x: 0.14 + 0.76 / (1 + np.exp(6 - 12 * x)),
    "plateau": lambda x: np.minimum(CHANCE, 0.15 + 2.5 * x),
    "U": lambda x: 0.2 + 0.6 * (2 * x - 1) ** 2,
}
GROUND: dict[str, Callable[[Floats], Floats]] = {
    "flat": WITHOUT["flat"],
    "falling": lambda x: 0.35 - 0.15 * x,
    "steep": lambda x: 0.2 + 0.6 * np.exp(-12 * x),
    "rising at the end": lambda x: 0.2 + 0.3 * np.clip(4 * x - 3, 0, 1),
}


def normal(rng: Rng, shape: tuple[int, int], curve: Floats) -> Floats:
    return rng.standard_normal(shape)


def growing(rng: Rng, shape: tuple[int, int], curve: Floats) -> Floats:
    level = (curve - curve.min()) / np.ptp(curve) if np.ptp(curve) else np.linspace(0, 1, len(curve))
    found: Floats = rng.standard_normal(shape) * (0.2 + 1.8 * level)
    return found


def together(rng: Rng, shape: tuple[int, int], curve: Floats) -> Floats:
    along = rng.standard_normal(shape)
    for point in range(1, shape[1]):
        along[:, point] = 0.7 * along[:, point - 1] + (1 - 0.7**2) ** 0.5 * along[:, point]
    found: Floats = 0.5**0.5 * (along + rng.standard_normal((shape[0], 1)))
    return found


def students_t(rng: Rng, shape: tuple[int, int], curve: Floats) -> Floats:
    found: Floats = rng.standard_t(3, shape) / 3**0.5
    return found


NOISE = {"normal": normal, "growing": growing, "together": together, "one failed": normal, "t": students_t}


class Case(NamedTuple):
    curve: str
    noise: str
    spread: float
    height: float = 0.0  # of a planted peak
    width: float = 0.3  # of it, as a share of the axis

    @property
    def name(self) -> str:
        if not self.height:
            return f"{self.curve}, {self.noise} {100 * self.spread:g}"
        narrow = "narrow " if self.width < 0.3 else ""
        return f"{narrow}{100 * self.height:g} on {self.curve}, {self.noise} {100 * self.spread:g}"


NULLS = [
    Case(curve, noise, spread)
    for noise, spread in [*((noise, 0.03) for noise in NOISE), ("normal", 0.1)]
    for curve in WITHOUT
]
PLANTED = [
    Case("flat", "normal", 0.03, 0.05),
    Case("falling", "normal", 0.03, 0.05),
    Case("flat", "normal", 0.1, 0.1),
    Case("falling", "normal", 0.1, 0.1),
    Case("steep", "normal", 0.01, 0.05),
    Case("rising at the end", "normal", 0.03, 0.3),
    Case("falling", "together", 0.03, 0.05),
    Case("falling", "one failed", 0.03, 0.05),
    Case("falling", "t", 0.03, 0.05),
    Case("falling", "growing", 0.03, 0.05),
    Case("flat", "normal", 0.03, 0.05, 0.2),
    Case("flat", "normal", 0.1, 0.1, 0.2),
]


def true_curve(case: Case, points: int) -> Floats:
    """(points,): the curve without noise, its peak exactly as high as the case says."""
    place = np.linspace(0, 1, points)
    if not case.height:
        return WITHOUT[case.curve](place)
    ground = GROUND[case.curve](place)
    deviation = max(case.width, 2 / (points - 1)) / 2.355
    hump = np.exp(-(((place - 0.5) / deviation) ** 2) / 2)
    scale = brentq(lambda scale: float(height(ground + scale * hump)) - case.height, 0, 5)
    found: Floats = ground + scale * hump
    return found


def errors(case: Case, curve: Floats, runs: int, seed: int) -> Floats:
    """(runs, points): the curve with the case's noise."""
    rng = np.random.default_rng([seed, runs, len(curve)])
    found = curve + case.spread * NOISE[case.noise](rng, (runs, len(curve)), curve)
    if case.noise == "one failed":
        for run in range(max(1, runs // 5)):
            found[run, rng.integers(len(curve))] = CHANCE
    return found


def judged(case: Case, runs: int, points: int, seed: int) -> tuple[bool, bool, bool]:
    """Whether it says yes, whether it says no, and whether the interval holds the true height."""
    found = judge(errors(case, true_curve(case, points), runs, seed), seed=seed)
    if found.low is None or found.high is None:
        return False, False, True
    return found.answer == YES, found.answer == NO, found.low <= case.height <= found.high


def shares(case: Case, sizes: Sizes, count: int, pool: ProcessPoolExecutor) -> Floats:
    """(sizes, 3): % of judgements that say yes, that say no, and whose interval holds the true height."""
    found = [
        np.mean(list(pool.map(partial(judged, case, runs, points), range(count), chunksize=10)), axis=0)
        for runs, points in sizes
    ]
    return 100 * np.array(found)


def shown(case: Case, found: Floats) -> list[str]:
    """yes / no, and for a planted peak also how many intervals hold its height."""
    return [f"{yes:.3g}/{no:.3g}" + f" {held:.3g}" * (case.height > 0) for yes, no, held in found.tolist()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judgements", type=int, default=1000, help="per case and size")
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS)
    parser.add_argument("--points", type=int, nargs="+", default=POINTS)
    parser.add_argument("--spread", type=float, help="standard deviation between runs, as a fraction")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    nulls, planted = NULLS, PLANTED
    if options.spread is not None:
        nulls = [Case(curve, noise, options.spread) for noise in NOISE for curve in WITHOUT]
        planted = [Case(curve, "normal", options.spread, d) for d in (0.02, 0.05, 0.1, 0.3) for curve in GROUND]
    sizes = list(itertools.product(options.runs, options.points))
    console = Console(width=max(100, 36 + 13 * len(sizes)), highlight=False)
    table = Table("case", *(f"{runs} x {points}" for runs, points in sizes), box=None)
    worst: dict[str, Floats] = {}
    with ProcessPoolExecutor(options.workers) as pool:
        for case in nulls + planted:
            found = shares(case, sizes, options.judgements, pool)
            console.print(case.name, *shown(case, found))
            if case.height:
                table.add_row(case.name, *shown(case, found))
            else:
                name = f"no peak, {case.noise} {100 * case.spread:g}"
                worst[name] = np.maximum(worst.get(name, 0.0), found[:, 0])
                if case.curve == list(WITHOUT)[-1]:
                    table.add_row(name, *(f"{yes:.3g}" for yes in worst[name]))
    console.print(
        f"\nsizes are runs x points, heights and spreads points of error. Without a peak: the most false yes of "
        f"{len(WITHOUT)} curves, % of {options.judgements} judgements. With one: yes/no, and % of intervals that hold "
        "its height."
    )
    console.print(table)


if __name__ == "__main__":
    main()
