"""MDL-COMP, how complex linear regression is, by minimum description length and not by a count of parameters.

Dwivedi, Singh, Yu & Wainwright, "Revisiting minimum description length complexity in overparameterized models"
(arXiv 2006.10189). Targets y (n,) are X theta + noise, with noise of variance sigma^2 and X (n, d) known to the receiver.
A code is made of ridge regression: q(y) is proportional to
exp(-min over w of (|y - X w|^2 + w' Lambda w) / (2 sigma^2)), normalised over all y. Its redundancy is the Kullback-
Leibler divergence of the targets' true distribution from q, a target, and MDL-COMP is the least redundancy over Lambda.

With X = U diag(s) V', rho = s^2, w = V' theta and Lambda = V diag(lambda) V', both distributions are normal and the
directions of U independent: N(s_i w_i, sigma^2) in truth and N(0, sigma^2 (1 + rho_i / lambda_i)) by q. In bits a target,

    redundancy = 1 / (2 n ln 2) sum_i [ln(1 + rho_i / lambda_i) + (1 + rho_i w_i^2 / sigma^2) / (1 + rho_i / lambda_i) - 1]

over the min(n, d) directions. Where every direction has a lambda_i of its own it is least at sigma^2 / w_i^2, which gives

    mdl_comp = 1 / (2 n) sum_i log2(1 + rho_i w_i^2 / sigma^2).

The paper's number is this one in nats. It leaves out what the lambda_i cost to send, as this does; `redundancy` with one
lambda for all directions needs no such message.

For standard normal X it is about d / (2 n) log2(1 + n w^2 / sigma^2) for d < n if each coefficient is w, linear in d.
For d > n there are n directions with rho about d, each with a square of coefficients of |theta|^2 / d in the mean. So it
grows like log2(1 + d w^2 / sigma^2) / 2 where each coefficient is w and features bring signal. If |theta| is fixed, it
does not grow at all: with Jensen's inequality it is at most log2(1 + |X theta|^2 / (n sigma^2)) / 2, the capacity of a
channel of that signal and noise.
"""

import math

import numpy as np
from scipy.optimize import minimize_scalar

from stages.linear.regression import Decomposition, Floats, Sample, dense_sample


def directions(x: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """The squared singular values rho (min(n, d),) of x (n, d), and the coefficients' parts w along them."""
    _, s, vt = Decomposition.of(x)
    return s**2, vt @ coefficients


def mdl_comp(rho: Floats, w: Floats, variance: float, n: int) -> float:
    """The least redundancy of all codes, bits a target; the noise has that variance, which is greater than 0."""
    return float(np.log2(1 + rho * w**2 / variance).sum() / (2 * n))


def redundancy(rho: Floats, w: Floats, variance: float, n: int, ridge: Floats | float) -> float:
    """Of the code by this lambda, or by one for each direction, bits a target."""
    wider = 1 + rho / ridge
    nats = np.log(wider) + (1 + rho * w**2 / variance) / wider - 1
    return float(nats.sum() / (2 * n * math.log(2)))


def mdl_comp_one_ridge(rho: Floats, w: Floats, variance: float, n: int) -> float:
    """The least redundancy of the codes with one lambda for all directions, bits a target."""
    found = minimize_scalar(
        lambda log_ridge: redundancy(rho, w, variance, n, math.exp(log_ridge)), bounds=(-25.0, 25.0), method="bounded"
    )
    return float(found.fun)


def entropy(variance: float) -> float:
    """Of normal noise of that variance, bits a target; relative to a unit of length, so that it may be negative."""
    return 0.5 * math.log2(2 * math.pi * math.e * variance)


def complexity(sample: Sample, seen: list[int], noise: float) -> list[dict[str, float]]:
    """A row for each p in seen, of regression on the first p features of a sample with noise of that deviation.

    Features are standard normal and independent. So the part of the signal that the others make is one more normal
    noise, and the variance is noise^2 + |coefficients of the others|^2. `code_bits` is the expected length of the
    targets, bits a target: the entropy of that noise and mdl_comp. All is infinite where there is no noise.
    """
    n = len(sample.y)
    rows = []
    for p in seen:
        variance = noise**2 + float((sample.coefficients[p:] ** 2).sum())
        rho, w = directions(sample.x[:, :p], sample.coefficients[:p])
        least = mdl_comp(rho, w, variance, n)
        rows.append(
            {
                "features": p,
                "mdl_comp": least,
                "mdl_comp_one_ridge": mdl_comp_one_ridge(rho, w, variance, n),
                "code_bits": entropy(variance) + least,
            }
        )
    return rows


def over_features(seen: list[int], n_train: int, noise: float, run: int) -> list[dict[str, float]]:
    """`complexity` of the training data of this run of `regression.over_features`."""
    rng = np.random.default_rng(run)
    coefficients = rng.standard_normal(max(seen))
    coefficients /= np.linalg.norm(coefficients)
    sample = dense_sample(n_train, max(seen), noise, rng, coefficients)
    return [{"run": run, **row} for row in complexity(sample, seen, noise)]
