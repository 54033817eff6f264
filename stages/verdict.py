"""Stage `verdict`: from the cells' rows to metrics/verdict.json, see core/verdict.py and core/descent.py; and the few
numbers that sum up an experiment."""

import argparse
from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.statistic.findings import finding, headline
from stages.statistic.tables import to_json
from stages.statistic.verdict import verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    cells = files.read_table(args.cells)
    name = cells.dataset.iloc[0]
    try:
        found = verdict(cells)
    except ValueError as error:
        found = {name: {}}
        console.print(f"no verdict: {error}")
    files.write(Path(args.out) / "verdict.json", to_json(found))
    files.write(Path(args.out) / "headline.json", to_json(headline(cells, found[name])))
    console.print(finding(cells, found[name]))


if __name__ == "__main__":
    run(main)
