"""What lies in experiments/ and in the figures that compare them belongs to the committed code."""

import json
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages import download, prepare, verdict
from stages.base import files, tensors
from stages.base.console import call
from stages.base.params import Params
from stages.cells.cell import drawing, fit_cell
from stages.commands import compare
from stages.commands.experiment import overrides
from stages.figures import grid
from stages.figures.style import to_bytes
from stages.measure.images import training_images
from stages.measure.runs import rows
from stages.measure.sparsity import Seen
from stages.statistic.protocol import is_as_published
from stages.statistic.results import read_results
from stages.training.procedures import DataSet, train
from stages.training.runs import Arrays
from tests.test_determinism import same_machine
from tests.workspace import ROOT, Workspace

NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))


def prepared(params: Params, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Arrays, dict[str, Any]]:
    """The data of these parameters, by the stages, from the images that are committed or bundled."""
    monkeypatch.chdir(folder)
    Path("params.yaml").write_text(params.model_dump_json())
    if params.data.name == "mnist":
        about = {"dataset": "mnist", "largest": 255.0, "mean": 0.1307, "std": 0.3081, "subset": True}
        files.write("raw", tensors.to_bytes(download.committed(ROOT / "data/mnist_subset.npz"), about))
    else:
        call(download.main, "--out", "raw")
    call(prepare.main, "--raw", "raw", "--out", "data")
    return files.read_tensors("data", "", "train_pixels")


@pytest.mark.parametrize("name", NAMES)
def test_runs_of_it_trained_anew_are_the_committed_ones(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two seeds of a cell: to a millionth of each number on this torch and kind of CPU, elsewhere to five points."""
    folder = ROOT / "experiments" / name
    results = read_results(folder)
    arrays, about = prepared(results.params, tmp_path, monkeypatch)
    widths, alphas = results.params.grid.width, results.params.grid.alpha
    width, alpha = min(w for w in widths if w >= 5), alphas[:2][-1]
    params = results.params
    cell = fit_cell(params.data, params.train, width, alpha, tmp_path)
    (runs,) = train(cell.procedure, DataSet.of(arrays, about["classes"], "cpu"), [cell.options], range(2))
    images = training_images(arrays, drawing(params.data, params.train.images), range(2))
    place = {"dataset": about["dataset"], "width": width, "alpha": alpha}
    new = rows(place, runs, Seen.of(images.pixels), images.labels)
    old = results.cells.query("width == @width and alpha == @alpha and seed < 2").reset_index(drop=True)
    assert len(old) == 2
    assert abs(new.test_error.mean() - old.test_error.mean()) < 0.05
    if same_machine():
        pd.testing.assert_frame_equal(new[list(old)], old, rtol=1e-6, check_dtype=False)


@pytest.mark.parametrize("name", NAMES)
def test_its_verdict_is_that_of_its_cells(name: str, tmp_path: Path) -> None:
    folder = ROOT / "experiments" / name
    call(verdict.main, "--cells", str(folder / "cells.csv"), "--out", str(tmp_path))
    for file in ("verdict.json", "headline.json"):
        assert json.loads((tmp_path / file).read_text()) == json.loads((folder / file).read_text()), file


@pytest.mark.parametrize("name", NAMES)
def test_its_figures_are_drawn_from_its_committed_cells(name: str) -> None:
    folder = ROOT / "experiments" / name
    figures = grid.of_cells(read_results(folder))
    assert {path.stem for path in folder.glob("*.png")} == set(figures)
    drawn = {stem: to_bytes(figure, "png") for stem, figure in figures.items()}
    assert [stem for stem in drawn if drawn[stem] != (folder / f"{stem}.png").read_bytes()] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_as_published_stands_beside_the_papers_numbers(name: str) -> None:
    results = read_results(ROOT / "experiments" / name)
    assert is_as_published(results.params) or results.paper.empty


MAKEFILE = (ROOT / "Makefile").read_text()
COMPARISONS = [line.strip() for line in MAKEFILE.splitlines() if line.startswith("\tpython -m stages.commands.compare")]


@pytest.mark.parametrize("command", COMPARISONS, ids=[command.split("/")[-1] for command in COMPARISONS])
def test_a_comparison_is_drawn_from_the_committed_cells(command: str, tmp_path: Path) -> None:
    *words, figure = shlex.split(command)[3:]  # after python -m stages.commands.compare
    call(compare.main, *words, str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").read_bytes() == (ROOT / figure).read_bytes()


def test_every_figure_in_plots_is_a_stages_or_a_comparison() -> None:
    stages = {**yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]}
    stages |= yaml.safe_load((ROOT / "prune/dvc.lock").read_text())["stages"]
    made = {Path(out["path"]).name for stage in stages.values() for out in stage.get("outs", [])}
    assert {path.name for path in (ROOT / "plots").glob("*.png")} <= made | {c.split("/")[-1] for c in COMPARISONS}


@pytest.mark.parametrize("name", ["../params", "", "nothing"])
def test_an_experiment_that_is_none_gets_one_line(name: str) -> None:
    with pytest.raises(files.UserError, match=r"\.yaml does not exist; the experiments here are digits, l1-proximal"):
        overrides(name)


@pytest.mark.slow
def test_an_experiment_of_the_folder_runs_by_one_command(tmp_path: Path) -> None:
    workspace = Workspace.built(tmp_path)
    small = "grid: {alpha: [0.0, 1.0e-5]}\ntrain: {penalty: l2, lr: 0.05}\n"
    (tmp_path / "experiments/l1-proximal.yaml").write_text(small)
    workspace.commit("a small one")
    output = workspace.run("python", "-m", "stages.commands.experiment", "l1-proximal")
    assert "width 2: 2 cells trained, 0 from the store" in output
    assert workspace.git("status", "--porcelain") == ""
    assert "l1-proximal" in workspace.dvc("exp", "list", "--name-only")
    assert "best_error" in workspace.dvc("metrics", "diff", "HEAD", "l1-proximal")
