"""Stage `findings`: one table over the verdicts of all studies."""

from pathlib import Path

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.statistic.study import rows_of
from stages.statistic.tables import to_csv


def main(verdicts: Path, out: Path) -> None:
    rows, studies = [], files.read_studies().studies
    found = {name: files.read_verdict(verdicts / f"{name}.json", name) for name in studies}
    for name, study in studies.items():
        rows += rows_of(name, study, found[name], found[study.twin] if study.twin else {})
    files.write(out / "findings.csv", to_csv(pd.DataFrame(rows)))


if __name__ == "__main__":
    run(main)
