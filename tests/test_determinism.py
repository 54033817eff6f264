"""The same bytes in another folder, for another user, in another language and time zone, on one core or two."""

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from stages import evaluate, prepare, train
from stages.base import tensors
from stages.base.console import call
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.options import Options
from tests.workspace import OF_ALL_RUNS, ROOT, Workspace, committed_mnist

GOLDEN = Path(__file__).with_name("golden.json")


# `make test` takes the pipeline of the main job, `make test-all` that of the studies as well
BOTH = bool(os.environ.get("RERUNS"))


def results(workspace: Workspace) -> dict[str, bytes]:
    """Every file that a stage made, of both pipelines or of the first."""
    locked = [yaml.safe_load(workspace.read(file))["stages"] for file in ["dvc.lock", "studies/dvc.lock"][: 1 + BOTH]]
    outs = [workspace.path / out["path"] for stages in locked for stage in stages.values() for out in stage["outs"]]
    found = [path for out in outs for path in (out.rglob("*.safetensors") if out.is_dir() else [out])]
    return {str(path.relative_to(workspace.path)): path.read_bytes() for path in sorted(found)}


def as_another_user() -> list[str]:
    """The start of a command that sees itself as another user, one without a name; nothing where that is forbidden."""
    command = shlex.split("unshare --user --map-user=54321 --map-group=54321")
    allowed = shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0
    return command if allowed else []


@pytest.mark.slow
def test_the_whole_pipeline_makes_the_same_bytes_elsewhere_and_dirties_no_checkout(tmp_path: Path) -> None:
    here, there = Workspace.built(tmp_path / "here"), Workspace(tmp_path / """a "folder" at $HOME, 'another'""")
    here.git("clone", "-q", "--depth", "1", f"file://{here.path}", str(there.path))
    style = tmp_path / "home/.config/matplotlib/matplotlibrc"
    style.parent.mkdir(parents=True)
    style.write_text("axes.facecolor: red\nfont.size: 20\n")
    every = ["--all-pipelines"] if BOTH else []
    there.run(
        *("taskset", "-c", "0", *as_another_user(), "dvc", "repro", "--force", *every),
        HOME=str(tmp_path / "home"),
        MPLBACKEND="module://of.a.notebook",
        USER="someone else",
        LOGNAME="someone else",
        LC_ALL="C",  # in which Python reads text as ASCII, unless told otherwise
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
        TZ="Asia/Kathmandu",
        PYTHONHASHSEED="12345",
        OMP_NUM_THREADS="2",
    )
    one, other = results(here), results(there)
    assert "data/models/2/0.1.safetensors" in one
    assert list(one) == list(other)
    assert [path for path in one if one[path] != other[path]] == []
    assert there.git("status", "--porcelain") == ""


def measured() -> dict[str, list[float]]:
    """What every penalty and solver makes of one small problem: losses at the end, one a seed."""
    generator = torch.Generator().manual_seed(0)
    train, test = (
        Images(torch.randn(200, 20, generator=generator), torch.randint(10, (200,), generator=generator))
        for _ in range(2)
    )
    found = {}
    for penalty, solver in (
        *(("induced_1norm", "subgradient"), ("l1", "subgradient"), ("l1", "proximal")),
        *(("l2", "subgradient"), ("l2", "proximal"), ("none", "subgradient")),
    ):
        options = Options(width=8, alpha=0.01, epochs=20, lr=0.05, penalty=penalty, solver=solver)
        run = fit(train, test, options, classes=10, alphas=[0.01], seeds=range(3))
        found[f"{penalty}, {solver}"] = [*run.curves.train_loss[-1].tolist(), *run.curves.test_loss[-1].tolist()]
    return found


def test_a_library_that_changes_results_is_noticed() -> None:
    """Losses to a thousandth of what torch 2.15.0 gave; `python -m tests.test_determinism` writes them anew."""
    golden = json.loads(GOLDEN.read_text())
    found = measured()
    assert list(found) == list(golden)
    for name, losses in golden.items():
        assert found[name] == pytest.approx(losses, rel=1e-3), name


@pytest.mark.slow
def test_cells_trained_anew_are_the_committed_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of the committed grid, to a millionth of each number in metrics/cells.csv for this torch on this kind of
    CPU; elsewhere to a point in the mean."""
    workspace = Workspace.create(tmp_path, {"grid": {"width": [5, 25], "alpha": [0.5, 10.0]}, "train": {"seeds": 3}})
    monkeypatch.chdir(tmp_path)
    Path("raw").write_bytes(tensors.to_bytes(*committed_mnist()))
    call(prepare.main, "--raw", "raw", "--out", "prepared")
    for width in ("5", "25"):
        call(train.main, "--width", width, "--data", "prepared", "--out", f"models/{width}")
    paper = "data/paper_table1.csv"
    call(evaluate.main, "--data", "prepared", "--models", "models", "--paper", paper, "--out", "metrics")
    keys = ["width", "alpha", "seed"]
    new, old = (
        pd.read_csv(path / "metrics/cells.csv", dtype={"alpha": float}).set_index(keys).sort_index()
        for path in (workspace.path, ROOT)
    )
    old = old.loc[new.index]
    assert len(new) == 12
    difference = (new.test_error - old.test_error).groupby(["width", "alpha"]).mean().abs()
    assert difference[difference.index.get_level_values("alpha") <= 1].max() < 0.01  # beyond, a run is a draw
    if same_machine():
        own = new.columns.difference(OF_ALL_RUNS)
        pd.testing.assert_frame_equal(new[own], old[own], rtol=1e-6, check_dtype=False)


def same_machine() -> bool:
    """Whether this is the kind of processor on which the committed numbers were made."""
    flags = subprocess.run(["lscpu"], capture_output=True, text=True).stdout
    return "AuthenticAMD" in flags and "avx512" in flags


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(measured(), indent=2) + "\n")
