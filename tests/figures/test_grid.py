"""What the figures of the grid and their JSON say, on a table of two widths."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from stages.base.files import UserError
from stages.figures import grid
from stages.figures.style import WIDTHS, alpha_axis, panels, save, to_bytes, width_colour
from stages.statistic.tables import cell_means, to_records
from tests.figures import tables

ALPHAS = [0.0, 0.01, 1.0, 100.0]
MEASURES = ["train_error", "zero_fraction", "gini", "prunable_fraction", "test_error_odd", "test_error_even"]


@pytest.fixture
def means() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"dataset": "mnist", "width": width, "alpha": alpha, "seed": seed, "diverged": False}
        for width in (5, 25)
        for alpha in ALPHAS
        for seed in range(3)
    ]
    cells = pd.DataFrame(rows)
    return cell_means(cells.assign(test_error=rng.random(len(cells)), **{m: rng.random(len(cells)) for m in MEASURES}))


def test_alpha_0_has_its_own_tick_left_of_a_logarithmic_axis() -> None:
    figure, (ax,) = panels(1)
    alpha_axis(ax, pd.Series(ALPHAS))
    assert ax.get_xscale() == "symlog"
    assert ax.get_xticklabels()[0].get_text() == "0"
    figure.draw_without_rendering()
    places = ax.transData.transform([(a, 0.5) for a in (0.0, *ALPHAS[1:])])[:, 0]
    assert (np.diff(places) > 20).all()


def test_one_panel_a_width_with_the_papers_points_and_the_data_set_named(means: pd.DataFrame) -> None:
    paper = pd.DataFrame({"width": [25, 25], "alpha": [0.0, 1.0], "paper_accuracy": [85.0, 40.0]})
    verdict = {"width_25": {"answer": "no", "D": 0.5, "D_low": 0.4, "D_high": 0.6, "guards": {"sparse": "no"}}}
    figure = grid.table1(means, paper, verdict, "mnist, 3 seeds")
    first, second = figure.axes
    assert [ax.get_title().splitlines() for ax in (first, second)] == [
        ["width 5", "double descent? undecided"],
        ["width 25: D = 50 [40, 60] points", "double descent? no: not sparse"],
    ]
    crosses = [line for line in second.lines if line.get_marker() == "x"]
    assert np.asarray(crosses[0].get_ydata()).tolist() == [85.0, 40.0]
    ours = 100 * (1 - means[means.width == 25].test_error)
    assert np.asarray(second.lines[0].get_ydata()).tolist() == pytest.approx(ours.tolist())
    assert "mnist, 3 seeds" in [text.get_text() for text in figure.texts]


def test_the_fitted_width_is_marked_only_if_there_is_one(means: pd.DataFrame) -> None:
    def marks(verdict: dict[str, int]) -> list[float]:
        (ax,) = grid.over_width(means, verdict, "mnist").axes
        return [np.asarray(line.get_xdata()).item(0) for line in ax.lines if line.get_linestyle() == "--"]

    assert marks({}) == []
    assert marks({"threshold": 25}) == [25]


def test_a_sparsity_that_no_cell_has_has_no_panel(means: pd.DataFrame) -> None:
    def drawn(means: pd.DataFrame) -> list[str]:
        return [ax.get_xlabel().split(",")[0] for ax in grid.over_sparsity(means, "mnist").axes if ax.axison]

    assert drawn(means)[:2] == ["weights exactly zero", "Gini index of |w|"]
    assert drawn(means.assign(zero_fraction=0.0))[0] == "Gini index of |w|"


def test_a_width_has_one_colour_whatever_stands_beside_it_and_no_two_are_close() -> None:
    colours = [np.array(to_rgb(width_colour(width))) for width in WIDTHS]
    assert min(np.abs(a - b).max() for a, b in pairwise(colours)) > 0.08
    assert width_colour(2000) == width_colour(1000)
    assert width_colour(60) not in {width_colour(50), width_colour(75)}


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_figure_has_the_same_bytes_twice(means: pd.DataFrame, kind: str) -> None:
    assert to_bytes(grid.heat_map(means, "mnist"), kind) == to_bytes(grid.heat_map(means, "mnist"), kind)


def test_a_vector_file_lies_beside_the_png_on_request(
    means: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png", grid.heat_map(means, "mnist"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    monkeypatch.setenv("SDD_VECTOR", "svg")
    save(tmp_path / "a.png", grid.heat_map(means, "mnist"))
    assert "penalty strength alpha" in (tmp_path / "a.svg").read_text()  # text stays text
    monkeypatch.setenv("SDD_VECTOR", "bmp")
    with pytest.raises(UserError, match="SDD_VECTOR=bmp: must be svg or pdf"):
        save(tmp_path / "a.png", grid.heat_map(means, "mnist"))


def test_an_alpha_that_is_not_there_has_no_tick() -> None:
    for alphas, labels in (([0.0], ["0"]), ([0.3, 0.7], ["0", "0.3"]), ([0.0, 0.1], ["0", "$10^{-1}$"])):
        _, (ax,) = panels(1)
        alpha_axis(ax, pd.Series(alphas))
        assert [label.get_text() for label in ax.get_xticklabels()] == labels


def test_two_close_alphas_have_two_names_in_a_figure() -> None:
    cells = tables.cells([5], [1.0, 1.00000001])
    (ax, *_) = grid.heat_map(cell_means(cells), "mnist").axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["1", "1.00000001"]


def test_points_for_dvc_are_numbers_or_null_and_name_the_run(means: pd.DataFrame) -> None:
    rows = json.loads(to_records(means.assign(test_error_sd=np.nan, run="mnist, 3 seeds")))
    assert len(rows) == 8
    assert rows[0]["test_error_sd"] is None
    assert {row["run"] for row in rows} == {"mnist, 3 seeds"}


@pytest.mark.parametrize("template", sorted(Path(".dvc/plots").glob("*.json")), ids=lambda path: path.stem)
def test_a_template_asks_for_fields_that_the_points_have(template: Path) -> None:
    text = template.read_text()
    asked = set(re.findall(r'"field": "(\w+)"', text)) - {"panel", "order", "line"}  # which the template itself makes
    of = {"over_epochs": ["curves"], "series": ["heads", "lasso"], "verdict": ["verdict"]}
    points = [f"plots/{name}.json" for name in of.get(template.stem, ["cells"])]
    if template.stem.startswith("study_"):
        points = ["studies/width-noise/points.json"]
    for name in points:
        assert asked <= set(json.loads(Path(name).read_text())[0])
    assert "<DVC_METRIC_DATA>" in text
