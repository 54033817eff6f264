"""Stage `verdict`: is there a double descent? The answer for every width, and the few numbers that sum up a run.

The statistic is in stages/statistic/judge.py, what else a peak must be in stages/statistic/guards.py.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.statistic.findings import finding, headline
from stages.statistic.results import VERDICT, read_cells
from stages.statistic.tables import to_json
from stages.statistic.verdict import verdict


def main(cells: Path, data: Path, out: Path) -> None:
    table = read_cells(cells)
    name = table.dataset.iloc[0]
    about, _ = files.read_header(data, "dvc repro -f prepare", "train_pixels")
    found = verdict(table, about["classes"])
    files.write(out / VERDICT, to_json(found))
    files.write(out / "headline.json", to_json(headline(table, found[name])))
    console.print(finding(table, found[name]))


if __name__ == "__main__":
    run(main)
