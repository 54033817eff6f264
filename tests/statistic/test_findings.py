import numpy as np
import pandas as pd

from stages.statistic.findings import (
    agreement,
    answer_with_reason,
    d_with_interval,
    finding,
    finding_over_width,
    headline,
    over_width,
    overall,
    table,
)

HEIGHT = {
    "D": 0.3,
    "D_low": 0.2,
    "D_high": 0.4,
    "p_holm": 0.001,
    "runs": 10,
    "points": 6,
    "peak_alpha": 1.0,
    "peak_width": 15,
}
HOLD = {"settled": "yes", "above_chance": "yes", "sparse": "yes"}
YES = {**HEIGHT, "answer": "yes", "guards": HOLD}
NOT_SPARSE = {**HEIGHT, "answer": "no", "guards": {**HOLD, "sparse": "no"}}
NO_PEAK = {**HEIGHT, "answer": "no", "D": 0.001, "D_low": 0.0, "D_high": 0.004, "guards": {**HOLD, "sparse": "no"}}
UNSURE = {**HEIGHT, "answer": "undecided", "D_low": 0.001, "runs_needed": 23, "guards": HOLD}


def test_the_answer_gives_its_reason_in_a_few_words() -> None:
    assert answer_with_reason(YES) == "yes"
    assert answer_with_reason(NOT_SPARSE) == "no: not sparse"
    guards = {"settled": "no", "above_chance": "no", "sparse": "undecided"}
    assert answer_with_reason({**NOT_SPARSE, "guards": guards}) == "no: an effect of the step size, at chance"
    assert answer_with_reason(NO_PEAK) == "no: no peak"
    assert answer_with_reason(UNSURE) == "undecided: about 23 runs"
    del (hopeless := {**UNSURE})["runs_needed"]
    assert answer_with_reason(hopeless) == "undecided: no affordable number of runs"
    open_guard = {**HEIGHT, "answer": "undecided", "guards": {**HOLD, "sparse": "undecided"}}
    assert answer_with_reason(open_guard) == "undecided: sparse?"


def test_too_little_for_an_interval_is_undecided_and_says_what_there_is_too_little_of() -> None:
    few = {"answer": "undecided", "D": 0.3, "lacks": "runs", "guards": {}}
    assert answer_with_reason(few) == "undecided: fewer than 3 runs"
    assert answer_with_reason({**few, "lacks": "points"}) == "undecided: fewer than 3 points"
    assert answer_with_reason({**few, "lacks": "alike"}) == "undecided: runs do not differ"
    assert answer_with_reason({}) == "undecided"


def test_a_height_is_in_points_and_has_no_minus_zero() -> None:
    assert d_with_interval({"D": 0.6123, "D_low": -0.0001, "D_high": 0.7}) == "61.2 [0.0, 70.0]"
    assert d_with_interval({"D": 0.6123}) == "61.2"
    assert d_with_interval({"D_settled": 0.1}, name="D_settled") == "10.0"
    assert d_with_interval({}) == "-"


def test_the_finding_over_alpha_answers_for_every_width_and_gives_each_reason_once() -> None:
    cells = pd.DataFrame({"alpha": [0.0, 1.0], "seed": 0})
    verdict = {"width_5": NO_PEAK, "width_10": {**NOT_SPARSE, "D": 0.2}, "width_20": NOT_SPARSE, "width_40": UNSURE}
    assert finding(cells, {**verdict, "width_80": YES, "over_width": {}}) == (
        "Is there a sparse double descent over alpha? Yes at width 80 (D = 30.0 [20.0, 40.0] points). "
        "Undecided at width 40 (D = 30.0 [0.1, 40.0] points): about 23 runs would probably decide it. "
        "No at width 5 (D = 0.1 [0.0, 0.4] points): no peak of a point or more. "
        "No at widths 10 and 20 (D = 30.0 [20.0, 40.0] points at width 20, the highest): the peak is there, but it "
        "does not show over measured sparsity, the share of weights that are zero or nearly so, so it is no *sparse* "
        "double descent."
    )


