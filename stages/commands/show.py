"""Print what an experiment found, one line a width: `python -m stages.commands.show [FOLDER] [--markdown]`.

An experiment of one alpha is read over width: errors, and whether they peak where the training set begins to be fitted.

FOLDER holds cells.csv, paper.csv and verdict.json: metrics (the default) or experiments/NAME.
"""

import argparse
from pathlib import Path

import pandas as pd
from rich.table import Table

from stages.base import files
from stages.base.console import console, run
from stages.statistic import findings


def read(folder: Path) -> tuple[pd.DataFrame, str, str]:
    """A table of words, a line a width; the finding; data set and seeds. UserError names a missing file."""
    missing = [name for name in ("cells.csv", "paper.csv", "verdict.json") if not (folder / name).exists()]
    if missing:
        what = f" {folder.name}" if folder.parent.name == "experiments" else ""
        raise files.UserError(f"{folder / missing[0]} is missing; to make it: python -m stages.sweep{what}")
    cells, paper = (files.read_table(folder / f"{name}.csv") for name in ("cells", "paper"))
    name = cells.dataset.iloc[0]
    verdict = files.read_verdict(folder / "verdict.json", name)
    about = f"{name}, {cells.seed.nunique()} seeds"
    return findings.table(cells, paper, verdict), findings.finding(cells, verdict), about


def markdown(folder: Path) -> str:
    found, sentence, _ = read(folder)
    rows = [list(map(str, found)), ["---"] * found.shape[1], *found.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows) + f"\n\n{sentence}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", default="metrics")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--experiment", help="whose results these are, where the folder is about to go")
    args = parser.parse_args()
    folder = Path(args.folder)
    if args.markdown:
        print(markdown(folder))
        return
    found, sentence, about = read(folder)
    source = f"experiment {args.experiment}" if args.experiment else f"{folder}/"
    table = Table(*map(str, found), title=f"{about}, from {source}")
    for row in found.to_numpy().tolist():
        table.add_row(*row)
    if not console.is_terminal:
        console.width = 150
    console.print(table)
    console.print(sentence)
    studies = {path.stem: path for path in sorted(folder.glob("*.md"))}
    if args.experiment:
        studies.pop("prune", None)  # of the checkout that the experiment began from
    for said in studies.values():
        console.print(f"{said.stem}: {said.read_text(encoding='utf-8').strip()}", markup=False)
    if args.experiment:
        return
    figures = Path("plots") if folder.resolve() == Path("metrics").resolve() else folder
    page = f"; all on one page: {figures}/report.html" * (figures / "report.html").exists()
    console.print(f"figures: {figures}/*.png; numbers: {folder}/*.csv{page}")


if __name__ == "__main__":
    run(main)
