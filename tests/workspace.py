"""A small copy of this project in a folder of its own, with real git and real dvc, on the bundled digits."""

import fcntl
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from dvc.repo import Repo

from stages.base.datasets import CLASSES, SETS
from stages.base.sources import committed

Thing = TypeVar("Thing")
ROOT = Path(__file__).parent.parent
TINY: dict[str, dict[str, Any]] = {
    "data": {"name": "digits", "train_per_class": 20, "test_per_class": 10},
    "grid": {"width": [2, 3], "alpha": [0.0, 0.1]},
    "train": {"seeds": 2, "epochs": 2, "eval_every": 1},
    "lasso": {"runs": 4, "n_features": [5, 60, 80]},
    "head": {"strength": [0.01]},
}
SMALL = {  # instead of the studies' defaults
    "fit": {"data": "digits", "train_per_class": 20, "test_per_class": 10, "seeds": 2, "epochs": 2, "eval_every": 1},
    "prune": {
        **{"data": "digits", "train_per_class": 20, "test_per_class": 10, "seeds": 2, "epochs": 1},
        **{"width": 5, "levels": 2},
    },
    "grow": {"data": "digits", "train_per_class": 20, "test_per_class": 10, "seeds": 2, "epochs": 2, "eval_every": 1},
    "features": {"data": "digits", "train_per_class": 20, "test_per_class": 10, "seeds": 2},
    "prequential": {"data": "digits", "train_per_class": 20, "test_per_class": 10, "seeds": 2, "epochs": 2},
    "smooth": {"train_per_class": 20, "test_per_class": 10, "seeds": 2, "steps": 50},
    "finetune": {"data": "digits", "train_per_class": 3, "test_per_class": 2, "seeds": 2, "epochs": 1},
}
# columns that speak of all runs of a cell
OF_ALL_RUNS = ["variance", "agreement", "ensemble_error", "test_error_ensemble", "test_error_early"]
ABOUT = {"asks": "Is there a peak?", "expects": "None is expected."}
SMALL_STUDIES: dict[str, Any] = {
    "over-alpha": {
        **{**ABOUT, "trains": "fit", "over": "alpha", "options": {"penalty": "l2", "lr": 0.01}},
        "grid": {"width": [2, 3], "alpha": [0.0, 0.1, 0.2]},
    },
    "pruned": {
        **{**ABOUT, "trains": "prune", "over": "round", "options": {"retraining": "finetune", "keep_networks": True}},
        "grid": {"method": ["magnitude", "random"]},
    },
}
SMALL_READINGS: dict[str, Any] = {
    "inside-alpha": {**ABOUT, "reads": "over-alpha", "measures": "inside"},
    "lengths-rounds": {**ABOUT, "reads": "pruned", "measures": "lengths"},
}
CHARTS_OF_STUDIES = """
plots:
  - over the penalty:
      template: study_groups
      x: alpha
      y:
        over-alpha/points.json: test_error
"""


def some(things: Sequence[Thing], count: int) -> list[Thing]:
    """So many of them, drawn by a fixed seed; with RERUNS, as in `make test-all`, all."""
    return list(things) if os.environ.get("RERUNS") else random.Random(0).sample(things, count)


def committed_mnist() -> tuple[dict[str, Any], dict[str, Any]]:
    """The committed part of MNIST as `images_of` gives it where no mirror answers, without asking one."""
    largest, mean, std, _ = SETS["mnist"]
    about = {"dataset": "mnist", "largest": float(largest), "mean": mean, "std": std, "kind": "images"}
    return committed(ROOT / "data/mnist_subset.npz"), about | {"classes": [str(label) for label in range(CLASSES)]}


def small_studies() -> dict[str, Any]:
    """The contents of a studies/params.yaml with this project's defaults, but for what makes them small."""
    defaults = yaml.safe_load((ROOT / "studies/params.yaml").read_text())["defaults"]
    return {
        "defaults": {way: defaults[way] | SMALL[way] for way in defaults},
        "studies": SMALL_STUDIES,
        "readings": SMALL_READINGS,
    }


class Workspace:
    shared: Path  # a folder of all workers of this run of the tests, which conftest.py sets

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def built(cls, path: Path) -> "Workspace":
        """A copy of a workspace in which both pipelines have run, with their results committed.

        The first test that asks has it built, and those of other workers wait meanwhile. The cells are in the store.
        """
        first = cls.shared / "built"
        with open(cls.shared / "built.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not first.exists():
                making = cls.shared / "building"
                shutil.rmtree(making, ignore_errors=True)
                workspace = cls.create(making, studies=True)
                workspace.repro("--all-pipelines")
                workspace.repro("report")  # which has begun before the studies were there
                workspace.commit("results")
                making.rename(first)
        shutil.copytree(first, path, symlinks=True, dirs_exist_ok=True)
        return cls(path)

    @classmethod
    def create(cls, path: Path, changes: dict[str, dict[str, Any]] = TINY, studies: bool = False) -> "Workspace":
        """Copy what git tracks, as it is on disk, without tests and results; set the parameters; commit.

        The studies are two small ones, and are left out unless asked for: until they have run, DVC complains that their
        results are missing.
        """
        tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
        left_out = re.compile(
            r"metrics/|plots/|tests/|(.+/)?dvc\.lock|studies/.+/|studies/findings" + "|studies/dvc.yaml" * (not studies)
        )
        for name in tracked.splitlines():
            if not left_out.match(name) and (ROOT / name).exists():
                (path / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, path / name, follow_symlinks=False)  # make looks at times
        workspace = cls(path)
        workspace.change(changes)
        (path / "studies/params.yaml").write_text(yaml.safe_dump(small_studies(), sort_keys=False))
        if studies:
            pipeline = path / "studies/dvc.yaml"
            pipeline.write_text(pipeline.read_text().partition("\nplots:")[0] + CHARTS_OF_STUDIES)
        workspace.git("init", "-q")
        workspace.name_author()
        workspace.commit("start")
        return workspace

    def run(self, *command: str, ok: bool = True, **environment: str) -> str:
        """Standard output and error of a command; its failure, or success when ok is False, fails the test."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        # tests run side by side, where a second thread waits for the first in vain
        env = {**os.environ, "PATH": path, "COLUMNS": "200", "OMP_NUM_THREADS": "1", **environment}
        for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):  # of the `make test` that may have started this
            env.pop(name, None)
        done = subprocess.run(
            command, cwd=self.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600
        )
        assert (done.returncode == 0) == ok, f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}"
        return done.stdout

    def dvc(self, *arguments: str, ok: bool = True, **environment: str) -> str:
        return self.run("dvc", *arguments, ok=ok, **environment)

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments)

    def name_author(self) -> None:
        self.git("config", "user.email", "someone@example.org")
        self.git("config", "user.name", "Someone")

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)

    def change(self, changes: dict[str, dict[str, Any]]) -> None:
        for group, values in changes.items():
            file = self.path / "params.yaml"
            params = yaml.safe_load(file.read_text())
            params[group] |= values
            file.write_text(yaml.safe_dump(params, sort_keys=False))

    def repro(self, *arguments: str) -> set[str]:
        """The stages that `dvc repro` ran."""
        return ran(self.dvc("repro", *arguments))

    def stale(self) -> set[str]:
        """The stages of both pipelines with a changed dependency or parameter of their own, without starting DVC."""
        with Repo(str(self.path)) as repo:
            return {name.split(":")[-1] for name in repo.status()}

    def read(self, name: str) -> str:
        return (self.path / name).read_text()


def ran(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))
