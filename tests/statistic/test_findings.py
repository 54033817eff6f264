import numpy as np
import pandas as pd

from stages.statistic.findings import (
    agreement,
    answer,
    d_with_interval,
    finding,
    finding_over_width,
    headline,
    over_width,
)


def test_the_answer_gives_its_reason() -> None:
    guards = {"parity": True, "above_chance": False, "measured_sparsity": True}
    assert answer({"double_descent": True, "D_low": 0.2, "guards": guards}) == "yes"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": guards}) == "no: fails above chance"
    assert answer({"double_descent": False, "D_low": 0.005, "guards": guards}) == "no: no sure peak"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": {"parity": True}}) == "no: fails p < 0.05"
    assert answer({}) == "no: no sure peak"


def test_a_height_is_in_points_and_has_no_minus_zero() -> None:
    assert d_with_interval({"D": 0.6123, "D_low": -0.0001, "D_high": 0.7}) == "61.2 [0.0, 70.0]"
    assert d_with_interval({}) == "-"


def test_the_finding_over_alpha_names_the_widths_that_show_it_or_why_the_highest_peak_does_not_count() -> None:
    cells = pd.DataFrame({"alpha": [0.0, 1.0]})
    height = {"D": 0.1, "D_low": 0.08, "D_high": 0.12}
    fails = {**height, "D": 0.2, "double_descent": False, "guards": {"parity": False}}
    none = {"width_5": fails, "width_10": {**height, "double_descent": False, "guards": {}}, "over_width": {}}
    assert finding(cells, none) == (
        "Test error over alpha: no sparse double descent at any of 2 widths; "
        "the highest peak, D = 20.0 [8.0, 12.0] points at width 5, fails parity."
    )
    one = {"width_5": fails, "width_10": {**height, "double_descent": True}}
    assert finding(cells, one) == (
        "Test error over alpha: a sparse double descent at 1 of 2 widths, D = 10.0 [8.0, 12.0] points at width 10."
    )
    assert "takes three alphas and four seeds" in finding(cells, {"width_5": {"guards": {}}})


def test_the_headline_is_the_best_cell_and_the_highest_peak() -> None:
    cells = pd.DataFrame(
        {
            "dataset": "mnist",
            "width": [5, 5, 10, 10],
            "alpha": [0.0, 1.0, 0.0, 1.0],
            "seed": 0,
            "test_error": [0.4, 0.5, 0.3, 0.2],
            "zero_fraction": [0.0, 0.5, 0.0, np.nan],
            "diverged": False,
        }
    )
    best = {"lowest test error, %": 20.0, "its width": 10, "its alpha": 1.0, "most exact zeros, %": 50.0}
    assert headline(cells, {}) == best
    verdict = {"width_5": {"D": 0.5, "double_descent": True}, "width_10": {"D": 0.25, "double_descent": False}}
    assert headline(cells, verdict) == {**best, "highest D, points": 50.0, "double descents": 1}
    assert headline(cells[cells.alpha == 0], {"over_width": {"D": 0.1, "double_descent": True}}) == {
        **{"lowest test error, %": 30.0, "its width": 10, "its alpha": 0.0, "most exact zeros, %": 0.0},
        **{"highest D, points": 10.0, "double descents": 1},
    }


def test_agreement_counts_cells_within_two_points_or_two_standard_deviations() -> None:
    paper = pd.DataFrame(
        {
            "width": [5, 25, 25, 25],
            "alpha": [0.0, 1.0, 10.0, 500.0],
            "difference": [1.0, -3.0, 30.0, 5.0],
            "difference_in_sd": [9.0, 1.5, np.nan, 3.0],
        }
    )
    assert agreement(paper).startswith(
        "Within 2 points of the paper's accuracy or within 2 of our standard deviations: 2 of 4"
    )
    assert agreement(paper).endswith("from 500, 1 of 2.")


def test_cells_of_one_alpha_are_read_over_width() -> None:
    means = pd.DataFrame(
        {
            "width": [10, 5],
            "test_error": [0.2, 0.31],
            "test_error_sd": [0.01, 0.02],
            "train_error": [0.0, 0.1],
            "train_error_sd": [0.0, 0.004],
            "epochs": [40.0, 300.0],
        }
    )
    assert over_width(means) == [["5", "31.0 ± 2.0", "10.0 ± 0.4", "300"], ["10", "20.0 ± 1.0", "0.0 ± 0.0", "40"]]


def test_the_finding_over_width_says_where_the_peak_is_or_that_there_is_none() -> None:
    peak = {"D": 0.06, "D_low": 0.05, "D_high": 0.07, "p_value": 0.002, "peak_width": 15, "double_descent": True}
    height = "Test error over width: D = 6.0 [5.0, 7.0] points, p = 0.002"
    assert finding_over_width(peak) == f"{height}: a peak at width 15; no width fits its training set."
    none = peak | {"double_descent": False, "threshold": 20}
    assert finding_over_width(none) == f"{height}: no double descent; width 20 is the first that fits its training set."
