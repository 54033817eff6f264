"""The kinds of cells that `sweep` can train: those of the grid, and those of the pruning study."""

from importlib import import_module
from typing import Any, NamedTuple

from stages.base import files


class Study(NamedTuple):
    stages: str  # what DVC calls the stages, one a cell
    core: str  # the module that trains them: see stages.cells.cell
    group: str  # of the parameters, that every cell is trained with
    pipeline: str  # that DVC is then asked for

    def module(self) -> Any:
        return import_module(self.core)

    def params(self) -> Any:
        """The study's parameters as they are on disk, checked."""
        return files.read_params() if self.group == "train" else files.read_prune_params()


STUDIES = {
    "grid": Study("train", "stages.cells.cell", "train", "dvc.yaml"),
    "prune": Study("prune/dvc.yaml:prune", "stages.cells.pruning_cell", "prune", "prune/dvc.yaml"),
}
