"""Write what was found into Markdown files: `python -m stages.commands.results README.md RESULTS.md`.

Between <!-- KIND PATH --> and <!-- end --> comes what the kind says of the path:

show FOLDER: the table of that folder's results. say FILE: the sentence in it. agreement FILE: how many cells are the
paper's. study NAME: a study's expectation, sentence, table and figure. findings FOLDER: a line a study, from the
verdicts in the folder.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.commands.show import as_markdown, as_table
from stages.statistic import study as statistic
from stages.statistic.findings import agreement


def study(name: str) -> str:
    """A study's chapter: what was expected, the answer in a sentence, a line a group, the figure, how to make it."""
    folder = Path("studies") / name
    asked = files.read_studies().studies[name]
    found = _verdict(name)
    sentence = (folder / "finding.md").read_text(encoding="utf-8").strip()
    if asked.twin:
        sentence += f"\n\n{statistic.said_of_twin(asked.twin, found, _verdict(asked.twin))}"
    table = as_table(statistic.table(found, asked.over))
    figure = f"![{asked.asks}](studies/{name}/figure.png)"
    return f"Expected: {asked.expects}\n\n{sentence}\n\n{table}\n\n{figure}"


def _verdict(name: str) -> dict[str, Any]:
    return files.read_verdict(Path("studies/verdicts") / f"{name}.json", name)


def findings(verdicts: Path) -> str:
    studies = files.read_studies()
    found = {name: files.read_verdict(verdicts / f"{name}.json", name) for name in studies.studies}
    return as_table(statistic.summary(studies, found))


CONTENT: dict[str, Callable[[Path], str]] = {
    "show": as_markdown,
    "say": lambda path: path.read_text(encoding="utf-8").strip(),
    "agreement": lambda path: agreement(pd.read_csv(path)),
    "study": lambda path: study(str(path)),
    "findings": findings,
}


def filled(text: str) -> str:
    def block(match: re.Match[str]) -> str:
        start, kind, path = match.groups()
        return f"{start}\n{CONTENT[kind](Path(path))}\n\n<!-- end -->"

    return re.sub(
        r"(<!-- (show|say|agreement|study|findings) (\S+) -->\n).*?<!-- end -->", block, text, flags=re.DOTALL
    )


def main(*pages: Path) -> None:
    for page in pages:
        files.write(page, filled(page.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    run(main)
