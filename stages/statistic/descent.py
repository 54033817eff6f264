"""Is there a double descent? A statistic for a peak inside a test-error curve, its interval, and its p-value.

A curve is the mean over n seeds of errors (n, m) at m points in the order of an axis (alpha, or measured sparsity).
Seeds are the unit of everything random here: a seed's whole curve is drawn, left out or kept together, since a seed's
networks at neighbouring alphas start from the same weights and see the same batches.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from stages.base.params import LEAST_SEEDS

Floats = NDArray[np.float64]
Order = NDArray[np.bool_]
LEAST_POINTS = 3  # of an axis: a peak and a valley on either side


class TooFewSeeds(ValueError):  # noqa: N818
    """There are fewer than LEAST_SEEDS seeds, which is too few for an interval."""


class Descent(NamedTuple):
    """Of one curve: the split estimate of D with its 95 % bootstrap interval, and the p-value of no peak at all."""

    height: float
    low: float
    high: float
    p_value: float


def earlier(axis: Floats, gap: float = 0.0) -> Order:
    """(m, m): whether point i may be a valley before a peak at j, that is axis[i] < axis[j], by at least the gap."""
    distance = axis[:, None] - axis
    return (distance > 0) & (distance >= gap)


def heights(curves: Floats, before: Order) -> Floats:
    """For every curve (N, m) and point j, min(R_j - min_{i<j} R_i, R_j - min_{k>j} R_k); -inf without such i and k.

    The maximum over j is D = max over i < j < k of min(R_j - R_i, R_j - R_k).
    """
    left = np.where(before, curves[:, None, :], np.inf).min(2)  # (N, m)
    right = np.where(before.T, curves[:, None, :], np.inf).min(2)
    found: Floats = curves - np.maximum(left, right)
    return found


def measured(choose: Floats, measure: Floats, before: Order) -> Floats:
    """min(R_j - R_i, R_j - R_k) of each row R of `measure` (N, m), for the (i, j, k) best on that row of `choose`.

    Choosing and measuring on the same seeds would make D positive on pure noise.
    """
    rows = np.arange(len(choose))
    j = heights(choose, before).argmax(1)
    i = np.where(before[j], choose, np.inf).argmin(1)
    k = np.where(before.T[j], choose, np.inf).argmin(1)
    peak = measure[rows, j]
    found: Floats = np.minimum(peak - measure[rows, i], peak - measure[rows, k])
    return found


def halves(counts: NDArray[np.int64], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Each row's sample of seeds split in two at random: weights (N, n) of either side, each row with sum 1.

    `counts` (N, n) says how often each seed is in the sample; all copies of a seed go to the same side.
    """
    present = counts > 0
    order = np.where(present, rng.random(counts.shape), np.inf).argsort(1).argsort(1)
    first = order < present.sum(1, keepdims=True) // 2
    left, right = np.where(first, counts, 0), np.where(first, 0, counts)
    return left / left.sum(1, keepdims=True), right / right.sum(1, keepdims=True)


def split_estimates(
    errors: Floats, before: Order, counts: NDArray[np.int64], splits: int, rng: np.random.Generator
) -> Floats:
    """Of each sample, errors (N, n, m) with counts (N, n): the mean over random splits of D chosen on one half of the
    seeds and measured on the other, (N,)."""
    m = errors.shape[2]
    left, right = (
        half.reshape(-1, splits, half.shape[1]) for half in halves(counts.repeat(splits, axis=0), rng)
    )  # (N, splits, n)
    found: Floats = measured((left @ errors).reshape(-1, m), (right @ errors).reshape(-1, m), before)
    means: Floats = found.reshape(-1, splits).mean(1)
    return means


def monotone_fit(curve: Floats) -> Floats:
    """The better, in squared error, of the best rising and the best falling curve."""
    fits = [isotonic_regression(curve, increasing=increasing).x for increasing in (True, False)]
    return min(fits, key=lambda fit: float(((fit - curve) ** 2).sum()))


def descent(
    errors: Floats, axis: Floats, gap: float = 0.0, draws: int = 500, splits: int = 200, seed: int = 0
) -> Descent | None:
    """D of the errors (n seeds, m points) along an axis (m,), its interval and p-value; None where no peak can be.

    Interval: the 2.5 and 97.5 % quantiles over bootstrap samples of whole seeds. p-value: share of samples under the
    null hypothesis with at least this D, where a sample is the monotone fit to the mean curve plus n whole-seed
    residuals drawn with replacement, scaled by sqrt(n / (n - 1)). Raise TooFewSeeds for fewer than LEAST_SEEDS.
    """
    n = len(errors)
    if n < LEAST_SEEDS:
        raise TooFewSeeds(f"a verdict needs at least {LEAST_SEEDS} seeds, here are {n}")
    before = earlier(axis, gap)
    if not (before.any(0) & before.any(1)).any():
        return None
    rng = np.random.default_rng(seed)
    height = float(split_estimates(errors[None], before, np.ones((1, n), dtype=np.int64), splits, rng)[0])

    def estimates(samples: Floats, counts: NDArray[np.int64]) -> Floats:
        fewer = max(1, splits // 10)  # cheaper, and cautious: more noise widens the interval and raises the p-value
        parts = np.split(np.arange(draws), range(20, draws, 20))  # a few at a time stay in the processor's cache
        return np.concatenate([split_estimates(samples[i], before, counts[i], fewer, rng) for i in parts])

    drawn = rng.integers(n, size=(draws, n))
    while (same := (drawn == drawn[:, :1]).all(1)).any():  # one seed alone cannot be split
        drawn[same] = rng.integers(n, size=(same.sum(), n))
    counts = (drawn[:, :, None] == np.arange(n)).sum(1)  # (draws, n)
    low, high = np.quantile(estimates(np.broadcast_to(errors, (draws, *errors.shape)), counts), [0.025, 0.975])

    mean = errors.mean(0)
    residuals = (errors - mean) * (n / (n - 1)) ** 0.5
    order = np.argsort(axis, kind="stable")
    null = np.empty_like(mean)
    null[order] = monotone_fit(mean[order])
    samples = null + residuals[rng.integers(n, size=(draws, n))]  # (draws, n, m)
    at_least = (estimates(samples, np.ones((draws, n), dtype=np.int64)) >= height).sum()
    return Descent(height, float(low), float(high), float(1 + at_least) / (1 + draws))


def holm(p_values: list[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): step down, never above 1, never out of order."""
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return [float(p) for p in adjusted]
