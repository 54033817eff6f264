"""Stage `verdict`: from the cells' rows to metrics/verdict.json; see core/verdict.py and core/descent.py."""

import argparse

import pandas as pd

from stages import files
from stages.console import console, run
from stages.core.tables import to_json
from stages.core.verdict import verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    cells = pd.read_csv(args.cells)
    try:
        found = verdict(cells)
    except ValueError as error:
        found = {cells.dataset.iloc[0]: {}}
        console.print(f"no verdict: {error}")
    files.write(args.out, to_json(found))


if __name__ == "__main__":
    run(main)
