"""Print what the main job found, one line a width: `python -m stages.commands.show [FOLDER] [--markdown]`.

A grid of one alpha is read over width: errors, and whether they peak where the training set begins to be fitted.

FOLDER holds cells.csv, paper.csv and verdict.json; it is metrics unless named.
"""

import re
import subprocess
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from rich import box
from rich.table import Table
from rich.text import Text

from stages.base.console import console, run
from stages.base.params import document
from stages.statistic import findings, protocol
from stages.statistic.judge import NO, UNDECIDED, YES
from stages.statistic.results import Results, read_results

COLUMNS = 100  # of a terminal, which the table fits into
COLOURS = {YES: "green", NO: "red", UNDECIDED: "yellow"}
REASON = 15  # characters of an answer with its reason on one line


def as_table(words: pd.DataFrame) -> str:
    """A table of words in Markdown."""
    rows = [list(map(str, words)), ["---"] * words.shape[1], *words.to_numpy().tolist()]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def as_markdown(folder: Path) -> str:
    """The table and the finding, as they stand in a Markdown page."""
    results = read_results(folder)
    table = as_table(findings.table(results.cells, results.paper, results.verdict))
    return f"{table}\n\n{findings.finding(results.cells, results.verdict)}"


def as_lines(word: str) -> list[str]:
    """A word of the table on short lines: an interval, a place, a spread and the end of a reason begin new ones."""
    if word.split(":")[0] in COLOURS:
        return wrap(word, REASON)
    word = re.sub(r" \(\d+ cells\)$", "", word)
    return re.split(r" (?=[(\[])", word) if "(" in word or "[" in word else re.split(r" (?=±)", word)


def for_terminal(words: pd.DataFrame, title: str) -> Table:
    """The table of words with several short lines in a row; yes, no and undecided have colours on a terminal."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    columns = []
    for name in map(str, words):
        cells = [as_lines(word) for word in words[name]]
        width = max(len(part) for part in [*name.split(), *(line for lines in cells for line in lines)])
        table.add_column("\n".join(wrap(name, width)))
        columns.append([Text("\n".join(lines), COLOURS.get(lines[0].split(":")[0], "")) for lines in cells])
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


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


def say(line: str) -> None:
    """Print it without the stars of Markdown: a terminal gets it wrapped between words, a pipe as one line."""
    console.print(re.sub(r"\*(\w+)\*", r"\1", line), markup=False, soft_wrap=not console.is_terminal)


def main(folder: Path = Path("metrics"), /, markdown: bool = False) -> None:
    if markdown:
        print(as_markdown(folder))
        return
    results = read_results(folder)
    words = findings.table(results.cells, results.paper, results.verdict)
    title = f"{results.dataset}, {results.cells.seed.nunique()} seeds, from {folder}/"
    if not console.is_terminal:
        console.width = COLUMNS
    console.print(for_terminal(words, title))
    for line in made_with(results):
        say(line)
    say(findings.finding(results.cells, results.verdict))
    figures = Path("plots") if folder.resolve() == Path("metrics").resolve() else folder
    page = f"; all on one page: {figures}/report.html" * (figures / "report.html").exists()
    besides = f"; regressions in a sentence: {folder}/*.md" * bool(list(folder.glob("*.md")))
    say(f"figures: {figures}/*.png; numbers: {folder}/*.csv{besides}{page}")


if __name__ == "__main__":
    run(main)
