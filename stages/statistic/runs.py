"""What whole runs say about a mean curve: the curve, runs that failed, and how far chance may have moved it.

Errors are a table (n runs, m points), NaN where a run has no value at a point. A run's whole curve is drawn together,
since networks of one seed have much in common: they start alike, and they see the same batches.
"""

from typing import NamedTuple

import numpy as np

from stages.statistic.shapes import Floats, smoothed

FAR = 0.1  # of error: a run that failed at a point lies at least so far above all that did not
SPREADS = 3.0  # ... and at least so many robust standard deviations
FAILED = 5  # ... and at most one run in so many failed, but one always may
NEIGHBOURS = 2  # how many times a variance is averaged with those of its neighbours
SHARED = 6.0  # how many runs it takes that a point's own variance counts as much as its neighbourhood's
TIMES = (0, 1, 2, 4, 8, 16, 32)  # how often a curve may be averaged with its neighbours: over sqrt(times / 2) points
WIDTH = 1 / 12  # ... which is at most this share of all points
AROUND = 0.15  # share of the points, to either side, that decide how wide the average is at a point
MOST_ALIKE = 0.9  # the largest correlation between neighbours that can be told from a shift of the whole run
TINY = 1e-12  # the least variance of a mean: where all runs agree to the last digit, nothing is divided by zero


class Noise(NamedTuple):
    """How a mean curve varies by chance: draws (N, m) of what is added to it, and the variances (m,) of its points."""

    draws: Floats
    variances: Floats


