"""Curves of a given shape: against every other curve of that shape, found by an optimiser that knows nothing of it."""

import itertools

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, minimize

from stages.statistic.shapes import (
    Floats,
    flattened,
    height,
    peak_fit,
    peak_heights,
    rising_costs,
    smoothed,
    valley_fit,
)

M = 7
CURVES = np.random.default_rng(0).random((6, M))
WEIGHTS = np.random.default_rng(1).integers(1, 6, M).astype(np.float64)


def closest(curve: Floats, signs: tuple[int, ...]) -> float:
    """Squared distance to the closest curve whose steps have these signs, by quadratic programming."""
    steps = np.diff(np.eye(M), axis=0) * np.array(signs)[:, None]
    found = minimize(
        lambda x: (WEIGHTS * (x - curve) ** 2).sum(),
        np.full(M, curve.mean()),
        jac=lambda x: 2 * WEIGHTS * (x - curve),
        constraints=[LinearConstraint(steps, 0, np.inf)],
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 500},
    )
    return float(found.fun)


def cost(fit: Floats, curve: Floats) -> float:
    return float((WEIGHTS * (fit - curve) ** 2).sum())


def falls_then_rises(turn: int) -> tuple[int, ...]:
    return tuple(-1 if step < turn else 1 for step in range(M - 1))


def brute_force(curve: list[float]) -> float:
    return max(
        min(curve[j] - curve[i], curve[j] - curve[k]) for i, j, k in itertools.combinations(range(len(curve)), 3)
    )


def test_a_height_is_the_best_of_all_triples() -> None:
    assert peak_heights(CURVES).max(1) == pytest.approx([brute_force(curve.tolist()) for curve in CURVES])


def test_a_peak_is_measured_from_the_higher_of_its_two_valleys() -> None:
    assert height(np.array([0.3, 0.1, 0.9, 0.4, 0.5])) == pytest.approx(0.5)


@pytest.mark.parametrize("curve", [[1, 2, 3, 4], [4, 3, 2, 1], [2, 2, 2, 2], [4, 1, 2, 3], [3, 2, 1, 5]])
def test_a_curve_that_falls_and_then_rises_has_no_height(curve: list[float]) -> None:
    assert height(np.array(curve, dtype=np.float64)) == 0


@pytest.mark.parametrize("curve", CURVES)
def test_the_costs_of_all_prefixes_are_those_of_the_closest_rising_curves(curve: Floats) -> None:
    costs = rising_costs(curve, WEIGHTS)
    assert costs[0] == costs[1] == 0
    assert (np.diff(costs) >= -1e-15).all()
    assert costs[-1] == pytest.approx(closest(curve, (1,) * (M - 1)), abs=1e-7)


@pytest.mark.parametrize("curve", CURVES)
def test_the_valley_fit_is_the_closest_of_all_curves_that_fall_and_then_rise(curve: Floats) -> None:
    fit = valley_fit(curve, WEIGHTS)
    assert height(fit) == pytest.approx(0, abs=1e-12)
    assert cost(fit, curve) == pytest.approx(min(closest(curve, falls_then_rises(t)) for t in range(M)), abs=1e-7)


@pytest.mark.parametrize("curve", CURVES)
def test_the_peak_fit_is_the_closest_of_all_curves_with_at_most_one_peak_inside(curve: Floats) -> None:
    shapes = [
        tuple(-1 if step < a or b <= step < c else 1 for step in range(M - 1))
        for a, b, c in itertools.combinations_with_replacement(range(M), 3)
    ]
    fit = peak_fit(curve, WEIGHTS)
    assert cost(fit, curve) == pytest.approx(min(closest(curve, signs) for signs in set(shapes)), abs=1e-7)
    inside = peak_heights(fit)[1:-1]
    rises = np.flatnonzero(np.abs(np.diff(fit)) > 1e-12)
    turns = np.count_nonzero(np.diff(np.sign(np.diff(fit)[rises])) < 0)
    assert turns <= 1
    assert height(fit) == pytest.approx(max(0, inside.max()))


def test_a_point_with_more_runs_weighs_more() -> None:
    curve = np.array([0.0, 1.0, 0.4, 2.0])
    assert valley_fit(curve, np.array([1.0, 1.0, 1.0, 1.0]))[1] == pytest.approx(0.7)
    assert valley_fit(curve, np.array([1.0, 1.0, 5.0, 1.0]))[1] == pytest.approx(0.5)


def test_a_curve_that_has_the_shape_is_its_own_fit() -> None:
    curve = np.array([0.5, 0.2, 0.3, 0.6, 0.4, 0.1, 0.3])
    assert peak_fit(curve, WEIGHTS) == pytest.approx(curve)
    assert valley_fit(curve[:4], WEIGHTS[:4]) == pytest.approx(curve[:4])


def test_levels_that_differ_for_sure_stay_and_others_become_one() -> None:
    fit = np.array([0.1, 0.1, 0.12, 0.9])
    assert flattened(fit, np.full(4, 1e-2), 1.0).tolist() == pytest.approx([0.32 / 3] * 3 + [0.9])
    assert flattened(fit, np.full(4, 1e-8), 1.0) == pytest.approx(fit)
    assert flattened(fit, np.full(4, 1e2), 1.0) == pytest.approx(np.full(4, fit.mean()))


def test_an_average_over_neighbours_makes_no_peak_where_there_was_none() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        curve = np.abs(np.sort(rng.random(12)) - rng.random())
        assert height(smoothed(curve, int(rng.integers(1, 9)))) < 1e-12
