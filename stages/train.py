"""Stage `train@WIDTH`: one model per alpha and seed of a width, a file for each alpha.

Cells that the store has are taken from it; the others are trained side by side on every core, or on the Dask cluster
that DASK_SCHEDULER_ADDRESS names. SDD_DEVICE (cpu, the default, or cuda) and SDD_WORKERS say where and by how many.
"""

import argparse

from stages.base import files
from stages.base.console import run
from stages.cells.cell import Cell, fit_cell
from stages.cells.make import make


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    def wanted() -> list[Cell]:
        params = files.read_params()
        return [fit_cell(params.train, args.width, alpha, args.out) for alpha in params.grid.alpha]

    make(f"width {args.width}", wanted, args.data)


if __name__ == "__main__":
    run(main)
