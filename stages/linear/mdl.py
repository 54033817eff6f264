"""MDL-COMP: how complex linear regression is by minimum description length, and not by a count of parameters.

Dwivedi, Singh, Yu & Wainwright, "Revisiting minimum description length complexity in overparameterized models"
(arXiv 2006.10189). Targets y (n,) are X theta + normal noise of variance sigma^2. The receiver knows X (n, d). Ridge
regression makes a code for y, whose density q(y) is proportional to

    exp(-min over v of (|y - X v|^2 + v' Lambda v) / (2 sigma^2)).

Its redundancy is the Kullback-Leibler divergence of the true density from q, and MDL-COMP the least over Lambda.

With X = U diag(s) V', rho = s^2, w = V' theta and Lambda = V diag(lambda) V', both densities are normal, and the
directions of U are independent: N(s_i w_i, sigma^2) in truth, N(0, sigma^2 (1 + rho_i / lambda_i)) by q. The redundancy
in nats a target is therefore

    1 / (2 n) sum over i of [log(1 + rho_i / lambda_i) + (1 + rho_i w_i^2 / sigma^2) / (1 + rho_i / lambda_i) - 1]

with min(n, d) directions. If each has a lambda_i of its own, it is least at lambda_i = sigma^2 / w_i^2, and is then

    1 / (2 n) sum over i of log(1 + rho_i w_i^2 / sigma^2),

the paper's optimal redundancy, here `optimal_redundancy`. The receiver does not know these lambda_i. If half a log of
each is added for sending it, up to a constant that says how precisely, 1 / (2 n) sum of log(rho_i + sigma^2 / w_i^2)
remains: `with_lambdas`. With one lambda for all directions there is nothing of note to send, see `one_ridge`.

What they do over d, for standard normal X and d coefficients of equal size. Below n, each rho_i is about n: all of them
grow linearly in d. Above n there are n directions with rho_i about d and w_i^2 about |theta|^2 / d. With |theta| fixed,
the optimal redundancy then stays below log(1 + |X theta|^2 / (n sigma^2)) / 2, by Jensen's inequality, which is the
capacity of a channel with that signal and noise; the sum with the lambdas grows by log(d) / 2. Where each coefficient
keeps its size instead, and every feature brings more signal, it is the redundancy that grows by log(d) / 2.

Everything here is in bits a target, where the paper has nats.
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from stages.linear.regression import Decomposition, Floats, Sample, dense_sample

LENGTHS = ("mdl_comp", "mdl_comp_with_lambdas", "mdl_comp_one_ridge", "mdl_length")


def directions(x: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """The squared singular values rho (min(n, d),) of x (n, d), and the coefficients' parts w along them."""
    _, s, vt = Decomposition.of(x)
    return s**2, vt @ coefficients


def redundancy(rho: Floats, w: Floats, variance: float, n: int, ridge: Floats | float) -> float:
    """Of the code by this lambda, or by one for each direction; the noise has that variance, which is not 0."""
    wider = 1 + rho / ridge
    nats = np.log(wider) + (1 + rho * w**2 / variance) / wider - 1
    return float(nats.sum() / (2 * n * math.log(2)))


def optimal_redundancy(rho: Floats, w: Floats, variance: float, n: int) -> float:
    """The least over a lambda for each direction."""
    return float(np.log2(1 + rho * w**2 / variance).sum() / (2 * n))


def with_lambdas(rho: Floats, w: Floats, variance: float, n: int) -> float:
    """The same and half a log2 of each lambda, which has to be sent; none of w is 0."""
    return float(np.log2(rho + variance / w**2).sum() / (2 * n))


def one_ridge(rho: Floats, w: Floats, variance: float, n: int) -> float:
    """The least redundancy with one lambda for all directions."""

    def of(log_ridge: float) -> float:
        return redundancy(rho, w, variance, n, math.exp(log_ridge))

    return float(minimize_scalar(of, bounds=(-25.0, 25.0), method="bounded").fun)


def entropy(variance: float) -> float:
    """Of normal noise of that variance, for a unit of length as the precision; it may be negative."""
    return 0.5 * math.log2(2 * math.pi * math.e * variance)


def complexity(sample: Sample, seen: list[int], noise: float) -> list[dict[str, float]]:
    """A row for each p in seen: regression on the first p features of a sample, with noise of that deviation, not 0.

    Features are standard normal and independent. So the part of the signal that the other features make is one more
    normal noise, and the variance is noise^2 + |their coefficients|^2. `mdl_length` is the expected length of a target:
    the entropy of all this noise, and mdl_comp.
    """
    n = len(sample.y)
    rows = []
    for p in seen:
        variance = noise**2 + float((sample.coefficients[p:] ** 2).sum())
        rho, w = directions(sample.x[:, :p], sample.coefficients[:p])
        least = optimal_redundancy(rho, w, variance, n)
        rows.append(
            {
                "features": p,
                "mdl_comp": least,
                "mdl_comp_with_lambdas": with_lambdas(rho, w, variance, n),
                "mdl_comp_one_ridge": one_ridge(rho, w, variance, n),
                "mdl_length": entropy(variance) + least,
            }
        )
    return rows


def over_dimensions(dimensions: list[int], n_train: int, noise: float, run: int) -> list[dict[str, float]]:
    """`complexity` of so many rows of data in which as many features matter as are seen, a row for each number of them.

    Features matter equally and the signal's variance is 1, as in `regression.over_features`, where some are not seen.
    """
    rows = []
    for count in dimensions:
        rng = np.random.default_rng([run, count])
        coefficients = rng.standard_normal(count)
        coefficients /= np.linalg.norm(coefficients)
        sample = dense_sample(n_train, count, noise, rng, coefficients)
        rows += [{"run": run, **row} for row in complexity(sample, [count], noise)]
    return rows
