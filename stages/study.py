"""Stage `study@NAME`: trains every cell of a study.

Cells that the store has are taken from it, whichever study or grid they were trained for.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.base.studies import points
from stages.cells.cell import Cell, study_cell
from stages.cells.make import make


def main(name: str, data: Path, out: Path) -> None:
    def wanted() -> list[Cell]:
        return [study_cell(point, out) for point in points(files.read_studies(), name)]

    make(f"study {name}", wanted, data)


if __name__ == "__main__":
    run(main)
