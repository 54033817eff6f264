import numpy as np
import pytest
from scipy.optimize import linprog
from sklearn.linear_model import Ridge

from stages.linear.regression import (
    LIMIT,
    Decomposition,
    Floats,
    dense_sample,
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
    assert {row["rows"] for row in rows} == {350}


def test_with_an_overwhelming_penalty_the_mean_is_predicted_and_with_a_vanishing_one_the_noise_is_left() -> None:
    sample = published_sample(500, 20, 10, 0.5, seed=42)
    none, little = (over_components(sample, alpha, seed=42)[-1] for alpha in (1e6, 1e-6))
    assert none["nonzeros"] == 0
    assert none["train_mse"] == pytest.approx(sample.y.var(), rel=0.2)
    assert none["test_mse"] == pytest.approx(sample.y.var(), rel=0.3)
    assert little["nonzeros"] == 20
    assert little["train_mse"] == pytest.approx(0.25, rel=0.2)
    assert little["test_mse"] == pytest.approx(0.25, rel=0.3)


def test_the_same_seed_gives_the_same_rows() -> None:
    sample = published_sample(100, 5, 3, 0.5, seed=1)
    assert over_components(sample, 0.1, seed=1) == over_components(sample, 0.1, seed=1)
    assert over_components(sample, 0.1, seed=1) != over_components(sample, 0.1, seed=2)
    once, again, other = (over_features([6, 24], N, 0.5, [5.0], run=run) for run in (0, 0, 1))
    assert once == again
    assert [row["test_mse"] for row in once] != [row["test_mse"] for row in other]


def test_a_sample_is_its_signal_of_variance_one_and_its_noise() -> None:
    rng = np.random.default_rng(0)
    coefficients = np.full(4, 0.5)
    sample = dense_sample(20_000, 4, 3.0, rng, coefficients)
    assert (sample.x @ coefficients).var() == pytest.approx(1, rel=0.05)
    assert (sample.y - sample.x @ coefficients).std() == pytest.approx(3, rel=0.05)
    assert (sample.coefficients == coefficients).all()


def test_half_of_the_features_miss_half_of_the_signal() -> None:
    rows = over_features([100, 200], 2000, 0.0, [], run=0)
    missed = {row["features"]: row["test_mse"] for row in rows if row["method"] == LIMIT}
    assert missed == {100: pytest.approx(0.5, rel=0.2), 200: 0}


def test_a_row_tells_its_run_its_features_and_how_many_parameters_are_at_work() -> None:
    rows = over_features([6, 24], N, noise=0.5, ridges=[5.0], run=7)
    assert {row["run"] for row in rows} == {7}
    assert [(row["method"], row["features"]) for row in rows] == [
        (method, p) for p in (6, 24) for method in ("least squares of minimum norm", "ridge 5.0", LIMIT)
    ]
    for row in rows:
        if row["method"] == LIMIT:
            assert row["nonzeros"] == min(int(row["features"]), N)
        else:
            most = min(int(row["features"]), N)
            assert 0 < float(row["p_eff_train"]) <= most + 1e-9
            assert (row["p_eff_train"] == pytest.approx(most)) == (row["method"] != "ridge 5.0")
            assert float(row["p_eff_test"]) > 0


def test_without_noise_what_is_seen_whole_is_predicted_without_error() -> None:
    rows = over_features([1, 2, 3], 20, noise=0.0, ridges=[5.0], run=2)
    exact = [(row["method"], row["features"]) for row in rows if row["test_mse"] == 0 and row["train_mse"] == 0]
    assert exact == [("least squares of minimum norm", 3), (LIMIT, 3)]


def test_columns_that_repeat_each_other_count_once() -> None:
    x, y = data(3)
    twice = np.hstack([x, x])
    assert effective_parameters(smoother(Decomposition.of(twice), twice, 0.0)) == pytest.approx(3)
    assert smoother(Decomposition.of(twice), twice, 0.0) @ y == pytest.approx(smoother(Decomposition.of(x), x, 0.0) @ y)


@pytest.mark.parametrize("features", [3, N, 40])
@pytest.mark.parametrize("strength", [0.5, 20.0])
def test_the_ridge_smoother_predicts_as_scikit_learn(features: int, strength: float) -> None:
    (x, y), (points, _) = data(features), data(features, seed=1)
    model = Ridge(alpha=strength, fit_intercept=False).fit(x, y)
    assert smoother(Decomposition.of(x), points, strength) @ y == pytest.approx(model.predict(points))


@pytest.mark.parametrize("features", [3, 40])
def test_without_ridge_it_is_least_squares_of_minimum_norm(features: int) -> None:
    (x, y), (points, _) = data(features), data(features, seed=1)
    w = np.linalg.lstsq(x, y)[0]
    assert smoother(Decomposition.of(x), points, 0.0) @ y == pytest.approx(points @ w)


@pytest.mark.parametrize(("features", "count"), [(3, 3), (N, N), (40, N)])
def test_least_squares_works_with_as_many_parameters_as_features_up_to_the_rows(features: int, count: int) -> None:
    x, _ = data(features)
    assert effective_parameters(smoother(Decomposition.of(x), x, 0.0)) == pytest.approx(count)


def test_ridge_works_with_fewer_and_a_mean_with_one() -> None:
    x, _ = data(5)
    assert 0 < effective_parameters(smoother(Decomposition.of(x), x, 3.0)) < 5
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
