"""DVC's record of the cells: which are stale, and the one commit that takes in the new ones."""

import shlex
from pathlib import Path
from typing import Any, NamedTuple

from dvc.repo import Repo
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from pydantic import BaseModel

from stages.base import tensors
from stages.cells.provenance import made_from
from stages.cells.study import Study


class StaleCell(NamedTuple):
    name: str  # as DVC calls it, train@WIDTH-ALPHA
    cell: dict[str, Any]
    path: Path
    made_from: dict[str, Any]  # what its file must say it was made from
    made: bool = False  # the file is there and says so: it has only to be recorded


def stale_cells(study: Study, config: BaseModel, data: str, by: dict[str, str]) -> list[StaleCell]:
    """The study's cells that DVC does not find up to date.

    Made are those in its run-cache (put in place here), and those whose file lies there already, whole and made from
    exactly this code, data and these parameters, after an interrupted sweep. `data` is the digest of the prepared
    data's file, `by` the maker.
    """
    stale = []
    with Repo() as repo, repo.lock:
        for stage in repo.stage.collect(study.stages):
            if not stage.changed():
                continue
            cell = _cell(stage, study, config, data, by)
            stale.append(cell._replace(made=_is_made(cell) or _restore(repo, stage, cell)))
    return stale


def commit(study: Study, failed: list[StaleCell]) -> None:
    """Record every cell but the failed ones; all others must be up to date or verified before."""
    missing = {cell.name for cell in failed}
    with Repo() as repo:
        # one target is one writing of dvc.lock: the whole group where it is complete
        names = [stage.addressing for stage in repo.stage.collect(study.stages) if stage.addressing not in missing]
        for target in names if missing else [study.stages]:
            repo.commit(target, force=True)


def _cell(stage: PipelineStage, study: Study, config: BaseModel, data: str, by: dict[str, str]) -> StaleCell:
    words = shlex.split(stage.cmd)[3:]  # after python -m stages.train
    options = {name.removeprefix("--"): value for name, value in zip(words[::2], words[1::2], strict=True)}
    cell = study.module().cell(options)
    return StaleCell(stage.addressing, cell, Path(options["out"]), made_from(cell, study.group, config, data, by))


def _is_made(cell: StaleCell, but: tuple[str, ...] = ()) -> bool:
    """The cell's file is whole and says that it was made from what it should, save for the keys in `but`."""
    try:
        made_from = tensors.from_bytes(cell.path.read_bytes())["made_from"]
    except (OSError, ValueError, KeyError):
        return False
    return all(made_from.get(key) == value for key, value in cell.made_from.items() if key not in but)


def _restore(repo: Repo, stage: PipelineStage, cell: StaleCell) -> bool:
    """Put the cell in place from DVC's cache if it was ever trained with these dependencies and parameters.

    As for DVC itself, another torch or device may have made it; the rest is checked once more.
    """
    cell.path.unlink(missing_ok=True)
    try:
        # looks at dvc.lock and the files as they are: the stage must come here as it was loaded
        repo.stage_cache.restore(stage)
    except RunCacheNotFoundError:
        return False
    return _is_made(cell, but=("torch", "device"))
