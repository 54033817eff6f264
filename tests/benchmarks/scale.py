"""What sweep and dvc themselves cost as the grid grows: seconds for trivial cells, which train in milliseconds.

python -m tests.benchmarks.scale [--cells 96 480 1920]
"""

import argparse
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.workspace import Workspace


def measure(cells: int) -> tuple[float, float, float]:
    """Seconds of a sweep of all cells (its `dvc repro` apart), of that `dvc repro`, and of one with nothing to do."""
    with tempfile.TemporaryDirectory() as folder:
        grid = {"width": [1, 2, 3, 4, 5, 6], "alpha": [i / 1000 for i in range(cells // 6)]}
        data = {"name": "digits", "train_per_class": 2, "test_per_class": 1}
        train = {"seeds": 1, "epochs": 1, "eval_every": 1}
        workspace = Workspace.create(Path(folder), {"data": data, "grid": grid, "train": train})
        workspace.repro("prepare")
        times = []
        for command in (("python", "-m", "stages.sweep", "--only-cells"), ("dvc", "repro"), ("dvc", "repro")):
            start = time.perf_counter()
            workspace.run(*command)
            times.append(time.perf_counter() - start)
        return times[0], times[1], times[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, nargs="+", default=[96, 480, 1920])
    table = Table("cells", "sweep, s", "evaluate and plot by dvc repro, s", "dvc repro, nothing to do, s")
    for cells in parser.parse_args().cells:
        table.add_row(str(cells), *(f"{seconds:.1f}" for seconds in measure(cells)))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
