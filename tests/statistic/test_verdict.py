from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.statistic.guards import GUARDS, chance, height_across
from stages.statistic.verdict import described, judged, over_width, verdict, verdicts

ALPHAS = [0.0, 0.01, 0.1, 1.0, 10.0, 100.0]
PEAK = [0.14, 0.14, 0.2, 0.5, 0.3, 0.15]
RISE = [0.14, 0.14, 0.2, 0.5, 0.5, 0.5]


def cells(
    error: list[float], averaged: list[float] | None = None, last: list[float] | None = None, **changes: Any
) -> pd.DataFrame:
    """Ten seeds of two widths with these mean errors over ALPHAS, and little noise."""
    rng = np.random.default_rng(0)
    sparsity, seeds = changes.get("sparsity", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), changes.get("seeds", 10)
    parts = []
    for width in (5, 10):
        for i, alpha in enumerate(ALPHAS):
            noise = changes.get("sd", 0.004) * rng.standard_normal(seeds)
            columns = {
                "dataset": "mnist",
                "width": width,
                "alpha": alpha,
                "seed": range(seeds),
                "test_error": error[i] + noise,
                "train_error": 0.5,
                "test_error_averaged": (averaged or error)[i] + noise,
                "test_error_last": (last or error)[i] + noise,
                "near_zero_fraction": sparsity[i],
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def of_width_5(error: list[float] = PEAK, **changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = verdict(cells(error, **changes))["mnist"]["width_5"]
    return found


def test_a_peak_that_passes_every_guard_is_a_double_descent() -> None:
    found = of_width_5()
    assert found["answer"] == "yes"
    assert found["guards"] == {"settled": "yes", "above_chance": "yes", "sparse": "yes"}
    assert found["peak_alpha"] == 1.0
    assert found["peak_error"] == pytest.approx(0.5, abs=0.01)
    assert found["D_low"] < 0.35 < found["D_high"]
    assert found["D_settled"] == pytest.approx(0.35, abs=0.02)


@pytest.mark.parametrize(
    ("changes", "failing"),
    [
        ({"averaged": [0.14, 0.14, 0.2, 0.3, 0.3, 0.15]}, "settled"),
        ({"last": RISE}, "settled"),
        # another peak than the one that is asked about
        ({"error": [0.2, 0.5, 0.15, 0.2, 0.2, 0.2], "averaged": [0.2, 0.2, 0.2, 0.5, 0.15, 0.2]}, "settled"),
        ({"error": [0.14, 0.14, 0.2, 0.9, 0.3, 0.15]}, "above_chance"),
        ({"sparsity": [0.0, 0.01, 0.02, 0.01, 0.0, 0.02]}, "sparse"),
        ({"sparsity": [0.0, 0.01, 0.02, 0.1, 0.11, 0.12]}, "sparse"),
    ],
)
def test_each_guard_says_no_by_itself(changes: dict[str, Any], failing: str) -> None:
    found = of_width_5(**changes)
    assert [name for name, answer in found["guards"].items() if answer == "no"] == [failing]
    assert found["answer"] == "no"
    assert found["D_low"] > 0.1


def test_a_guard_that_cannot_tell_leaves_the_answer_undecided() -> None:
    found = of_width_5(error=[0.1, 0.1, 0.2, 0.89, 0.3, 0.15], sd=0.02)
    assert found["guards"]["above_chance"] == "undecided"
    assert found["answer"] == "undecided"
    assert "runs_needed" not in found


def test_a_guard_speaks_only_where_there_is_a_sure_peak() -> None:
    flat = of_width_5(error=[0.2] * 6, sparsity=[0.0] * 6)
    assert flat["answer"] == "no"
    unsure = of_width_5(error=[0.14, 0.14, 0.15, 0.2, 0.15, 0.14], sd=0.05, seeds=4, sparsity=[0.0] * 6)
    assert (unsure["answer"], unsure["guards"]["sparse"]) == ("undecided", "undecided")


def test_a_table_without_a_guards_columns_is_not_asked() -> None:
    some = cells(PEAK).drop(columns=["near_zero_fraction", "test_error_last"])
    assert verdict(some)["mnist"]["width_5"]["guards"] == {"above_chance": "yes"}


def test_a_guard_that_a_question_does_not_need_is_not_asked() -> None:
    rows = cells(PEAK, sparsity=[0.0] * 6).query("width == 5")
    (case,) = judged({"all": rows}, "alpha", without={"all": ("sparse",)}).values()
    assert described(case)["answer"] == "yes"


def test_every_guard_has_its_words() -> None:
    for guard in GUARDS.values():
        assert all(words and not words.endswith(".") for words in (guard.no, guard.why, guard.unsure))


def test_one_fall_to_chance_is_none() -> None:
    found = of_width_5(error=[0.14, 0.14, 0.2, 0.5, 0.9, 0.9])
    assert found["answer"] == "no"
    assert found["D_high"] < 0.01


def test_a_peak_followed_by_a_collapse_to_chance_is_judged_at_the_peak() -> None:
    found = of_width_5(error=[0.2, 0.2, 0.4, 0.15, 0.2, 0.9])
    assert found["answer"] == "yes"
    assert found["guards"]["above_chance"] == "yes"
    assert [found[f"{name}_alpha"] for name in ("left", "peak", "right")] == [0.01, 0.1, 1.0]


def test_a_height_across_a_gap_needs_lower_points_that_far_away() -> None:
    fit, axis = np.array([0.1, 0.2, 0.6, 0.3, 0.2]), np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    assert height_across(fit, axis, 0.05) == pytest.approx(0.4)
    assert height_across(fit, axis, 0.2) == pytest.approx(0.4)
    assert height_across(fit, axis, 0.25) == 0.0
    ties = np.array([0.0, 0.1, 0.2, 0.2, 0.3])
    assert height_across(fit, ties, 0.09) == pytest.approx(0.4)
    assert height_across(fit[:4], ties[:4], 0.09) == 0.0


def test_peaks_at_one_alpha_have_slope_zero_over_width() -> None:
    assert abs(verdict(cells(PEAK))["mnist"]["slope"]) < 1e-9


def wide_cells(test_error: list[float], train_error: list[float]) -> pd.DataFrame:
    """Ten seeds of the widths 1, 2, 4, ... at alpha 0, with these mean errors and little noise."""
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "width": 2**i,
                "alpha": 0.0,
                "seed": range(10),
                "test_error": error + 0.004 * rng.standard_normal(10),
                "train_error": train_error[i],
            }
        )
        for i, error in enumerate(test_error)
    ]
    return pd.concat(parts)


