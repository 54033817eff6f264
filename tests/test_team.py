"""Two clones and one remote folder, pushing and pulling at once: nothing is lost."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.workspace import TINY, Workspace, ran


@pytest.mark.slow
def test_two_who_push_and_pull_at_once_lose_nothing(tmp_path: Path) -> None:
    for name in ("origin", "store"):
        (tmp_path / name).mkdir()
    origin = Workspace.create(tmp_path / "origin", TINY)
    origin.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    origin.commit("a store")
    alphas = {"ann": [0.0, 0.5], "bob": [0.0, 0.7]}
    people = {}
    for name, alpha in alphas.items():
        origin.run("git", "clone", "-q", str(origin.path), str(tmp_path / name))
        people[name] = Workspace(tmp_path / name)
        people[name].change({"grid": {"alpha": alpha}})

    def at_once(*commands: str) -> None:
        started = [
            subprocess.Popen([sys.executable, "-m", *command.split()], cwd=person.path, stdout=subprocess.DEVNULL)
            for person in people.values()
            for command in commands
        ]
        assert [process.wait(timeout=300) for process in started] == [0] * len(started)

    at_once("stages.sweep --only-cells")
    at_once("dvc push --run-cache")
    at_once("dvc push --run-cache", "dvc pull --run-cache --allow-missing --force")
    both = Workspace(tmp_path / "both")
    both.path.mkdir()
    both.run("git", "clone", "-q", str(origin.path), ".")
    both.change({"grid": {"alpha": [0.0, 0.5, 0.7]}})
    ran_here = ran(both.dvc("repro", "--pull", "train"))
    assert not [stage for stage in ran_here if stage.startswith("train@")]
    for name, alpha in alphas.items():
        for width in (2, 3):
            file = f"data/models/{width}-{alpha[1]}.pt"
            assert (both.path / file).read_bytes() == (tmp_path / name / file).read_bytes()
