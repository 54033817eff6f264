"""What is committed belongs together: code, parameters, dvc.lock, tables, figures, README."""

import hashlib
from pathlib import Path

import pandas as pd
import pytest
import yaml

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


@pytest.mark.parametrize("folder", ["metrics", *(f"experiments/{p.stem}" for p in Path("experiments").glob("*.yaml"))])
def test_readmes_tables_are_what_show_prints(folder: str) -> None:
    table = Workspace(ROOT).run("python", "-m", "stages.show", folder, "--markdown")
    assert table.strip() in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", ["lasso", "heads", "prune"])
def test_readme_says_what_the_stages_found(name: str) -> None:
    assert (ROOT / f"metrics/{name}.md").read_text().strip() in (ROOT / "README.md").read_text()


def test_readme_counts_the_cells_that_agree_with_the_paper() -> None:
    cells = pd.read_csv(ROOT / "metrics/paper.csv")
    cells = cells[(cells.width >= 25) & ((cells.alpha <= 1) | (cells.alpha >= 500))]
    near = (cells.difference.abs() <= 2) | (cells.difference_in_sd.abs() <= 2)
    assert f"{near.sum()} of {len(cells)}\n" in (ROOT / "README.md").read_text()
