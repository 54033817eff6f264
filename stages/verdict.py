"""Stage `verdict`: from the cells' rows to metrics/verdict.json; see core/verdict.py and core/descent.py."""

import argparse
import json
from typing import Any

import pandas as pd

from stages import files
from stages.console import console, run
from stages.core.verdict import verdict


def rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    return round(value, 6) if isinstance(value, float) else value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    cells = pd.read_csv(args.cells)
    try:
        found = rounded(verdict(cells))
    except ValueError as error:
        found = {cells.dataset.iloc[0]: {}}
        console.print(f"no verdict: {error}")
    files.write(args.out, json.dumps(found, indent=2, allow_nan=False).encode() + b"\n")


if __name__ == "__main__":
    run(main)
