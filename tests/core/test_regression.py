import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.linear_model import Ridge

from stages.core.regression import (
    LIMIT,
    Floats,
    effective_parameters,
    lasso_limit,
    over_components,
    over_features,
    published_sample,
    smoother,
)

N = 12


def data(features: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, features)), rng.standard_normal(N)


def test_the_published_coefficients_have_the_published_l1_norm() -> None:
    sample = published_sample(5000, 50, 30, 0.01, seed=42)
    assert np.abs(sample.coefficients).sum() == pytest.approx(29.416687834929114, abs=1e-12)
    assert (sample.coefficients[30:] == 0).all()
    assert (sample.y - sample.x @ sample.coefficients).std() == pytest.approx(0.01, rel=0.05)


def test_as_published_the_fit_uses_no_more_than_its_components_and_ends_near_the_truth() -> None:
    rows = over_components(published_sample(500, 20, 10, 0.01, seed=42), alpha=0.1, seed=42)
    assert [row["features"] for row in rows] == list(range(1, 21))
    assert all(row["nonzeros"] <= row["features"] for row in rows)
    assert rows[-1]["test_r2"] > 0.95 > rows[0]["test_r2"]


@pytest.mark.parametrize("features", [3, N, 40])
@pytest.mark.parametrize("strength", [0.5, 20.0])
def test_the_ridge_smoother_predicts_as_scikit_learn(features: int, strength: float) -> None:
    (x, y), (points, _) = data(features), data(features, seed=1)
    model = Ridge(alpha=strength, fit_intercept=False).fit(x, y)
    assert smoother(x, points, strength) @ y == pytest.approx(model.predict(points))


@pytest.mark.parametrize("features", [3, 40])
def test_without_ridge_it_is_least_squares_of_minimum_norm(features: int) -> None:
    (x, y), (points, _) = data(features), data(features, seed=1)
    w = np.linalg.lstsq(x, y)[0]
    assert smoother(x, points, 0.0) @ y == pytest.approx(points @ w)


@pytest.mark.parametrize(("features", "count"), [(3, 3), (N, N), (40, N)])
def test_least_squares_works_with_as_many_parameters_as_features_up_to_the_rows(features: int, count: int) -> None:
    x, _ = data(features)
    assert effective_parameters(smoother(x, x, 0.0)) == pytest.approx(count)


def test_ridge_works_with_fewer_and_a_mean_with_one() -> None:
    x, _ = data(5)
    assert 0 < effective_parameters(smoother(x, x, 3.0)) < 5
    assert effective_parameters(np.full((7, N), 1 / N)) == pytest.approx(1)


def test_the_lassos_limit_is_least_squares_below_the_rows() -> None:
    x, y = data(5)
    assert lasso_limit(x, y) == pytest.approx(np.linalg.lstsq(x, y)[0])


def test_and_above_them_the_interpolating_fit_of_least_l1_norm() -> None:
    x, y = data(40)
    w = lasso_limit(x, y)
    assert x @ w == pytest.approx(y)
    assert (w != 0).sum() <= N
    least = linprog(np.ones(80), A_eq=np.hstack([x, -x]), b_eq=y, bounds=(0, None))
    assert np.abs(w).sum() == pytest.approx(least.fun)


def test_least_squares_and_the_lassos_limit_interpolate_from_as_many_features_as_rows_and_ridge_does_not() -> None:
    rows = over_features([6, N, 24], N, noise=0.5, ridges=[5.0], run=0)
    fits = {(row["method"], row["features"]): float(row["train_mse"]) < 1e-12 for row in rows}
    for method in ("least squares of minimum norm", LIMIT):
        assert [fits[method, p] for p in (6, N, 24)] == [False, True, True]
    assert not any(fits["ridge 5.0", p] for p in (6, N, 24))