def failed(errors: Floats, far: float = FAR) -> list[tuple[int, int]]:
    """Runs that never learned at a point, as (run, point): above all other runs there by `far` and by SPREADS, and few.

    The robust standard deviation is that of the distances from the points' medians, at a point and two to either side.
    Points with fewer than three runs name nobody.
    """
    m = errors.shape[1]
    usable = (~np.isnan(errors)).sum(0) >= 3
    distance = np.full(errors.shape, np.nan)
    distance[:, usable] = np.abs(errors[:, usable] - np.nanmedian(errors[:, usable], 0))
    distance = np.sort(distance, 0)[1:]  # without the run that is the median itself, which says nothing of the spread
    found = []
    for point in np.flatnonzero(usable):
        spread = 1.4826 * np.nanmedian(distance[:, max(0, point - 2) : min(m, point + 3)])
        order = np.argsort(-np.nan_to_num(errors[:, point], nan=-np.inf), kind="stable")
        values = errors[order, point]
        present = int((~np.isnan(values)).sum())
        for count in range(1, max(1, present // FAILED) + 1):
            if values[count - 1] - values[count] >= max(far, SPREADS * spread):
                found += [(int(run), int(point)) for run in order[:count]]
                break
    return sorted(found)


def mean_curve(errors: Floats) -> tuple[Floats, Floats]:
    """The curve (m,) of a table that is the sum of a curve, a shift for every run, and noise; and the noise (n, m).

    Least squares, so that a run which is missing at some points does not bend the curve by its shift. With no value
    missing it is the mean. The noise is 0 where there is no value.
    """
    present = ~np.isnan(errors)
    filled = np.where(present, errors, 0.0)
    shift = np.zeros(len(errors))
    curve = filled.sum(0) / present.sum(0)
    for _ in range(1 if present.all() else 200):
        before = curve
        shift = np.where(present, errors - curve, 0.0).sum(1) / present.sum(1)
        shift -= shift.mean()
        curve = np.where(present, errors - shift[:, None], 0.0).sum(0) / present.sum(0)
        if np.abs(curve - before).max() < 1e-9:
            break
    noise = np.where(present, errors - curve - shift[:, None], 0.0)
    noise = np.where(present, noise - noise.sum(1, keepdims=True) / present.sum(1, keepdims=True), 0.0)
    return curve, noise


def noise_of_mean(noise: Floats, counts: Floats, draws: int, rng: np.random.Generator) -> Noise:
    """Chance's part in the mean of n runs with that noise (n, m), where counts (m,) of them have a value.

    One part of the variance is that of whole runs, each times one normal number for all its points (multiplier
    bootstrap: Wu 1986, Mammen 1993). With few runs that is too little: three runs span but two directions. So the other
    part has at every point the variance of its neighbourhood, and between points the correlation that neighbours have
    on average. Its share is SHARED / (SHARED + runs - 1). Shifts of whole runs are left out, because no height depends
    on them. The draws follow Student's distribution: the variance is known the better, the more runs and points there
    are. Its degrees of freedom were chosen by simulation: the most that keep false peaks of three to twenty runs and 6
    to 58 points under 5 % where the spread differs tenfold between points (tests/benchmarks/statistic.py).
    """
    n, m = noise.shape
    freedom = np.maximum(counts - 1, 0)
    squares = (noise**2).sum(0)
    around = smoothed(freedom, NEIGHBOURS)
    nearby = smoothed(squares, NEIGHBOURS) / np.maximum(around, 0.5)
    nearby = np.where(around < 0.5, squares.sum() / max(freedom.sum(), 1.0), nearby)
    correlation, left = _correlation(noise / np.maximum(np.sqrt(nearby), TINY))
    share = SHARED / (SHARED + freedom)
    own = rng.standard_normal((draws, n)) @ (noise / np.sqrt(counts * np.maximum(freedom, 1)))
    deviation = np.sqrt(nearby / left / counts)
    smooth = rng.standard_normal((draws, m))
    for point in range(1, m):
        smooth[:, point] *= (1 - correlation**2) ** 0.5
        smooth[:, point] += correlation * smooth[:, point - 1]
    total = np.sqrt(1 - share) * own + np.sqrt(share) * deviation * smooth
    degrees = max(1.0, counts.mean() - 1) ** 1.5 * (m / 6) ** (1 / 6)
    total *= np.sqrt(degrees / rng.chisquare(degrees, (draws, 1)))
    variances = (1 - share) * squares / (counts * np.maximum(freedom, 1)) + share * deviation**2
    return Noise(total, np.maximum(variances, TINY))


def _correlation(noise: Floats) -> tuple[float, float]:
    """Between neighbouring points of noise (n, m) of equal variance at all points, before the runs' means were taken
    out; and the share of the variance that this has left. It is taken for one of order r^|i - j| (autoregressive)."""
    m = noise.shape[1]
    seen = (noise[:, 1:] * noise[:, :-1]).sum() / max((noise**2).sum(), TINY) * m / (m - 1)
    apart = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    correlation = shared = 0.0
    for _ in range(20):  # a mean takes away the average correlation of all pairs, which depends on what is looked for
        shared = float((correlation**apart).mean())
        correlation = float(np.clip(seen * (1 - shared) + shared, 0.0, MOST_ALIKE))
    return correlation, 1 - shared


def smooth_curve(errors: Floats, curve: Floats) -> Floats:
    """The runs' mean curve (m,) without what is probably noise.

    It is averaged over neighbours, and what the average takes away is averaged and given back (Tukey's twicing), so
    that a round peak keeps its height. How wide the average is, says cross-validation over whole runs (n, m): as wide
    as predicts a run best from the others around that point, where a run's shift counts for nothing.
    """
    n, m = errors.shape
    if n < 2:
        return curve
    others = np.stack([_mean_of_others(errors, run) for run in range(n)])
    choices = [times for times in TIMES if (times / 2) ** 0.5 <= WIDTH * m]
    wrong = []
    for times in choices:
        distance = errors - _twice_smoothed(others, times)
        wrong.append(np.nansum((distance - np.nanmean(distance, 1, keepdims=True)) ** 2, 0))
    reach = max(1, round(AROUND * m))
    risk = [np.stack(wrong)[:, max(0, point - reach) : point + reach + 1].sum(1) for point in range(m)]
    best = np.stack(risk, 1).argmin(0)
    found: Floats = np.stack([_twice_smoothed(curve, times) for times in choices])[best, np.arange(m)]
    return found


def _twice_smoothed(curves: Floats, times: int) -> Floats:
    once = smoothed(curves, times)
    return once + smoothed(curves - once, times)


def _mean_of_others(errors: Floats, run: int) -> Floats:
    """The mean curve (m,) of all runs but one; between its neighbours where no other run has a value."""
    others = np.delete(errors, run, 0)
    known = ~np.isnan(others).all(0)
    return np.interp(np.arange(errors.shape[1]), np.flatnonzero(known), mean_curve(others[:, known])[0])
