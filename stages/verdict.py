"""Stage `verdict`: from the cells' rows to a verdict, see stages/statistic/, and to the few numbers of a headline."""

import argparse
from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.statistic.descent import TooFewSeeds
from stages.statistic.findings import finding, headline
from stages.statistic.results import VERDICT, read_cells
from stages.statistic.tables import to_json
from stages.statistic.verdict import verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    cells = read_cells(Path(args.cells))
    name = cells.dataset.iloc[0]
    try:
        found = verdict(cells)
    except TooFewSeeds as error:
        found = {name: {}}
        console.print(f"no verdict: {error}")
    files.write(Path(args.out) / VERDICT, to_json(found))
    files.write(Path(args.out) / "headline.json", to_json(headline(cells, found[name])))
    console.print(finding(cells, found[name]))


if __name__ == "__main__":
    run(main)
