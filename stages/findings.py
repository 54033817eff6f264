"""Stage `findings`: one table over the verdicts of all studies and readings."""

from pathlib import Path

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.studies import along
from stages.statistic.study import rows_of
from stages.statistic.tables import to_csv


def main(verdicts: Path, out: Path) -> None:
    rows, whole = [], files.read_studies()
    names = [*whole.studies, *whole.readings]
    found = {name: files.read_verdict(verdicts / f"{name}.json", name) for name in names}
    for name, study in whole.studies.items():
        rows += rows_of(name, study.over, found[name], found[study.twin] if study.twin else {})
    for name in whole.readings:
        rows += rows_of(name, along(whole, name).over, found[name], {})
    files.write(out / "findings.csv", to_csv(pd.DataFrame(rows)))


if __name__ == "__main__":
    run(main)
