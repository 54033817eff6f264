"""Is there a double descent? A statistic for a peak inside a test-error curve, its interval, and its p-value.

A curve is the mean over n seeds of errors (n, m) at m points in the order of an axis (alpha, or measured sparsity).
Seeds are the unit of everything random here: a seed's whole curve is drawn, left out or kept together, since a seed's
networks at neighbouring alphas start from the same weights and see the same batches.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]
SPLITS = 200


class Descent(NamedTuple):
    """Of one curve: the split estimate of D with its 95 % bootstrap interval, and the p-value of no peak at all."""

    height: float
    low: float
    high: float
    p_value: float
    peak: int  # index of the highest peak on the curve of all seeds


def heights(curves: Floats) -> Floats:
    """For every curve (N, m) and point j, min(R_j - min_{i<j} R_i, R_j - min_{k>j} R_k); -inf at both ends.

    The maximum over j is D = max over i < j < k of min(R_j - R_i, R_j - R_k).
    """
    lowest_before = np.minimum.accumulate(curves, 1)[:, :-2]
    lowest_after = np.minimum.accumulate(curves[:, ::-1], 1)[:, ::-1][:, 2:]
    inner = curves[:, 1:-1] - np.maximum(lowest_before, lowest_after)
    return np.pad(inner, ((0, 0), (1, 1)), constant_values=-np.inf)


def measured(choose: Floats, measure: Floats) -> Floats:
    """min(R_j - R_i, R_j - R_k) of each row R of `measure` (N, m), for the (i, j, k) best on that row of `choose`.

    Choosing and measuring on the same seeds would make D positive on pure noise.
    """
    rows, m = np.arange(len(choose)), choose.shape[1]
    j = heights(choose).argmax(1)
    position = np.arange(m)
    i = np.where(position < j[:, None], choose, np.inf).argmin(1)
    k = np.where(position > j[:, None], choose, np.inf).argmin(1)
    peak = measure[rows, j]
    found: Floats = np.minimum(peak - measure[rows, i], peak - measure[rows, k])
    return found


def halves(counts: NDArray[np.int64], splits: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Random splits of a sample of seeds in two: weights (splits, n) of each side, each row with sum 1.

    `counts` (n,) says how often each seed is in the sample; all copies of a seed go to the same side.
    """
    present = np.flatnonzero(counts)
    order = rng.permuted(np.tile(present, (splits, 1)), axis=1)
    left = np.zeros((splits, len(counts)))
    np.put_along_axis(left, order[:, : len(present) // 2], 1.0, 1)
    right = (counts > 0) - left
    left, right = left * counts, right * counts
    return left / left.sum(1, keepdims=True), right / right.sum(1, keepdims=True)


def split_estimate(errors: Floats, counts: NDArray[np.int64], splits: int, rng: np.random.Generator) -> float:
    """Mean over random splits of D chosen on one half of the seeds and measured on the other."""
    left, right = halves(counts, splits, rng)
    return float(measured(left @ errors, right @ errors).mean())


def monotone_fit(curve: Floats) -> Floats:
    """The better, in squared error, of the best rising and the best falling curve."""
    fits = [isotonic_regression(curve, increasing=increasing).x for increasing in (True, False)]
    return min(fits, key=lambda fit: float(((fit - curve) ** 2).sum()))


def descent(errors: Floats, draws: int = 500, splits: int = SPLITS, seed: int = 0) -> Descent:
    """D of the errors (n seeds, m points), its interval and its p-value; ValueError for n < 4 or m < 3.

    Interval: the 2.5 and 97.5 % quantiles over bootstrap samples of whole seeds. p-value: share of samples under the
    null hypothesis with at least this D, where a sample is the monotone fit to the mean curve plus n whole-seed
    residuals drawn with replacement, scaled by sqrt(n / (n - 1)).
    """
    n, m = errors.shape
    if n < 4 or m < 3:
        raise ValueError(f"a verdict needs at least 4 seeds and 3 points, here are {n} and {m}")
    rng = np.random.default_rng(seed)
    once = np.ones(n, dtype=np.int64)
    height = split_estimate(errors, once, splits, rng)

    fewer = max(1, splits // 10)  # a sample's own split noise averages out over the samples
    samples: list[float] = []
    while len(samples) < draws:
        counts = np.bincount(rng.integers(n, size=n), minlength=n)
        if (counts > 0).sum() >= 2:
            samples.append(split_estimate(errors, counts, fewer, rng))
    low, high = np.quantile(samples, [0.025, 0.975])

    mean = errors.mean(0)
    residuals = (errors - mean) * (n / (n - 1)) ** 0.5
    null = monotone_fit(mean)
    at_least = sum(
        split_estimate(null + residuals[rng.integers(n, size=n)], once, fewer, rng) >= height for _ in range(draws)
    )
    peak = int(heights(mean[None]).argmax())
    return Descent(height, float(low), float(high), (1 + at_least) / (1 + draws), peak)


def holm(p_values: list[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): step down, never above 1, never out of order."""
    order = np.argsort(p_values, kind="stable")
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return [float(p) for p in adjusted]
