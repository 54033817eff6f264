"""Print what an experiment found, one line a width: `python -m stages.show [FOLDER] [--markdown]`.

FOLDER holds cells.csv, paper.csv and verdict.json: metrics (the default) or experiments/NAME.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from stages import files
from stages.console import console, run
from stages.core.tables import answer, cell_means, d_with_interval

COLUMNS = [
    "width",
    "best accuracy, % (alpha)",
    "worst, % (alpha)",
    "largest alpha, %",
    "most exact zeros",
    "D, points [95 %]",
    "double descent?",
    "from the paper, points",
]


def lines(means: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any]) -> list[list[str]]:
    """One line a width: accuracies are means and standard deviations over seeds; the distance from the paper is the
    median of |difference| over the alphas that both have."""
    found = []
    for width, cells in means.groupby("width"):
        cells = cells.set_index("alpha").sort_index()
        accuracy, sd = 100 * (1 - cells.test_error), 100 * cells.test_error_sd
        shown = [f"{a:.1f} ± {s:.1f}" if pd.notna(s) else f"{a:.1f}" for a, s in zip(accuracy, sd, strict=True)]
        at = dict(zip(cells.index, shown, strict=True))
        best, worst, last = accuracy.idxmax(), accuracy.idxmin(), cells.index[-1]
        judged = verdict.get(f"width_{width}", {})
        theirs = paper[paper.width == width].difference.abs()
        found.append(
            [
                str(width),
                f"{at[best]} ({best:g})",
                f"{at[worst]} ({worst:g})",
                at[last],
                f"{100 * cells.zero_fraction.max():.1f} %",
                d_with_interval(judged),
                answer(judged),
                f"{theirs.median():.2f} ({len(theirs)} cells)" if len(theirs) else "-",
            ]
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="metrics")
    parser.add_argument("--markdown", action="store_true")
    args = parser.parse_args()
    folder = Path(args.folder)
    missing = [name for name in ("cells.csv", "paper.csv", "verdict.json") if not (folder / name).exists()]
    if missing:
        raise files.UserError(f"{folder / missing[0]} is missing; to make it: python -m stages.sweep")
    cells, paper = pd.read_csv(folder / "cells.csv"), pd.read_csv(folder / "paper.csv")
    name = cells.dataset.iloc[0]
    found = lines(cell_means(cells), paper, json.loads((folder / "verdict.json").read_text())[name])
    if args.markdown:
        print("\n".join("| " + " | ".join(row) + " |" for row in (COLUMNS, ["---"] * len(COLUMNS), *found)))
        return
    table = Table(*COLUMNS, title=f"{name}, {cells.seed.nunique()} seeds, from {folder}/")
    for row in found:
        table.add_row(*row)
    console.print(table)
    console.print(f"figures: {'plots' if args.folder == 'metrics' else folder}/*.png; numbers: {folder}/cells.csv")


if __name__ == "__main__":
    run(main)
