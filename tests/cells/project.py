"""A folder with parameters and a tiny prepared data set, in which the stage `train` runs inside the test's process."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages import train
from stages.base import files, tensors
from stages.base.console import call
from stages.base.params import Train, parse
from stages.base.studies import Studies, points
from stages.cells import pool
from stages.cells.cell import Cell, Maker, digest_of, fingerprint, fit_cell, maker_here, study_cell
from stages.cells.jobs import split
from stages.cells.worker import Worker
from tests.workspace import ROOT, TINY, Workspace, small_studies

DATA = "data/prepared/data.safetensors"
PIXELS = 16
PUBLISHED = parse((ROOT / "params.yaml").read_text())
DATA_SET = PUBLISHED.data.model_copy(update={"train_per_class": 20})  # what `images` makes

# The cell without a penalty stops early. Under the other one every weight is zero, its error is that of a guess, and it
# would train for hours: so a test finds the processes at work, whatever the machine's speed.
ENDLESS: dict[str, dict[str, Any]] = {
    "grid": {"width": [3], "alpha": [0.0, 10000.0]},
    "train": {
        "seeds": 2,
        "epochs": 30_000,
        "batch_size": 1,
        "lr": 0.05,
        "eval_every": 20,
        "penalty": "l1",
        "solver": "proximal",
        "stop_at_train_error": 0.85,
    },
}


def images(seed: int = 0) -> dict[str, Any]:
    """Prepared data: twenty images a class for training and as many for testing, each class around a point."""
    rng = np.random.default_rng(seed)
    labels = np.arange(200) % 10
    points = rng.normal(size=(10, PIXELS))
    arrays: dict[str, Any] = {}
    for part in ("train", "test"):
        arrays[f"{part}_pixels"] = (points[labels] + rng.normal(size=(200, PIXELS))).astype(np.float32)
        arrays[f"{part}_labels"] = labels
    return arrays


def data_file(seed: int = 0) -> bytes:
    return tensors.to_bytes(images(seed), {"dataset": "points", "classes": 10})


class Project(Workspace):
    """Without git and DVC, which the stage does not need."""

    @classmethod
    def of(cls, path: Path, changes: dict[str, dict[str, Any]] = TINY) -> "Project":
        path.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "params.yaml", path)
        project = cls(path)
        project.change({group: values for group, values in TINY.items() if group != "data"})
        project.change({group: values for group, values in changes.items() if group != "data"})
        project.change({"data": {"train_per_class": DATA_SET.train_per_class}})
        files.write(path / DATA, data_file())
        return project

    def with_code(self) -> "Project":
        """With a copy of the code, so that the stage can be started as a command."""
        shutil.copytree(ROOT / "stages", self.path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
        return self

    @property
    def store(self) -> Path:
        return self.path / ".dvc/tmp/cells"

    def kept(self) -> dict[str, bytes]:
        """The store's files, without parts of cells."""
        return {path.name: path.read_bytes() for path in self.store.iterdir() if "-" not in path.name}

    def models(self, width: int = 2) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.path / f"data/models/{width}").iterdir()}

    def maker(self) -> Maker:
        return maker_here(tensors.header(self.path / DATA)[0]["digest"], "cpu")


def command(width: int) -> list[str]:
    return ["python", "-m", "stages.train", "--width", str(width), "--data", DATA, "--out", f"data/models/{width}"]


class Stage:
    """The stage `train` of a project, run in this process; what it trains, real worker processes train."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(ROOT)
        pool.start_server()  # once, here, where it finds the code
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, project: Project, width: int = 2) -> str:
        """What the stage says."""
        self.monkeypatch.chdir(project.path)
        self.capsys.readouterr()
        call(train.main, *command(width)[3:])
        return self.capsys.readouterr().err


def cells(count: int, seeds: int = 2, width: int = 2, folder: Path = Path("models"), **options: Any) -> list[Cell]:
    """Cells of tiny networks that differ in alpha, for the data of `data_file`."""
    few = {"epochs": 2, "batch_size": 32, "lr": 0.05, "eval_every": 1, "penalty": "l2", "solver": "subgradient"}
    train = Train.model_validate(PUBLISHED.train.model_dump() | {"seeds": seeds, **few, **options})
    return [fit_cell(DATA_SET, train, 10, width, place / 10, folder) for place in range(count)]


def pruned(method: str, retraining: str, **changes: Any) -> Cell:
    """The cell of a study that prunes, with the studies' defaults but for the changes."""
    defaults = {"fit": {}, "prune": small_studies()["defaults"]["prune"] | changes}
    one = {"asks": "?", "expects": "", "trains": "prune", "over": "round", "options": {}}
    grid = {"method": [method], "retraining": [retraining]}
    studies = Studies.model_validate({"defaults": defaults, "studies": {"one": {**one, "grid": grid}}})
    return study_cell(points(studies, "one")[0], 10, "x")


def made_here(workspace: Workspace, widths: list[int], **changes: Any) -> dict[str, bytes]:
    """The files of the workspace's cells under the names that the store gives them, made in this process."""
    params = parse(workspace.read("params.yaml"))
    config = params.train.model_copy(update=changes)
    worker = Worker((workspace.path / DATA).read_bytes())
    found = {}
    for width in widths:
        for alpha in params.grid.alpha:
            cell = fit_cell(params.data, config, 10, width, alpha, "")
            (job,) = split([cell], 1, "cpu", PIXELS)
            own = fingerprint(cell, worker.maker)
            found[f"{digest_of(own)}.safetensors"] = tensors.to_bytes(worker.work(job, worker.maker)[0], own)
    return found
