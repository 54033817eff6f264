"""What is committed belongs together: code, parameters, dvc.lock, tables, figures, README."""

import hashlib

import pytest
import yaml

from stages.results import filled
from tests.workspace import ROOT, Workspace, ran


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("clone")
    clone = Workspace(folder)
    clone.git("clone", "-q", str(ROOT), ".")
    return clone


@pytest.mark.slow
def test_a_fresh_clone_has_nothing_to_run_again(clone: Workspace) -> None:
    assert ran(clone.dvc("repro", "--dry", "--allow-missing", "--all-pipelines")) == set()


@pytest.mark.slow
def test_a_fresh_clone_shows_metrics_and_plots_without_training(clone: Workspace) -> None:
    assert "mnist.width_100.best_error" in clone.dvc("metrics", "show", "--md")
    clone.dvc("plots", "show", "--out", "page")
    assert clone.read("page/index.html").count('"$schema"') >= 5


def test_tables_and_figures_have_the_hashes_in_dvc_lock() -> None:
    stages = {
        **yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"],
        **yaml.safe_load((ROOT / "prune/dvc.lock").read_text())["stages"],
    }
    for name in ("evaluate", "verdict", "plot", "lasso", "heads", "report", "prune_report"):
        for out in stages[name]["outs"]:
            assert hashlib.md5((ROOT / out["path"]).read_bytes()).hexdigest() == out["md5"], out["path"]


def test_readme_and_results_say_what_is_in_the_tables() -> None:
    for name in ("README.md", "RESULTS.md"):
        text = (ROOT / name).read_text()
        assert filled(text) == text, f"{name}: make results"


def test_results_leave_no_experiment_and_no_finding_out() -> None:
    text = (ROOT / "RESULTS.md").read_text()
    experiments = {f"<!-- show experiments/{path.stem} -->" for path in (ROOT / "experiments").glob("*.yaml")}
    findings = {f"<!-- say metrics/{path.name} -->" for path in (ROOT / "metrics").glob("*.md")}
    assert [mark for mark in experiments | findings | {"<!-- show metrics -->"} if mark not in text] == []
