"""Print what an experiment found, one line a width: `python -m stages.show [FOLDER] [--markdown]`.

An experiment of one alpha is read over width: errors, and whether they peak where the training set begins to be fitted.

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

OVER_ALPHA = [
    "width",
    "best accuracy, % (alpha)",
    "worst, % (alpha)",
    "largest alpha, %",
    "most exact zeros",
    "D, points [95 %]",
    "double descent?",
    "from the paper, points",
]
OVER_WIDTH = ["width", "test error, %", "training error, %", "epochs"]


def with_spread(mean: pd.Series, sd: pd.Series) -> list[str]:
    return [f"{m:.1f} ± {s:.1f}" if pd.notna(s) else f"{m:.1f}" for m, s in zip(mean, sd, strict=True)]


def over_alpha(means: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any]) -> list[list[str]]:
    """One line a width: accuracies are means and standard deviations over seeds; the distance from the paper is the
    median of |difference| over the alphas that both have."""
    found = []
    for width, cells in means.groupby("width"):
        cells = cells.set_index("alpha").sort_index()
        accuracy = 100 * (1 - cells.test_error)
        at = dict(zip(cells.index, with_spread(accuracy, 100 * cells.test_error_sd), strict=True))
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


def over_width(means: pd.DataFrame) -> list[list[str]]:
    """One line a width, for cells of one alpha: errors with their spread, and the epochs that the runs took."""
    means = means.sort_values("width")
    test, train = (with_spread(100 * means[f"{s}_error"], 100 * means[f"{s}_error_sd"]) for s in ("test", "train"))
    epochs = [f"{epochs:.0f}" for epochs in means.epochs]
    return [list(row) for row in zip(means.width.astype(str), test, train, epochs, strict=True)]


def finding_over_width(verdict: dict[str, Any]) -> str:
    """One sentence on the test error over width."""
    if "D" not in verdict:
        return "Fewer than three widths: no peak over width can show."
    height = f"Test error over width: D = {d_with_interval(verdict)} points, p = {verdict['p_value']:.3f}"
    peak = f"a peak at width {verdict['peak_width']}" if verdict["double_descent"] else "no double descent"
    threshold = verdict.get("threshold")
    fitted = f"width {threshold} is the first that fits" if threshold else "no width fits"
    return f"{height}: {peak}; {fitted} its training set."


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
    verdict = json.loads((folder / "verdict.json").read_text())[name]
    means = cell_means(cells)
    single = cells.alpha.nunique() == 1
    columns, found = (OVER_WIDTH, over_width(means)) if single else (OVER_ALPHA, over_alpha(means, paper, verdict))
    sentence = finding_over_width(verdict.get("over_width", {})) if single else ""
    if args.markdown:
        print("\n".join("| " + " | ".join(row) + " |" for row in (columns, ["---"] * len(columns), *found)))
        if single:
            print(f"\n{sentence}")
        return
    table = Table(*columns, title=f"{name}, {cells.seed.nunique()} seeds, from {folder}/")
    for row in found:
        table.add_row(*row)
    if not console.is_terminal:
        console.width = 150
    console.print(table)
    if single:
        console.print(sentence)
    for finding in sorted(folder.glob("*.md")):
        console.print(f"{finding.stem}: {finding.read_text().strip()}", markup=False)
    console.print(f"figures: {'plots' if args.folder == 'metrics' else folder}/*.png; numbers: {folder}/cells.csv")


if __name__ == "__main__":
    run(main)
