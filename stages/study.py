"""The kinds of cells that `sweep` can train: those of the grid, and those of the pruning study."""

from importlib import import_module
from typing import Any, NamedTuple

from stages import files


class Study(NamedTuple):
    stages: str  # what DVC calls the stages, one a cell
    core: str  # the module that trains them: `cell`, `side_by_side`, `train_cells`, `Config`, `CODE`, `LOADED`
    group: str  # of the parameters, that every cell is trained with
    results: tuple[str, ...]  # what `dvc repro` is then asked for, in an experiment

    def module(self) -> Any:
        return import_module(self.core)

    def config(self) -> Any:
        """The group as it is on disk, checked."""
        read = files.read_params if self.group == "train" else files.read_prune_params
        return getattr(read(), self.group)


STUDIES = {
    "grid": Study("train", "stages.core.cell", "train", ("plot",)),
    "prune": Study("prune/dvc.yaml:prune", "stages.core.pruning_cell", "prune", ("prune/dvc.yaml",)),
}
