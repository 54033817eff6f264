"""What is committed belongs together: code, parameters, dvc.lock, tables, figures, README."""

import hashlib
import json
import re

import pandas as pd
import pytest
import yaml

from stages.base.studies import parse_studies
from stages.commands.results import filled
from tests.workspace import ROOT, Workspace, ran

STUDIES = parse_studies((ROOT / "studies/params.yaml").read_text())


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
        **yaml.safe_load((ROOT / "studies/dvc.lock").read_text())["stages"],
    }
    judged = [f"judge@{name}" for name in STUDIES.studies]
    judged += [f"{stage}@{name}" for name in STUDIES.readings for stage in ("read", "conclude")]
    for name in ("evaluate", "verdict", "plot", "lasso", "heads", "findings", *judged):
        for out in stages[name]["outs"]:
            assert hashlib.md5((ROOT / out["path"]).read_bytes()).hexdigest() == out["md5"], out["path"]


def test_readme_and_results_say_what_is_in_the_tables() -> None:
    for name in ("README.md", "RESULTS.md", "COSTS.md"):
        text = (ROOT / name).read_text()
        assert filled(text) == text, f"{name}: make results"


def test_results_leave_no_study_and_no_finding_out() -> None:
    text = (ROOT / "RESULTS.md").read_text()
    chapters = [*STUDIES.studies, *STUDIES.readings]
    assert re.findall(r"^## ([a-z0-9-]+)$", text, re.MULTILINE) == chapters
    assert re.findall(r"^!\[.*\]\(studies/(.+)/figure.png\)$", text, re.MULTILINE) == chapters
    findings = {f"<!-- say metrics/{path.name} -->" for path in (ROOT / "metrics").glob("*.md")}
    assert [mark for mark in findings | {"<!-- show metrics -->"} if mark not in text] == []


def test_every_figure_in_plots_is_a_stages() -> None:
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    made = {out["path"] for stage in stages.values() for out in stage.get("outs", [])}
    assert {f"plots/{path.name}" for path in (ROOT / "plots").glob("*.png")} <= made


def recovery(folder: str, width: int) -> float:
    """The best alpha past the peak."""
    cells = pd.read_csv(ROOT / folder / "cells.csv")
    means = cells[cells.width == width].groupby("alpha").test_error.mean()
    return float(str(means[means.index > means.idxmax()].idxmin()))


def test_readmes_answers_are_the_results() -> None:
    readme = (ROOT / "README.md").read_text()
    answers = readme[readme.index("| question |") : readme.index("And what we asked besides")]
    grid = json.loads((ROOT / "metrics/verdict.json").read_text())["mnist"]
    zeros = json.loads((ROOT / "metrics/headline.json").read_text())["most exact zeros, %"]
    for said in (
        f"no cell has more than {zeros:.3f} % exact zeros in the mean",
        f"its alpha goes as the width to the power of {grid['slope']:.2f} "
        f"[{grid['slope_low']:.2f}, {grid['slope_high']:.2f}]",
    ):
        assert said in answers
    assert {found["answer"] for key, found in grid.items() if key.startswith("width_")} == {"no"}
    # a tenth of the step: past the peak the best alpha is ten times as large
    for width in (10, 25):
        assert recovery("studies/small-step", width) == 10 * recovery("metrics", width)
