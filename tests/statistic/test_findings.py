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
    table,
)


def test_the_answer_gives_its_reason() -> None:
    guards = {"parity": True, "above_chance": False, "measured_sparsity": True}
    high, low = {"D": 0.3, "D_low": 0.2, "double_descent": False}, {"D": 0.3, "D_low": 0.005, "double_descent": False}
    assert answer({**high, "double_descent": True, "guards": guards}) == "yes"
    assert answer({**high, "guards": guards}) == "no: fails above chance"
    assert answer({**low, "guards": guards}) == "no: no sure peak"
    assert answer({**high, "guards": {"parity": True}}) == "no: fails p < 0.05"


def test_where_there_is_no_verdict_the_answer_is_not_no() -> None:
    assert answer({}) == "no verdict: fewer than 4 seeds"
    assert answer({"double_descent": False, "guards": {"parity": False}}) == "no verdict: fewer than 3 alphas"


def test_a_height_is_in_points_and_has_no_minus_zero() -> None:
    assert d_with_interval({"D": 0.6123, "D_low": -0.0001, "D_high": 0.7}) == "61.2 [0.0, 70.0]"
    assert d_with_interval({}) == "-"


def test_the_finding_over_alpha_names_the_widths_that_show_it_or_why_the_highest_peak_does_not_count() -> None:
    cells = pd.DataFrame({"alpha": [0.0, 1.0], "seed": 0})
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


def test_the_finding_says_what_there_is_too_little_of() -> None:
    few_seeds = pd.DataFrame({"width": 5, "alpha": [0.0, 1.0, 2.0], "seed": 0})
    assert finding(few_seeds, {}) == "No verdict over alpha: fewer than 4 seeds."
    few_alphas = pd.DataFrame({"width": 5, "alpha": [0.0, 1.0] * 4, "seed": [0, 0, 1, 1, 2, 2, 3, 3]})
    assert finding(few_alphas, {"width_5": {"guards": {}}}) == "No verdict over alpha: fewer than 3 alphas."
    one_alpha = few_alphas[few_alphas.alpha == 0]
    assert finding(one_alpha, {"over_width": {"threshold": 5}}) == "No verdict over width: fewer than 3 widths."
    assert finding(one_alpha[:1], {}) == "No verdict over width: fewer than 4 seeds."


def test_two_close_alphas_have_two_names_in_the_table() -> None:
    index = [(alpha, seed) for alpha in (1.0, 1.00000001) for seed in range(2)]
    cells = pd.DataFrame(index, columns=["alpha", "seed"]).assign(
        dataset="mnist", width=5, diverged=False, zero_fraction=0.0, test_error=[0.2, 0.2, 0.1, 0.1]
    )
    (row,) = table(cells, pd.DataFrame({"width": [], "difference": []}), {}).to_numpy().tolist()
    assert row[1:3] == ["90.0 ± 0.0 (1.00000001)", "80.0 ± 0.0 (1)"]


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
