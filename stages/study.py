"""Stage `study@NAME`: trains every cell of a study.

Cells that the store has are taken from it, whichever study or grid they were trained for.

With --only and the name of a cell, such as 'label_noise 0.2, width 25', that cell alone is trained, in this process and
into no file, so that one sees what is wrong with it.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.base.studies import points
from stages.cells.cell import Cell, refuse_more_images, study_cell
from stages.cells.make import make


def main(name: str, data: Path, out: Path, only: str = "") -> None:
    def wanted(classes: int) -> list[Cell]:
        grid = points(files.read_studies(), name)
        for point in grid:
            refuse_more_images(point.data, point.train, classes, f"studies/params.yaml: studies.{name}.options.")
        return [study_cell(point, classes, out) for point in grid]

    command = f"python -m stages.study --name {name} --data {data} --out {out}"
    make(f"study {name}", wanted, data, command, only)


if __name__ == "__main__":
    run(main)
