"""Stage `findings`: one table over the verdicts of all studies."""

from pathlib import Path

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.statistic.study import rows_of
from stages.statistic.tables import to_csv


def main(verdicts: Path, out: Path) -> None:
    rows = []
    for name, study in files.read_studies().studies.items():
        rows += rows_of(name, study, files.read_verdict(verdicts / f"{name}.json", name))
    files.write(out / "findings.csv", to_csv(pd.DataFrame(rows)))


if __name__ == "__main__":
    run(main)
