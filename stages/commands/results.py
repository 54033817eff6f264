"""Write what was found into Markdown files: `python -m stages.commands.results README.md RESULTS.md`.

Between <!-- KIND PATH --> and <!-- end --> comes what the kind says of the path:

show FOLDER: the table of that folder's results. say FILE: the sentence in it. agreement FILE: how many cells are the
paper's. study NAME: a study's expectation, sentence, table and figure. reading NAME: the same of a reading. findings
FOLDER: a line a study, from the verdicts in the folder. why FOLDER: a line a reading.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.studies import along
from stages.commands.show import as_markdown, as_table
from stages.statistic import reading as of_reading
from stages.statistic import study as statistic
from stages.statistic.findings import agreement


def study(name: str) -> str:
    """A study's chapter: what was expected, the answer in a sentence, a line a group, the figure, how to make it."""
    folder = Path("studies") / name
    asked = files.read_studies().studies[name]
    found = _verdict(name)
    sentence = (folder / "finding.md").read_text(encoding="utf-8").strip()
    if asked.twin:
        permuted = bool(asked.options.get("permute"))
        sentence += f"\n\n{statistic.said_of_twin(asked.twin, permuted, found, _verdict(asked.twin))}"
    table = as_table(statistic.table(found, asked.over))
    figure = f"![{asked.asks}](studies/{name}/figure.png)"
    return f"Expected: {asked.expects}\n\n{sentence}\n\n{table}\n\n{figure}"


def reading(name: str) -> str:
    """A reading's chapter, as a study's."""
    studies = files.read_studies()
    asked = studies.readings[name]
    sentence = (Path("studies") / name / "finding.md").read_text(encoding="utf-8").strip()
    table = as_table(of_reading.words(_verdict(name), along(studies, name).over))
    figure = f"![{asked.asks}](studies/{name}/figure.png)"
    return f"Expected: {asked.expects}\n\n{sentence}\n\n{table}\n\n{figure}"


def _verdict(name: str, folder: Path = Path("studies/verdicts")) -> dict[str, Any]:
    return files.read_verdict(folder / f"{name}.json", name)


def findings(verdicts: Path) -> str:
    asks = {name: study.asks for name, study in files.read_studies().studies.items()}
    return as_table(statistic.summary(asks, {name: _verdict(name, verdicts) for name in asks}))


def why(verdicts: Path) -> str:
    asks = {name: reading.asks for name, reading in files.read_studies().readings.items()}
    return as_table(of_reading.summary(asks, {name: _verdict(name, verdicts) for name in asks}))


CONTENT: dict[str, Callable[[Path], str]] = {
    "show": as_markdown,
    "say": lambda path: path.read_text(encoding="utf-8").strip(),
    "agreement": lambda path: agreement(pd.read_csv(path)),
    "study": lambda path: study(str(path)),
    "reading": lambda path: reading(str(path)),
    "findings": findings,
    "why": why,
}


def filled(text: str) -> str:
    def block(match: re.Match[str]) -> str:
        start, kind, path = match.groups()
        return f"{start}\n{CONTENT[kind](Path(path))}\n\n<!-- end -->"

    return re.sub(rf"(<!-- ({'|'.join(CONTENT)}) (\S+) -->\n).*?<!-- end -->", block, text, flags=re.DOTALL)


def main(*pages: Path) -> None:
    for page in pages:
        files.write(page, filled(page.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    run(main)
