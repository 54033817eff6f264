"""What a person is told of a study beyond the answer."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stages.statistic.study import beside_twin, finding, least_p, said_of_twin, table
from stages.statistic.verdict import of_ensembles, verdicts

AXIS = np.array([1, 2, 3, 5, 8])


def rows(seeds: int = 6, **curves: list[float]) -> pd.DataFrame:
    """A row a run and point, with curves (points,) as columns that scatter a little over the runs."""
    rng = np.random.default_rng(0)
    index = {"seed": np.repeat(range(seeds), len(AXIS)), "width": np.tile(AXIS, seeds)}
    columns = {name: np.tile(curve, seeds) + rng.normal(0, 0.001, seeds * len(AXIS)) for name, curve in curves.items()}
    return pd.DataFrame({**index, **columns})


PEAK, FALL = [0.3, 0.2, 0.3, 0.1, 0.1], [0.3, 0.2, 0.15, 0.1, 0.1]


def test_a_peak_that_is_gone_at_the_best_epoch_and_in_ensembles_is_told_so() -> None:
    of = rows(
        test_error=PEAK,
        test_error_early=FALL,
        test_error_ensemble=FALL,
        agreement=[0.8, 0.7, 0.5, 0.8, 0.9],
        variance=[0.1, 0.2, 0.4, 0.2, 0.1],
    )
    found = verdicts({"all": of}, "width")["all"]
    assert found["D"] == pytest.approx(0.1, abs=0.01)
    assert found["D_early_high"] < 0.01
    assert found["D_ensemble_high"] < 0.01
    assert (found["least_agreement_width"], found["most_variance_width"]) == (3, 3)
    assert found["most_variance"] == pytest.approx(0.4, abs=0.01)
    sentence = finding("Is there a peak?", {"all": found}, "width")
    assert sentence.startswith("Is there a peak? Yes (D = 9.9 [")
    assert "The peak is 0.0 [0.0, 0." in sentence
    assert (
        "points high where each point stops at its epoch with the least test error (early stopping takes it away)"
        in sentence
    )
    assert sentence.endswith("points high where the outputs of 2 runs are averaged. Two runs agree least at width 3.")


def test_a_study_without_a_peak_is_told_the_answer_alone() -> None:
    found = verdicts({"all": rows(test_error=FALL, test_error_early=FALL)}, "width")["all"]
    assert finding("Is there a peak?", {"all": found}, "width").endswith("no peak of a point or more.")


def test_a_table_has_the_heights_that_there_are() -> None:
    plain = verdicts({"all": rows(test_error=PEAK)}, "width")
    early = verdicts({"all": rows(test_error=PEAK, test_error_early=FALL)}, "width")
    assert {*table(early, "width")} - {*table(plain, "width")} == {"D at the best epoch"}


def test_weights_are_told_where_there_are_some() -> None:
    of = rows(test_error=PEAK).assign(weights=lambda found: 1000 * found.width)
    found = verdicts({"all": of}, "width")["all"]
    assert found["peak_weights"] == 3000
    assert "The peak comes with 3,000 weights left." in finding("Is there a peak?", {"all": found}, "width")


def test_every_ensemble_counts_once() -> None:
    errors = np.repeat([[0.1], [0.2], [0.3]], 3, axis=0)
    assert of_ensembles(np.vstack([errors, [[np.nan]]]), []).tolist() == [[0.1], [0.2], [0.3]]


def test_an_ensemble_with_a_failed_run_has_no_value_there() -> None:
    errors = np.repeat([[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]], 3, axis=0)
    found = of_ensembles(errors, [(4, 1), (0, 0)])
    assert np.isnan(found).tolist() == [[True, False], [False, True], [False, False]]


ALONE: dict[str, Any] = {"D": 0.05, "D_low": 0.03, "D_high": 0.08, "variance": {"1": 0.1, "2": 0.4, "3": 0.5}}
TWIN: dict[str, Any] = {"D": 0.05, "D_low": 0.04, "D_high": 0.06, "variance": {"1": 0.9, "2": 0.3}}


def test_what_one_training_set_does_not_make_of_the_variance_the_sets_make() -> None:
    found = beside_twin(ALONE, TWIN)
    assert found["interval_ratio"] == pytest.approx(2.5)
    assert found["training_set_share"] == pytest.approx(0.25)
    assert beside_twin({"D": 0.0, "variance": {"1": 0.1}}, TWIN)["training_set_share"] == 0.0
    assert beside_twin({"D": 0.0}, {}) == {"interval_ratio": None, "training_set_share": None, "least_p": None}


@pytest.mark.parametrize(("other", "differs"), [(0.3, False), (0.2, True)])
def test_errors_of_a_study_and_its_permuted_twin_are_compared_point_by_point(other: float, differs: bool) -> None:
    one, two = (
        {"mean_errors": {"1": 0.1, "2": e}, "sd_errors": {"1": 0.01, "2": 0.02}, "runs": 10} for e in (0.31, other)
    )
    t = abs(0.31 - other) / (2 * 0.02**2 / 10) ** 0.5  # of Welch; with equal spreads 18 degrees of freedom
    assert least_p(one, two) == pytest.approx(min(1.0, 2 * 2 * float(stats.t.sf(t, 18))))
    said = said_of_twin("ordered", True, {"all": {**one, "D": 0.05}}, {"all": {**two, "D": 0.04}})
    assert ("differ at no point for sure" in said) != differs


def test_a_group_stands_beside_its_twins_group_of_the_same_name() -> None:
    said = said_of_twin("one-set", False, {"width 5": ALONE, "width 9": ALONE}, {"width 5": TWIN})
    assert said == (
        "Width 5: D is 5.0 [4.0, 6.0] points in one-set, whose runs share one training set, and its interval here 2.5 "
        "times as wide; where the outputs scatter most, 25 % of their variance is due to the training set."
    )
