"""Stage `train@WIDTH`: one model per alpha and seed of a width, a file for each alpha.

Cells that the store has are taken from it; the others are trained side by side on every core, or on the Dask cluster
that DASK_SCHEDULER_ADDRESS names. SDD_DEVICE (cpu, the default, or cuda) and SDD_WORKERS say where and by how many.

With --only and the name of a cell, such as 'width 25, alpha 0.1', that cell alone is trained, in this process and into
no file, so that one sees what is wrong with it.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.cells.cell import Cell, fit_cell, refuse_more_images
from stages.cells.make import make


def main(width: int, data: Path, out: Path, only: str = "") -> None:
    def wanted(classes: int) -> list[Cell]:
        params = files.read_params()
        refuse_more_images(params.data, params.train, classes, "params.yaml: train.")
        return [fit_cell(params.data, params.train, classes, width, alpha, out) for alpha in params.grid.alpha]

    command = f"python -m stages.train --width {width} --data {data} --out {out}"
    make(f"width {width}", wanted, data, command, only)


if __name__ == "__main__":
    run(main)
