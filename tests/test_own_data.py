"""Somebody's own data through both pipelines, with real DVC: results come out, and a replaced file makes new ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workspace import SMALL_STUDIES, Workspace

pytestmark = pytest.mark.slow
READERS = {"download", *(f"images@{name}" for name in SMALL_STUDIES)}  # of data/own
LETTERS = [*"abcdefghijkl"]
RINGS = {"data": {"name": "file", "path": "data/own/rings.npz", "train_per_class": 40, "test_per_class": 20}}
LEARNING = {
    "grid": {"width": [10, 20], "alpha": [0.0, 0.1]},
    "train": {"seeds": 2, "epochs": 30, "lr": 0.1, "penalty": "l2", "solver": "proximal"},
}


def rings(path: Path, seed: int = 0) -> None:
    """Points on three rings, 70 on each, as features of that many classes."""
    ring = np.arange(210) % 3
    turn = np.random.default_rng(seed).uniform(0, 7, 210)
    np.savez(path, features=np.column_stack([np.cos(turn), np.sin(turn)]) * (1 + ring[:, None]), labels=ring)


def pictures(path: Path, seed: int = 0) -> None:
    """Images of 4 x 6 pixels, 40 of each of twelve classes that are letters."""
    rng = np.random.default_rng(seed)
    number = np.arange(480) % 12
    images = 20 * number[:, None, None] + rng.integers(0, 20, (480, 4, 6))
    np.savez(path, images=images.astype(np.uint8), labels=np.array(LETTERS)[number])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.built(tmp_path_factory.mktemp("own"))
    rings(workspace.path / "data/own/rings.npz")
    workspace.change({**RINGS, **LEARNING})
    return workspace


def test_a_replaced_file_makes_new_results_and_one_that_is_not_used_makes_none(workspace: Workspace) -> None:
    workspace.repro("evaluate")
    before = workspace.read("metrics/cells.csv")
    cells = pd.read_csv(workspace.path / "metrics/cells.csv")
    assert cells[cells.alpha == 0].test_error.mean() < 0.5  # guessing errs on two of three
    assert "download" not in workspace.stale()
    pictures(workspace.path / "data/own/pictures.npz")
    assert workspace.stale() >= READERS
    assert workspace.repro("train@10") == {"download"}
    rings(workspace.path / "data/own/rings.npz", seed=1)
    assert workspace.repro("evaluate") == {"download", "prepare", "train@10", "train@20", "evaluate"}
    assert workspace.read("metrics/cells.csv") != before


def test_a_study_of_twelve_classes_that_are_letters(workspace: Workspace) -> None:
    pictures(workspace.path / "data/own/pictures.npz")
    file = workspace.path / "studies/params.yaml"
    studies = yaml.safe_load(file.read_text())
    for one in studies["studies"].values():
        one["options"] |= {"data": "file", "path": "data/own/pictures.npz"}
    file.write_text(yaml.safe_dump(studies, sort_keys=False))
    output = workspace.dvc("repro", "studies/dvc.yaml:judge@over-alpha")
    assert "data/own/pictures.npz: 480 images of 4 x 6, 12 classes ('a' to 'l'), 40 of each\n" in output
    assert set(pd.read_csv(workspace.path / "studies/over-alpha/cells.csv").dataset) == {"pictures"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data": {"path": "data/own/absent.npz"}}, "data.path: data/own/absent.npz: is not there; put it there, or"),
        ({"train": {"images": 121}}, "train.images: 121 is more than the 120 that 3 classes and train_per_class allow"),
    ],
)
def test_what_cannot_be_used_is_one_line_before_anything_trains(
    workspace: Workspace, changes: dict[str, dict[str, Any]], said: str
) -> None:
    text, results = workspace.read("params.yaml"), [*(workspace.path / "metrics").iterdir()]
    before = [path.read_bytes() for path in results]
    try:
        workspace.change(changes)
        output = workspace.dvc("repro", "evaluate", ok=False)
        assert f"error: params.yaml: {said}" in output
        assert "Traceback" not in output
        assert "trained" not in output
        assert [path.read_bytes() for path in results] == before
    finally:
        (workspace.path / "params.yaml").write_text(text)
