"""How complex linear regression is by the length of what has to be sent."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import multivariate_normal

from stages.linear import mdl
from stages.linear.regression import Floats, Sample, dense_sample

N, VARIANCE = 12, 0.5
Measure = Callable[[Floats, Floats, float, int], float]


def design(d: int, seed: int = 0) -> tuple[Floats, Floats]:
    """X (N, d) and coefficients (d,)."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((N, d)), rng.standard_normal(d)


@pytest.mark.parametrize("d", [5, 30])
def test_the_redundancy_is_the_divergence_of_two_normal_distributions(d: int) -> None:
    """q is the distribution of targets whose coefficients are drawn with covariance sigma^2 / lambda."""
    x, theta = design(d)
    ridge = 3.0
    truth = multivariate_normal(x @ theta, VARIANCE * np.eye(N))
    code = multivariate_normal(np.zeros(N), VARIANCE * (np.eye(N) + x @ x.T / ridge))
    inverse = np.linalg.inv(code.cov)
    spread = np.trace(inverse) * VARIANCE - N + (x @ theta) @ inverse @ (x @ theta)
    nats = 0.5 * (spread + np.linalg.slogdet(code.cov)[1] - N * math.log(VARIANCE))
    assert mdl.redundancy(*mdl.directions(x, theta), VARIANCE, N, ridge) == pytest.approx(nats / N / math.log(2))
    y = truth.rvs(20_000, random_state=np.random.default_rng(0))
    assert (truth.logpdf(y) - code.logpdf(y)).mean() == pytest.approx(nats, rel=0.02)


def test_the_code_is_that_of_ridge_regression() -> None:
    """Its density falls with the least of |y - X v|^2 + lambda |v|^2."""
    x, _ = design(5)
    ridge, y = 3.0, np.random.default_rng(1).standard_normal((2, N))
    code = multivariate_normal(np.zeros(N), VARIANCE * (np.eye(N) + x @ x.T / ridge))
    fitted = np.linalg.solve(x.T @ x + ridge * np.eye(5), x.T @ y.T).T
    loss = ((y - fitted @ x.T) ** 2).sum(1) + ridge * (fitted**2).sum(1)
    assert np.diff(code.logpdf(y)) == pytest.approx(-np.diff(loss) / (2 * VARIANCE))


@pytest.mark.parametrize("d", [5, 30])
def test_no_lambdas_and_no_single_lambda_have_a_smaller_redundancy(d: int) -> None:
    rho, w = mdl.directions(*design(d))
    best, one = mdl.optimal_redundancy(rho, w, VARIANCE, N), mdl.one_ridge(rho, w, VARIANCE, N)
    found = minimize(
        lambda log_ridges: mdl.redundancy(rho, w, VARIANCE, N, np.exp(log_ridges)), np.zeros(len(rho)), tol=1e-10
    )
    assert found.fun == pytest.approx(best, rel=1e-4)
    assert mdl.redundancy(rho, w, VARIANCE, N, VARIANCE / w**2) == pytest.approx(best)
    assert one == pytest.approx(
        min(mdl.redundancy(rho, w, VARIANCE, N, 10**e) for e in np.arange(-3, 3, 0.01)), rel=1e-4
    )
    assert best < one


def test_the_lambdas_add_half_of_their_logarithms() -> None:
    rho, w = mdl.directions(*design(5))
    more = np.log2(VARIANCE / w**2).sum() / (2 * N)
    assert mdl.with_lambdas(rho, w, VARIANCE, N) == pytest.approx(mdl.optimal_redundancy(rho, w, VARIANCE, N) + more)


def over(measure: Measure, dimensions: list[int], n: int, size: Callable[[int], float]) -> Floats:
    """The mean over twenty designs (n, d) of standard normal numbers, with d normal coefficients of that size."""
    found = np.zeros(len(dimensions))
    for run in range(20):
        rng = np.random.default_rng(run)
        for place, d in enumerate(dimensions):
            theta = rng.standard_normal(d)
            theta *= size(d) * d**0.5 / np.linalg.norm(theta)
            found[place] += measure(*mdl.directions(rng.standard_normal((n, d)), theta), VARIANCE, n) / 20
    return found


def fixed(d: int) -> float:
    """A coefficient's size where their norm is 1."""
    return 1 / math.sqrt(d)


def equal(d: int) -> float:
    return 0.3


@pytest.mark.parametrize(
    ("measure", "size"), [(mdl.with_lambdas, fixed), (mdl.with_lambdas, equal), (mdl.optimal_redundancy, equal)]
)
def test_complexity_is_linear_in_the_features_below_n(measure: Measure, size: Callable[[int], float]) -> None:
    n = 200
    rises = over(measure, [10, 20, 40, 80], n, size)
    assert rises[1:] / rises[:-1] == pytest.approx(2, rel=0.08)


@pytest.mark.parametrize(("measure", "size"), [(mdl.with_lambdas, fixed), (mdl.optimal_redundancy, equal)])
def test_above_n_complexity_grows_by_half_a_bit_whenever_the_features_double(
    measure: Measure, size: Callable[[int], float]
) -> None:
    """And so by three halves from each number to the next, of which the first two are below n."""
    below, *above = np.diff(over(measure, [4, 32, 256, 2048, 16384], 32, size))[[0, 2, 3]]
    assert above == pytest.approx([1.5, 1.5], abs=0.2)
    assert below == pytest.approx(over(measure, [32], 32, size)[0] * 7 / 8, rel=0.25)


def test_with_a_signal_of_fixed_norm_the_redundancy_does_not_grow_beyond_the_capacity_of_the_channel() -> None:
    for d in (5, 30, 3000):
        x, theta = design(d)
        theta /= np.linalg.norm(theta)
        capacity = 0.5 * math.log2(1 + ((x @ theta) ** 2).mean() / VARIANCE)
        assert mdl.optimal_redundancy(*mdl.directions(x, theta), VARIANCE, N) <= capacity
    last = over(mdl.optimal_redundancy, [256, 2048, 16384], 32, fixed)
    assert np.diff(last) == pytest.approx([0, 0], abs=0.1)


def test_features_that_are_not_seen_are_noise() -> None:
    """Whose redundancy and entropy make the length of a target that a code for their sum would have."""
    rng = np.random.default_rng(0)
    sample = dense_sample(N, 6, 0.5, rng, np.full(6, 0.4))
    some, every = mdl.complexity(sample, [4, 6], 0.5)
    alone = mdl.complexity(Sample(sample.x[:, :4], sample.y, sample.coefficients[:4]), [4], (0.25 + 2 * 0.16) ** 0.5)
    assert some == pytest.approx(alone[0])
    noise = 0.5 * math.log2(2 * math.pi * math.e * 0.25)
    assert every["mdl_length"] - every["mdl_comp"] == pytest.approx(noise)


def test_each_number_of_features_has_data_of_its_own_whatever_others_there_are() -> None:
    rows = mdl.over_dimensions([6, 24], N, 0.5, run=3)
    assert [(row["run"], row["features"]) for row in rows] == [(3, 6), (3, 24)]
    assert rows[1:] == mdl.over_dimensions([24], N, 0.5, run=3)
