"""What is committed belongs together: code, parameters, dvc.lock, tables, figures, README."""

import hashlib
import json
from typing import Any

import pandas as pd
import pytest
import yaml

from stages.commands.results import filled
from stages.statistic.findings import d_with_interval
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
    for name in ("evaluate", "verdict", "plot", "lasso", "heads", "prune_report"):
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


def judged(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / folder / "verdict.json").read_text())["mnist"]
    return found


def widths(verdict: dict[str, Any]) -> list[dict[str, Any]]:
    return [value for key, value in verdict.items() if key.startswith("width_")]


def recovery(folder: str, width: int) -> float:
    """The best alpha past the peak."""
    cells = pd.read_csv(ROOT / folder / "cells.csv")
    means = cells[cells.width == width].groupby("alpha").test_error.mean()
    return float(str(means[means.index > means.idxmax()].idxmin()))


def test_readmes_answers_are_the_results() -> None:
    readme = (ROOT / "README.md").read_text()
    answers = readme[readme.index("| question |") : readme.index("D is the height")]
    grid, clean = judged("metrics"), judged("experiments/width-clean")
    zeros = json.loads((ROOT / "metrics/headline.json").read_text())["most exact zeros, %"]
    noisy = judged("experiments/label-noise-l1")
    at_100, at_200 = (d_with_interval(noisy[f"width_{width}"]) for width in (100, 200))
    over_width = d_with_interval(judged("experiments/width-noise")["over_width"])
    pruned = (ROOT / "metrics/prune.md").read_text().split("rewind: a double descent, D = ")[1].split(" points")[0]
    for said in (
        f"no cell has more than {zeros:.3f} % exact zeros in the mean",
        f"slope of its logarithm on that of the width {grid['slope']:.2f} "
        f"[{grid['slope_low']:.2f}, {grid['slope_high']:.2f}]",
        f"over pruning D = {pruned} points, over width {over_width} |",
        f"D = {at_100} points (width 100) and {at_200} (width 200) at a constant step",
    ):
        assert said in answers
    assert not any(v["double_descent"] for v in widths(grid))
    assert not clean["over_width"]["double_descent"]
    # the L1 norm, by soft thresholding: zeros to 100 %, accuracy to chance, D zero; by subgradient steps: at chance
    proximal = (
        pd.read_csv(ROOT / "experiments/l1-proximal/cells.csv").groupby(["width", "alpha"]).mean(numeric_only=True)
    )
    assert (proximal.zero_fraction.groupby("width").max() > 0.9999).all()
    assert (proximal.test_error.groupby("width").last() == 0.9).all()
    assert all(v["D"] <= 0 for v in widths(judged("experiments/l1-proximal")))
    assert not any(v["guards"]["above_chance"] for v in widths(judged("experiments/l1-subgradient")))
    # a tenth of the step: past the peak the best alpha is ten times as large
    for width in (10, 25):
        assert recovery("experiments/small-step", width) == 10 * recovery("metrics", width)
