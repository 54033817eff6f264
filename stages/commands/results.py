"""Write what was found into Markdown files: `python -m stages.commands.results README.md RESULTS.md`.

Between <!-- show FOLDER --> and <!-- end --> comes the table of that folder's results, between <!-- say FILE --> and
<!-- end --> the sentence in that file, between <!-- agreement FILE --> and <!-- end --> how many cells are the paper's.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.commands.show import as_markdown
from stages.statistic.findings import agreement

CONTENT: dict[str, Callable[[Path], str]] = {
    "show": as_markdown,
    "say": lambda path: path.read_text(encoding="utf-8").strip(),
    "agreement": lambda path: agreement(pd.read_csv(path)),
}


def filled(text: str) -> str:
    def block(match: re.Match[str]) -> str:
        start, kind, path = match.groups()
        return f"{start}\n{CONTENT[kind](Path(path))}\n\n<!-- end -->"

    return re.sub(r"(<!-- (show|say|agreement) (\S+) -->\n).*?<!-- end -->", block, text, flags=re.DOTALL)


def main(*pages: Path) -> None:
    for page in pages:
        files.write(page, filled(page.read_text(encoding="utf-8")).encode())


if __name__ == "__main__":
    run(main)