def test_where_a_peak_is_an_effect_of_the_step_size_the_finding_says_what_is_left_of_it() -> None:
    cells = pd.DataFrame({"alpha": [0.0, 1.0], "seed": 0})
    settled = {"D_settled": 0.03, "D_settled_low": 0.02, "D_settled_high": 0.04}
    gone = {**NOT_SPARSE, **settled, "guards": {**HOLD, "settled": "no"}}
    assert finding(cells, {"width_5": gone, "width_10": {**gone, "D_settled": 0.1}}) == (
        "Is there a sparse double descent over alpha? No at width 5 (D = 30.0 [20.0, 40.0] points, settled 3.0 [2.0, "
        "4.0]) and width 10 (D = 30.0 [20.0, 40.0] points, settled 10.0 [2.0, 4.0]): the peak is there, but less than "
        "half of it is left where training is settled, so it is an effect of the step size."
    )


def test_all_groups_together_are_a_yes_if_one_is_and_a_no_if_all_are() -> None:
    assert overall([NO_PEAK, YES, UNSURE]) == "yes"
    assert overall([NO_PEAK, UNSURE]) == "undecided"
    assert overall([NO_PEAK, NOT_SPARSE]) == "no"


def test_two_close_alphas_have_two_names_in_the_table() -> None:
    index = [(alpha, seed) for alpha in (1.0, 1.00000001) for seed in range(2)]
    cells = pd.DataFrame(index, columns=["alpha", "seed"]).assign(
        dataset="mnist", width=5, diverged=False, zero_fraction=0.0, test_error=[0.2, 0.2, 0.1, 0.1]
    )
    (row,) = table(cells, pd.DataFrame({"width": [], "difference": []}), {}).to_numpy().tolist()
    assert row[1:3] == ["90.0 ± 0.0 (1.00000001)", "80.0 ± 0.0 (1)"]


def test_the_headline_is_the_answer_the_highest_peak_and_the_best_cell_with_their_places() -> None:
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
    best = {"lowest test error, %": 20.0, "lowest is at": "width 10, alpha 1", "most exact zeros, %": 50.0}
    assert headline(cells, {"width_5": NOT_SPARSE, "width_10": {**YES, "D": 0.25}}) == {
        "double descent": "yes",
        "D, points": 25.0,
        "D is at": "width 10, alpha 1",
        **best,
    }
    nowhere = {"answer": "undecided", "D": 0.0, "lacks": "points", "guards": {}}
    assert headline(cells, {"width_5": nowhere, "over_width": {"threshold": 5}}) == {
        "double descent": "undecided",
        "D, points": 0.0,
        "D is at": "-",
        **best,
    }
    over_width = headline(cells[cells.alpha == 0], {"width_5": nowhere, "over_width": YES})
    assert (over_width["double descent"], over_width["D is at"]) == ("yes", "width 15")


def test_agreement_counts_cells_within_two_points_or_two_standard_deviations() -> None:
    paper = pd.DataFrame(
        {
            "width": [5, 25, 25, 25],
            "alpha": [0.0, 1.0, 10.0, 500.0],
            "difference": [1.0, -3.0, 30.0, 5.0],
            "difference_in_sd": [9.0, 1.5, np.nan, 3.0],
        }
    )
    assert agreement(paper).startswith("2 of 4 cells lie within 2 points of the paper's accuracy, or within 2 of our ")
    assert agreement(paper).endswith("at least 500, 1 of 2 do.")


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
    question = "Is there a double descent over width?"
    assert finding_over_width(YES) == (
        f"{question} Yes: D = 30.0 [20.0, 40.0] points, at width 15. No width fits its training set."
    )
    assert finding_over_width({**NO_PEAK, "threshold": 20}) == (
        f"{question} No: D = 0.1 [0.0, 0.4] points, no peak of a point or more. Width 20 is the first that fits its "
        "training set."
    )
    assert finding_over_width({"threshold": 20}) == (
        f"{question} Undecided: a peak needs 3 widths. Width 20 is the first that fits its training set."
    )
