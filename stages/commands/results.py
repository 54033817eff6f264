"""Write what was found into Markdown files: `python -m stages.commands.results README.md RESULTS.md`.

Between <!-- KIND PATH --> and <!-- end --> comes what the kind says of the path:

show FOLDER: the table of that folder's results.
say FILE: the sentence in it.
agreement FILE: how many cells are the paper's.
findings FOLDER: a line a study, from the verdicts in the folder.
overview FOLDER: a sentence over all of them.
studies FOLDER: a chapter a study.
why FOLDER, readings FOLDER: the lines and chapters of readings.
meanings FOLDER: what the names of the answers in the tables of the folder mean.
seconds FILE: how long training the studies, and asking their networks, took.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.studies import along
from stages.commands.show import as_markdown, as_table
from stages.statistic import overview, words
from stages.statistic import reading as of_reading
from stages.statistic import study as statistic
from stages.statistic.findings import agreement

SECONDS = Path("tests/benchmarks/studies.csv")  # that training a study, or asking its networks, took


def studies(verdicts: Path) -> str:
    """A chapter a study: its figure, the answer in a sentence, what was expected, a line a group, time and command."""
    whole = files.read_studies().studies
    chapters = []
    for name, asked in whole.items():
        found = _verdict(name, verdicts)
        paragraphs = [_said(name)]
        if asked.twin:
            permuted = bool(asked.options.get("permute"))
            paragraphs.append(statistic.said_of_twin(asked.twin, permuted, found, _verdict(asked.twin, verdicts)))
        paragraphs += [f"Expected: {asked.expects}", as_table(statistic.table(found, asked.over))]
        paragraphs.append(f"`dvc repro studies/dvc.yaml:judge@{name}`{_time(name, 'training')}.")
        chapters.append(_chapter(name, asked.asks, paragraphs))
    return "\n\n".join(chapters)


def readings(verdicts: Path) -> str:
    """A chapter a reading, as a study's."""
    whole = files.read_studies()
    chapters = []
    for name, asked in whole.readings.items():
        table = as_table(of_reading.words(_verdict(name, verdicts), along(whole, name).over))
        command = (
            f"`dvc repro studies/dvc.yaml:conclude@{name}`, which trains nothing where `{asked.reads}` is trained"
            f"{_time(name, 'asking')}."
        )
        chapters.append(_chapter(name, asked.asks, [_said(name), f"Expected: {asked.expects}", table, command]))
    return "\n\n".join(chapters)


@cache
def _seconds() -> pd.Series:
    return pd.read_csv(SECONDS).set_index("study").seconds


def _time(name: str, what: str) -> str:
    """How long it took, if it was timed."""
    seconds = _seconds()
    return f"; {what} took {seconds[name]:,} seconds" if name in seconds.index else ""


def _chapter(name: str, asks: str, paragraphs: list[str]) -> str:
    return "\n\n".join([f"## {name}", f"![{asks}](studies/{name}/figure.png)", *paragraphs])


def _said(name: str) -> str:
    return (Path("studies") / name / "finding.md").read_text(encoding="utf-8").strip()


def seconds(path: Path) -> str:
    """A line a study, the longest first."""
    return as_table(pd.read_csv(path).sort_values("seconds", ascending=False, kind="stable").astype(str))


def meanings(folder: Path) -> str:
    """A line a name of an answer; see `words`."""
    asked = pd.concat([files.read_table(path) for path in sorted(folder.glob("*/answers.csv"))])
    names = {*asked.get("measure", []), *asked.get("head", [])}
    explained = {word: said for word, said in words.ANSWERS.items() if names & {*word.split(", ")}}
    return as_table(pd.DataFrame(explained.items(), columns=["answer", "what it is"]))


def _verdict(name: str, folder: Path) -> dict[str, Any]:
    return files.read_verdict(folder / f"{name}.json", name)


def findings(verdicts: Path) -> str:
    asks = {name: study.asks for name, study in files.read_studies().studies.items()}
    return as_table(overview.summary(asks, {name: _verdict(name, verdicts) for name in asks}))


def in_short(verdicts: Path) -> str:
    asked = files.read_studies().studies
    return overview.sentence(
        {name: _verdict(name, verdicts) for name in asked}, {name: study.over for name, study in asked.items()}
    )


def why(verdicts: Path) -> str:
    asks = {name: reading.asks for name, reading in files.read_studies().readings.items()}
    return as_table(of_reading.summary(asks, {name: _verdict(name, verdicts) for name in asks}))


CONTENT: dict[str, Callable[[Path], str]] = {
    "show": as_markdown,
    "say": lambda path: path.read_text(encoding="utf-8").strip(),
    "agreement": lambda path: agreement(pd.read_csv(path)),
    "studies": studies,
    "readings": readings,
    "seconds": seconds,
    "meanings": meanings,
    "findings": findings,
    "overview": in_short,
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
