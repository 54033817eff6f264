"""Two clones, one remote and one store, pushing and pulling at once: nothing is lost and nothing is trained twice."""

from pathlib import Path

import pytest

from tests.processes import end, start
from tests.workspace import TINY, Workspace


@pytest.mark.slow
def test_two_who_train_push_and_pull_at_once_share_all_that_they_trained(tmp_path: Path) -> None:
    for name in ("origin", "remote"):
        (tmp_path / name).mkdir()
    origin = Workspace.create(tmp_path / "origin", TINY | {"grid": {"width": [2], "alpha": [0.0, 0.1]}})
    origin.repro("prepare")
    origin.dvc("remote", "add", "--default", "team", str(tmp_path / "remote"))
    origin.commit("a remote")
    origin.dvc("push", "-q")
    alphas = {"ann": [0.0, 0.5], "bob": [0.0, 0.7]}
    people = {name: clone(origin, tmp_path / name, alpha) for name, alpha in alphas.items()}

    def at_once(*command: str) -> None:
        started = [start(*command, cwd=one.path, SDD_STORE=str(tmp_path / "team's cells")) for one in people.values()]
        outputs = [end(process) for process in started]
        assert [process.returncode for process in started] == [0, 0], outputs

    at_once("dvc", "repro", "--pull", "train")
    at_once("dvc", "push", "--run-cache", "-q")

    third = clone(origin, tmp_path / "third", alphas["ann"])
    third.dvc("pull", "-q", "--run-cache", "--allow-missing")
    output = third.dvc("repro", "train@2")
    assert "is cached - skipping run" in output, output
    assert models(third) == models(people["ann"])

    third.change({"grid": {"alpha": [0.0, 0.5, 0.7]}})
    output = third.dvc("repro", "train", SDD_STORE=str(tmp_path / "team's cells"))
    assert "width 2: 0 cells trained, 3 from the store\n" in output, output
    assert models(third) == models(people["ann"]) | models(people["bob"])


def clone(origin: Workspace, path: Path, alpha: list[float]) -> Workspace:
    origin.git("clone", "-q", str(origin.path), str(path))
    workspace = Workspace(path)
    workspace.change({"grid": {"alpha": alpha}})
    return workspace


def models(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (workspace.path / "data/models/2").iterdir()}