def test_over_width_a_peak_is_found_at_its_width_with_the_width_that_first_fits() -> None:
    found = over_width(wide_cells([0.7, 0.6, 0.15, 0.3, 0.2, 0.1], [0.7, 0.6, 0.1, 0.009, 0.0, 0.0]))
    assert (found["threshold"], found["peak_width"], found["answer"]) == (8, 8, "yes")
    assert found["D_low"] < 0.15 < found["D_high"]


def test_over_width_a_falling_curve_that_never_fits_has_no_peak_and_no_threshold() -> None:
    found = over_width(wide_cells([0.5, 0.4, 0.3, 0.2, 0.1], [0.5] * 5))
    assert found["answer"] == "no"
    assert found["D"] < 0.01
    assert "threshold" not in found


def test_two_widths_have_no_verdict_over_width() -> None:
    assert over_width(wide_cells([0.5, 0.4], [0.5, 0.0])) == {"threshold": 2}


def test_widths_are_judged_each_by_its_own_cells_and_p_for_all_of_them() -> None:
    both = pd.concat([cells(PEAK).query("width == 5"), cells(sorted(PEAK)).query("width == 10")])
    found = verdict(both)["mnist"]
    assert set(found) == {"width_5", "width_10", "over_width", "slope", "slope_low", "slope_high"}
    first, second = found["width_5"], found["width_10"]
    assert (first["answer"], second["answer"]) == ("yes", "no")
    # Holm: the smaller of two p-values counts twice
    assert first["p_holm"] == pytest.approx(2 * first["p_value"])
    assert second["p_holm"] == pytest.approx(second["p_value"])


def test_too_little_for_an_interval_is_undecided() -> None:
    two_alphas = verdict(cells(PEAK).query("alpha <= 0.01"))["mnist"]["width_5"]
    two_seeds = verdict(cells(PEAK, seeds=2))["mnist"]["width_5"]
    for found in (two_alphas, two_seeds):
        assert found["answer"] == "undecided"
        assert "D_low" not in found
    assert (two_alphas["points"], two_seeds["runs"]) == (2, 2)
    assert two_seeds["D"] == pytest.approx(0.35, abs=0.02)


