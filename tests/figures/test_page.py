"""What the report page is given: every number once, and what a person is to read."""

import numpy as np
import pandas as pd

from stages.figures.forest import place, plot
from stages.figures.page import axes, columns, entry, significant
from stages.statistic.overview import Line


def runs() -> pd.DataFrame:
    """Two widths, three alphas, two seeds, in an order that is not the cells'."""
    rows = [
        {"width": width, "alpha": alpha, "seed": seed, "test_error": width / 100 + seed / 10, "gini": 0.5}
        for seed in (0, 1)
        for width in (5, 9)
        for alpha in (0.0, 0.1, 1.0)
    ]
    return pd.DataFrame(rows).assign(group=lambda table: "width " + table.width.astype(str))


def test_a_table_by_cells_holds_every_number_in_its_cell() -> None:
    found = columns(runs(), ["width", "alpha"], "seed")
    assert found["places"] == {"width": [5, 5, 5, 9, 9, 9], "alpha": [0.0, 0.1, 1.0, 0.0, 0.1, 1.0]}
    assert found["within"] == [0, 1]
    assert found["measures"]["test_error"] == [5, 15] * 3 + [9, 19] * 3
    assert found["groups"] == {"names": ["width 5", "width 9"], "of": [0, 0, 0, 1, 1, 1]}


def test_a_cell_without_a_run_keeps_its_own_seeds() -> None:
    found = columns(runs()[1:], ["width", "alpha"], "seed")
    assert sorted(map(tuple, found["within"])) == [(0, 1)] * 5 + [(1,)]
    assert len(found["measures"]["test_error"]) == 11


def test_what_is_the_same_everywhere_is_no_measure_and_what_is_no_number_is_none() -> None:
    table = runs().assign(test_loss=[np.inf, np.nan, *range(10)])
    found = columns(table, ["width", "alpha"], "seed")["measures"]
    assert "gini" not in found
    assert found["test_loss"].count(None) == 2


def test_the_judged_axis_comes_first_and_one_value_is_no_axis() -> None:
    tables = {"runs": columns(runs(), ["width", "alpha"], "seed")}
    assert [axis["name"] for axis in axes(tables, "alpha")] == ["alpha", "width"]
    one = {"runs": columns(runs().query("width == 5"), ["width", "alpha"], "seed")}
    assert [axis["name"] for axis in axes(one, "alpha")] == ["alpha"]


def test_a_fitted_curve_stands_at_its_points() -> None:
    verdict = {
        "answer": "no",
        "D": 0.01,
        "D_low": 0.0,
        "D_high": 0.02,
        "guards": {"sparse": "no"},
        "fit": [0.5, 0.25, None],
    }
    verdict |= {"peak_alpha": 0.1, "left_alpha": 0.0, "right_alpha": 1.0}
    found = entry("one", {"kind": "study"}, "alpha", ["width"], {"width 5": verdict}, runs())["groups"]["width 5"]
    assert found["fit"] == [[0.0, 50], [0.1, 25], [1.0, None]]
    assert (found["left"], found["peak"], found["right"]) == (0.0, 0.1, 1.0)
    assert found["said"] == "no: not sparse; D = 1.0 [0.0, 2.0] points"


def test_an_option_without_a_value_is_none_and_no_axis() -> None:
    table = runs().assign(images=pd.Series([np.nan, 1000.0] * 6))
    found = columns(table, ["images", "alpha"], "seed")
    assert set(found["places"]["images"]) == {None, 1000.0}
    assert [axis["name"] for axis in axes({"runs": found}, "alpha")] == ["alpha"]


def test_an_error_that_is_the_same_everywhere_is_still_there() -> None:
    found = columns(runs().assign(test_error=0.9), ["width", "alpha"], "seed")
    assert found["measures"]["test_error"] == [90] * 12


def test_a_group_with_fewer_points_has_its_curve_at_its_own() -> None:
    verdict = {"answer": "yes", "D": 0.01, "guards": {}, "fit": [0.5, 0.25]}
    less = runs().query("width == 5 or alpha > 0")
    verdicts = {"width 5": verdict | {"fit": [0.1, 0.2, 0.3]}, "width 9": verdict}
    found = entry("one", {"kind": "study"}, "alpha", ["width"], verdicts, less)["groups"]
    assert found["width 9"]["fit"] == [[0.1, 50], [1.0, 25]]


def test_numbers_are_short() -> None:
    assert [significant(value) for value in (0.123456, 12.0, 98765.4, 238200.0)] == [0.1235, 12, 98770, 238200]


def test_a_higher_peak_stands_farther_right_and_none_beyond_the_scale() -> None:
    places = [place(points) for points in (0, 0.5, 1, 5, 50, 100, 120)]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] == places[-2] < 100
    line = Line("yes", {"all": {"answer": "yes", "D": 0.05}})
    assert plot(line).count(f"{place(5):.2f}%") == 3  # without an interval its ends are D
