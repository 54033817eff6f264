"""Student's t is SciPy's, whose module of statistics is too slow to import for every stage."""

import numpy as np
import pytest
from scipy import stats

from stages.statistic import student

RNG = np.random.default_rng(0)
VALUES = [RNG.normal(0.3, 1.0, n) for n in (2, 3, 10, 100)]


@pytest.mark.parametrize("values", VALUES, ids=len)
def test_an_interval_is_scipys(values: np.ndarray) -> None:
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert student.half_width(values) == pytest.approx((high - low) / 2, rel=1e-12)


@pytest.mark.parametrize("values", VALUES, ids=len)
def test_a_mean_is_tested_against_nothing_as_in_scipy(values: np.ndarray) -> None:
    assert student.p_of_mean(values) == pytest.approx(stats.ttest_1samp(values, 0.0).pvalue, rel=1e-12)


def test_two_means_are_tested_against_each_other_as_in_scipy() -> None:
    one = np.array([[0.1, 0.2, 0.3, 0.5], [0.05, 0.1, 0.0, 0.0], [4, 10, 5, 5]])
    other = np.array([[0.15, 0.2, 0.4, 0.5], [0.02, 0.3, 0.0, 0.0], [12, 3, 5, 5]])
    expected = stats.ttest_ind_from_stats(*one, *other, equal_var=False).pvalue
    np.testing.assert_allclose(student.p_of_difference(one, other), expected, rtol=1e-12)


def test_means_of_runs_that_are_all_the_same_differ_for_sure_or_not_at_all() -> None:
    sure, none = student.p_of_difference(*(np.array([[mean, 0.5], [0.0, 0.0], [4.0, 4.0]]) for mean in (0.1, 0.2)))
    assert sure == 0
    assert np.isnan(none)
