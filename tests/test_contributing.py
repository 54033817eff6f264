"""The patches in CONTRIBUTING.md do what it says, in two files each at most."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.workspace import ROOT, Workspace

TEXT = (ROOT / "CONTRIBUTING.md").read_text()
PYTEST = ["python", "-m", "pytest", "-v", "-o", "addopts="]
PATCHES = dict(re.findall(r"^## (.+?)\n.*?^```diff\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL))


def test_every_addition_takes_two_files_at_most() -> None:
    assert list(PATCHES) == ["A penalty", "A data set", "A metric", "A figure"]
    for patch in PATCHES.values():
        assert 1 <= len(set(re.findall(r"^diff --git a/(\S+) ", patch, re.MULTILINE))) <= 2


@pytest.mark.slow
def test_the_patches_apply_and_the_pipeline_runs_with_all_of_them(tmp_path: Path) -> None:
    workspace = Workspace.built(tmp_path)
    for name, patch in PATCHES.items():
        (workspace.path / "patch").write_text(patch)
        workspace.run("git", "apply", "--recount", "patch")
        (workspace.path / "patch").unlink()
        workspace.commit(name)
    workspace.change({"data": {"name": "upside_down"}, "train": {"penalty": "log_sum"}})
    workspace.repro("plot")
    cells = pd.read_csv(workspace.path / "metrics/cells.csv")
    assert set(cells.dataset) == {"upside_down"}
    assert (cells.largest_weight > 0).all()
    assert (workspace.path / "plots/over_distance.png").stat().st_size > 1000
    for test in ("__init__.py", "training/__init__.py", "training/test_penalty.py"):
        (workspace.path / "tests" / test).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / test, workspace.path / "tests" / test)
    output = workspace.run(*PYTEST, "tests/training")
    assert "log_sum" in output