def test_a_run_that_never_learned_is_named_and_left_out() -> None:
    some = cells(PEAK)
    some.loc[(some.width == 5) & (some.alpha == 0.0) & (some.seed == 3), "test_error"] = 0.9
    found = verdict(some)["mnist"]["width_5"]
    assert found["failed"] == [[3, 0.0]]
    assert found["D"] == pytest.approx(0.35, abs=0.02)
    assert found["answer"] == "yes"


def test_runs_that_diverged_say_nothing_of_sparsity() -> None:
    some = cells(PEAK, sparsity=[0.5] * 6)
    some.loc[(some.alpha >= 10.0) & (some.seed < 4), "near_zero_fraction"] = np.nan
    assert verdict(some)["mnist"]["width_5"]["guards"]["sparse"] == "no"


def test_a_grid_that_is_not_full_is_judged_and_has_no_slope() -> None:
    some = cells(PEAK).query("not (width == 5 and seed == 9) and not (width == 10 and alpha == 0.01)")
    found = verdict(some)["mnist"]
    assert (found["width_5"]["answer"], found["width_10"]["answer"]) == ("yes", "yes")
    assert "slope" not in found


def test_whether_half_is_left_is_undecided_where_the_intervals_do_not_say() -> None:
    rng = np.random.default_rng(0)
    some = cells(PEAK, averaged=[0.14, 0.14, 0.16, 0.3, 0.2, 0.15])
    some["test_error_averaged"] += 0.04 * rng.standard_normal(len(some))
    found = verdict(some)["mnist"]["width_5"]
    assert (found["guards"]["settled"], found["answer"]) == ("undecided", "undecided")


def test_networks_without_a_measured_sparsity_count_as_not_sparse() -> None:
    some = cells(PEAK)
    some.loc[some.alpha >= 10.0, "near_zero_fraction"] = np.nan  # all diverged there
    assert verdict(some)["mnist"]["width_5"]["guards"]["sparse"] == "no"


def test_a_peak_that_moves_with_width_has_that_slope() -> None:
    at_10 = [0.14, 0.14, 0.15, 0.2, 0.5, 0.15]
    found = verdict(pd.concat([cells(PEAK).query("width == 5"), cells(at_10).query("width == 10")]))["mnist"]
    expected = np.log(10) / np.log(2)
    assert [found[f"slope{end}"] for end in ("_low", "", "_high")] == pytest.approx([expected] * 3)
    at_zero = [0.9, 0.2, 0.2, 0.15, 0.14, 0.1]
    assert "slope" not in verdict(cells(at_zero))["mnist"]  # a peak at alpha 0 has no logarithm


def test_a_run_that_never_learned_does_not_move_the_peak_over_widths() -> None:
    some = cells([0.14, 0.14, 0.2, 0.23, 0.2, 0.15])
    some.loc[(some.width == 10) & (some.alpha == 0.1) & (some.seed == 3), "test_error"] = 0.9
    found = verdict(some)["mnist"]
    assert found["width_10"]["failed"] == [[3, 0.1]]
    assert [found[f"slope{end}"] for end in ("_low", "", "_high")] == pytest.approx([0, 0, 0], abs=1e-9)


def test_a_run_that_stands_twice_is_refused() -> None:
    good = cells(PEAK)
    with pytest.raises(ValueError, match="duplicate"):
        verdict(pd.concat([good, good[:1]]))


def test_any_axis_is_judged_by_the_same_function() -> None:
    rows = cells(PEAK).query("width == 5").rename(columns={"alpha": "epoch"})
    (found,) = verdicts({"all": rows}, "epoch").values()
    assert (found["answer"], found["peak_epoch"]) == ("yes", 1.0)
    assert "sparse" not in found["guards"]


def test_chance_is_the_error_of_guessing_among_the_classes() -> None:
    assert chance(10) == 0.9
    assert chance(2) == 0.5


@pytest.mark.parametrize(("classes", "answer"), [(10, "yes"), (3, "yes"), (2, "no")])
def test_whether_an_error_of_a_half_is_better_than_guessing_depends_on_the_number_of_classes(
    classes: int, answer: str
) -> None:
    found = verdict(cells(PEAK), classes)["mnist"]
    assert found["width_5"]["guards"]["above_chance"] == answer
