"""Print what the main job found, one line a width: `python -m stages.commands.show [FOLDER] [--markdown]`.

A grid of one alpha is read over width: errors, and whether they peak where the training set begins to be fitted.

FOLDER holds cells.csv, paper.csv and verdict.json; it is metrics unless named.
"""

import subprocess
from pathlib import Path
from typing import Any

import pandas as pd
from rich.table import Table

from stages.base.console import console, run
from stages.base.params import document
from stages.statistic import findings, protocol
from stages.statistic.results import Results, read_results


def as_table(words: pd.DataFrame) -> str:
    """A table of words in Markdown."""
    rows = [list(map(str, words)), ["---"] * words.shape[1], *words.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def as_markdown(folder: Path) -> str:
    """The table and the finding, as they stand in a Markdown page."""
    results = read_results(folder)
    table = as_table(findings.table(results.cells, results.paper, results.verdict))
    return f"{table}\n\n{findings.finding(results.cells, results.verdict)}"


def committed_params() -> dict[str, Any] | None:
    """The contents of params.yaml in git's HEAD, or None where there is no git, no HEAD, or no such file in it."""
    try:
        done = subprocess.run(["git", "show", "HEAD:./params.yaml"], capture_output=True, check=True)
        return dict(document(done.stdout.decode()))
    except (OSError, subprocess.CalledProcessError, ValueError):
        return None


def made_with(results: Results) -> list[str]:
    """What a table was made with, and how those parameters differ from the committed ones, a line each."""
    committed = committed_params()
    changes = protocol.differences(results.params.model_dump(), committed) if committed else []
    said = [f"made with: {protocol.caption(results.cells, results.params)}"]
    return said + [f"not as committed: {'; '.join(changes)}"] * (len(changes) > 0)


def main(folder: Path = Path("metrics"), /, markdown: bool = False) -> None:
    if markdown:
        print(as_markdown(folder))
        return
    results = read_results(folder)
    found = findings.table(results.cells, results.paper, results.verdict)
    table = Table(*map(str, found), title=f"{results.dataset}, {results.cells.seed.nunique()} seeds, from {folder}/")
    for row in found.to_numpy().tolist():
        table.add_row(*row)
    if not console.is_terminal:
        console.width = 150
    console.print(table)
    for line in made_with(results):
        console.print(line, markup=False)
    console.print(findings.finding(results.cells, results.verdict))
    for said in sorted(folder.glob("*.md")):
        console.print(f"{said.stem}: {said.read_text(encoding='utf-8').strip()}", markup=False)
    figures = Path("plots") if folder.resolve() == Path("metrics").resolve() else folder
    page = f"; all on one page: {figures}/report.html" * (figures / "report.html").exists()
    console.print(f"figures: {figures}/*.png; numbers: {folder}/*.csv{page}")


if __name__ == "__main__":
    run(main)
