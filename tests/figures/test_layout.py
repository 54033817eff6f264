"""In every figure of every size no word leaves the canvas and no word lies on another."""

import matplotlib
import pandas as pd
import pytest
from matplotlib.figure import Figure

from stages.figures import grid, heads, regression, study
from stages.figures.style import add_legend, add_title, panels, wrapped
from stages.linear.regression import over_components, over_features, published_sample
from stages.statistic.guards import chance
from stages.statistic.heads import best
from stages.statistic.protocol import caption
from tests.figures import tables
from tests.figures.layout import faults

COUNTS = [1, 2, 3, 6, 16]
OF_CELLS = ["table1", "settled", "over_width", "over_sparsity", "heat_map"]


def test_a_word_on_another_and_a_word_outside_are_noticed() -> None:
    figure = Figure(figsize=(2, 2))
    figure.text(0.5, 0.5, "one")
    figure.text(0.52, 0.5, "two")
    figure.text(0.9, 0.1, "a long line")
    assert faults(figure) == ["'a long line' leaves the canvas", "'one' lies on 'two'"]


@pytest.mark.parametrize("count", COUNTS)
def test_figures_of_the_cells(count: int) -> None:
    figures = grid.of_cells(tables.results(count, **tables.LONG))
    assert list(figures) == OF_CELLS
    assert {name: faults(figure) for name, figure in figures.items()} == {name: [] for name in OF_CELLS}


@pytest.mark.parametrize(
    "alphas",
    [[0.0], [0.5], [0.3, 0.7], [0.0, 0.1], [1.0, 1.00000001], [0.0, *(10.0**k for k in range(-8, 9))]],
    ids=str,
)
def test_figures_over_few_and_many_and_close_alphas(alphas: list[float]) -> None:
    figures = grid.of_cells(tables.results(2, alphas))
    figures["over_epochs"] = grid.over_epochs(tables.curves(2, alphas), "mnist")
    assert {name: faults(figure) for name, figure in figures.items()} == {name: [] for name in figures}


@pytest.mark.parametrize("count", COUNTS)
def test_training_curves(count: int) -> None:
    results = tables.results(count, **tables.LONG)
    assert faults(grid.over_epochs(tables.curves(count), caption(results.cells, results.params))) == []


@pytest.mark.parametrize("axis", ["alpha", "width", "images", "epoch"])
@pytest.mark.parametrize("count", COUNTS)
def test_studies(count: int, axis: str) -> None:
    cases = tables.cases(count, axis)
    verdicts = dict.fromkeys(cases, tables.LONGEST_VERDICT)
    question = "Does the test error peak over a long axis, where a fifth of the labels is wrong and the step decays?"
    said = caption(tables.results(1, **tables.LONG).cells, tables.params(**tables.LONG))
    assert faults(study.study(cases, verdicts, question, said)) == []


@pytest.mark.parametrize("axis", ["alpha", "width"])
@pytest.mark.parametrize("count", COUNTS)
def test_readings(count: int, axis: str) -> None:
    cases = tables.cases(count, axis)
    verdicts = dict.fromkeys(cases, tables.LONGEST_VERDICT)
    labels = dict.fromkeys(cases, "% of the largest mean")
    names = {name: f"width {number % 3}, measure {number} of the balanced weights" for number, name in enumerate(cases)}
    assert faults(study.study(cases, verdicts, "Does it peak?", "mnist, 3 seeds", labels, names)) == []


@pytest.mark.parametrize("kinds", [["trained"], ["trained", "random", "pca", "pixels", "pretrained"]])
@pytest.mark.parametrize("dimensions", [[5], [5, 10, 100, 1000]])
def test_heads(kinds: list[str], dimensions: list[int]) -> None:
    table = tables.heads(kinds, dimensions)
    results = tables.results(2, **tables.LONG)
    said = caption(results.cells, results.params)
    assert faults(heads.over_strength(table, best(table), said, chance(10))) == []


@pytest.mark.parametrize("ridge", [[], [2.0], [float(k) for k in range(1, 13)]], ids=len)
def test_regression(ridge: list[float]) -> None:
    config = tables.params().lasso.model_copy(update={"n_train": 12, "n_features": [2, 6, 12, 13, 24, 60]})
    sample = published_sample(100, 8, 5, 0.1, 0)
    published = pd.DataFrame(over_components(sample, 0.1, 0))
    rows = [row for run in range(2) for row in over_features(config.n_features, 12, 0.5, ridge, run, n_test=20)]
    assert faults(regression.over_features(published, pd.DataFrame(rows), config)) == []


def test_a_caption_of_any_length_fits_the_narrowest_figure() -> None:
    for text in ("a word " * 60, "x" * 300, "one\ntwo"):
        figure, _ = panels(1)
        add_title(figure, "A title", text)
        assert faults(figure) == []
    assert wrapped("one\ntwo", 5, 9) == "one\ntwo"


def test_a_panel_keeps_its_height_under_a_long_caption() -> None:
    heights = []
    for text in ("short", "a word " * 60):
        figure, (ax,) = panels(1)
        add_title(figure, "A title", text)
        figure.draw_without_rendering()
        heights.append(ax.bbox.height)
    assert heights[1] == pytest.approx(heights[0], rel=0.03)


@pytest.mark.parametrize("count", COUNTS)
def test_every_figure_is_as_wide_as_a_readme_and_no_more_than_two_panels_stand_side_by_side(count: int) -> None:
    figure, axes = panels(count)
    assert figure.get_figwidth() * figure.dpi == pytest.approx(832)
    assert len({ax.get_position().x0 for ax in axes}) <= 2


@pytest.mark.parametrize(("count", "where"), [(3, "spare place"), (4, "below")])
def test_a_legend_stands_in_the_spare_place_or_below_all_panels(count: int, where: str) -> None:
    figure, axes = panels(count)
    axes[0].plot([1, 2], label="a line")
    add_legend(figure)
    assert [len(figure.legends), sum(ax.get_legend() is not None for ax in figure.axes)] == {
        "spare place": [0, 1],
        "below": [1, 0],
    }[where]


def test_the_style_is_ours_whatever_a_user_has_set() -> None:
    assert matplotlib.rcParams["axes.spines.top"] is False
    assert matplotlib.rcParams["figure.dpi"] == 130
