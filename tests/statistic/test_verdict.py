from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.base.datasets import CLASSES
from stages.statistic.descent import TooFewSeeds
from stages.statistic.verdict import CHANCE, over_width, verdict

ALPHAS = [0.0, 0.01, 0.1, 1.0, 10.0, 100.0]


def cells(error: list[float], odd: list[float] | None = None, sparsity: list[float] | None = None) -> pd.DataFrame:
    """Ten seeds of two widths with these mean errors over ALPHAS, and little noise."""
    rng = np.random.default_rng(0)
    parts = []
    for width in (5, 10):
        for i, alpha in enumerate(ALPHAS):
            noise = 0.004 * rng.standard_normal(10)
            columns = {
                "dataset": "mnist",
                "width": width,
                "alpha": alpha,
                "seed": range(10),
                "test_error": error[i] + noise,
                "train_error": 0.5,
                "test_error_even": error[i] + noise,
                "test_error_odd": (odd or error)[i] + noise,
                "near_zero_fraction": (sparsity or [0.0, 0.2, 0.4, 0.6, 0.8, 1.0])[i],
            }
            parts.append(pd.DataFrame(columns))
    return pd.concat(parts)


def of_width_5(**changes: Any) -> dict[str, Any]:
    peak = [0.14, 0.14, 0.2, 0.5, 0.3, 0.15]
    found: dict[str, Any] = verdict(cells(**({"error": peak} | changes)))["mnist"]["width_5"]
    return found


def test_a_peak_that_passes_every_guard_is_a_double_descent() -> None:
    found = of_width_5()
    assert found["double_descent"] is True
    assert found["guards"] == {"parity": True, "above_chance": True, "measured_sparsity": True}
    assert (found["peak_alpha"], found["peak_alpha_low"], found["peak_alpha_high"]) == (1.0, 1.0, 1.0)
    assert found["D_low"] < 0.35 < found["D_high"] + 0.02


def test_each_guard_fails_by_itself() -> None:
    rise = [0.14, 0.14, 0.2, 0.5, 0.5, 0.5]
    for changes, failing in (
        ({"odd": rise}, "parity"),
        ({"error": [0.14, 0.14, 0.2, 0.9, 0.3, 0.15]}, "above_chance"),
        ({"sparsity": [0.0, 0.01, 0.02, 0.01, 0.0, 0.02]}, "measured_sparsity"),
    ):
        found = of_width_5(**changes)
        assert [name for name, passed in found["guards"].items() if not passed] == [failing]
        assert found["double_descent"] is False
        assert found["D_low"] > 0.1


def test_one_fall_to_chance_is_none() -> None:
    found = of_width_5(error=[0.14, 0.14, 0.2, 0.5, 0.9, 0.9])
    assert found["double_descent"] is False
    assert found["D_low"] < 0.01


def test_a_peak_followed_by_a_collapse_to_chance_is_judged_at_the_peak() -> None:
    found = of_width_5(error=[0.2, 0.2, 0.4, 0.15, 0.2, 0.9])
    assert found["double_descent"] is True
    assert found["guards"]["above_chance"] is True
    assert found["peak_alpha"] == 0.1


def test_peaks_at_one_alpha_have_slope_zero_over_width() -> None:
    found = verdict(cells([0.14, 0.14, 0.2, 0.5, 0.3, 0.15]))["mnist"]
    assert abs(found["slope"]) < 1e-9


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
    assert (found["threshold"], found["peak_width"], found["double_descent"]) == (8, 8, True)
    assert found["D_low"] < 0.15 < found["D_high"] + 0.01


def test_over_width_a_falling_curve_that_never_fits_has_no_peak_and_no_threshold() -> None:
    found = over_width(wide_cells([0.5, 0.4, 0.3, 0.2, 0.1], [0.5] * 5))
    assert found["double_descent"] is False
    assert found["D"] < 0.01
    assert "threshold" not in found


def test_widths_are_judged_each_by_its_own_cells() -> None:
    peak, rise = [0.14, 0.14, 0.2, 0.5, 0.3, 0.15], [0.14, 0.15, 0.2, 0.3, 0.4, 0.5]
    both = pd.concat([cells(peak).query("width == 5"), cells(rise).query("width == 10")])
    found = verdict(both)["mnist"]
    assert set(found) == {"width_5", "width_10", "over_width", "slope", "slope_low", "slope_high"}
    first, second = found["width_5"], found["width_10"]
    assert (first["double_descent"], second["double_descent"]) == (True, False)
    assert first["peak_error"] == pytest.approx(0.5, abs=0.01)
    assert first["D"] == pytest.approx(0.35, abs=0.01)
    for name in ("D", "D_odd", "D_even", "D_sparsity"):
        assert first[f"{name}_low"] <= first[name] <= first[f"{name}_high"] + 1e-9
        assert second[name] < 0.01
    # Holm: the smaller of two p-values counts twice
    assert first["p_holm"] == pytest.approx(2 * first["p_value"])
    assert second["p_holm"] == pytest.approx(second["p_value"])


def test_too_few_alphas_for_a_peak_are_no_double_descent() -> None:
    two = cells([0.14, 0.14, 0.2, 0.5, 0.3, 0.15]).query("alpha <= 0.01")
    found = verdict(two)["mnist"]["width_5"]
    assert "D" not in found
    assert (found["p_value"], found["double_descent"]) == (1.0, False)


def test_networks_without_a_measured_sparsity_count_as_not_sparse() -> None:
    peak = [0.14, 0.14, 0.2, 0.5, 0.3, 0.15]
    some = cells(peak)
    some.loc[some.alpha >= 10.0, "near_zero_fraction"] = np.nan  # all diverged there
    found = verdict(some)["mnist"]["width_5"]
    assert found["guards"]["measured_sparsity"] is False


def test_a_peak_that_moves_with_width_has_that_slope() -> None:
    at_1, at_10 = [0.14, 0.14, 0.2, 0.5, 0.3, 0.15], [0.14, 0.14, 0.15, 0.2, 0.5, 0.15]
    found = verdict(pd.concat([cells(at_1).query("width == 5"), cells(at_10).query("width == 10")]))["mnist"]
    expected = np.log(10) / np.log(2)
    assert [found[f"slope{end}"] for end in ("_low", "", "_high")] == pytest.approx([expected] * 3)
    at_zero = [0.9, 0.2, 0.2, 0.15, 0.14, 0.1]
    assert "slope" not in verdict(cells(at_zero))["mnist"]  # a peak at alpha 0 has no logarithm


def test_too_few_seeds_and_a_run_that_stands_twice_are_two_errors() -> None:
    good = cells([0.14, 0.14, 0.2, 0.5, 0.3, 0.15])
    with pytest.raises(TooFewSeeds, match="at least 4 seeds, here are 3"):
        verdict(good.query("seed < 3"))
    with pytest.raises(ValueError, match="duplicate") as error:
        verdict(pd.concat([good, good[:1]]))
    assert not isinstance(error.value, TooFewSeeds)


def test_chance_is_the_error_of_guessing_among_the_classes() -> None:
    assert CHANCE == 1 - 1 / CLASSES
