"""Stage `prune`: all cells of the pruning study, trained as those of the grid are; see `train`."""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.cells.cell import Cell, prune_cell
from stages.cells.make import make


def main(data: Path, out: Path) -> None:
    def wanted() -> list[Cell]:
        data, params = files.read_params().data, files.read_prune_params()
        return [
            prune_cell(data, params.prune, method, retraining, out)
            for method in params.grid.method
            for retraining in params.grid.retraining
        ]

    make("pruning", wanted, data)


if __name__ == "__main__":
    run(main)
