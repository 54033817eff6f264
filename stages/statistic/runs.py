"""What whole runs say about a mean curve: the curve, runs that failed, and how far chance may have moved it.

Errors are a table (n runs, m points), NaN where a run has no value at a point. A run's whole curve is drawn together,
since networks of one seed have much in common: they start alike, and they see the same batches.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import digamma, polygamma

from stages.statistic.shapes import Floats, smoothed

FAR = 0.1  # of error: a run that failed at a point lies at least so far above all that did not
SPREADS = 3.0  # ... and at least so many robust standard deviations
FAILED = 5  # ... and at most one run in so many failed, but one always may
MOST_FAILED = 0.03  # of all places, or one for FAILED runs, or one: where more are so high, failing is no exception
NEIGHBOURS = 2  # how many times a variance is averaged with those of its neighbours
SHARED = 6.0  # how many runs it takes that a point's own variance counts as much as its neighbourhood's
SURE = 1.645  # standard errors (95 %) by which points may differ more than is seen, in variance and in correlation
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
    Points with fewer than three runs name nobody. Nor does a table in which many runs are far above the others
    somewhere: leaving them out where they are few, and not where they are more, would make peaks.
    """
    n, m = errors.shape
    usable = (~np.isnan(errors)).sum(0) >= 3
    distance = np.full(errors.shape, np.nan)
    distance[:, usable] = np.abs(errors[:, usable] - np.nanmedian(errors[:, usable], 0))
    distance = np.sort(distance, 0)[1:]  # without the run that is the median itself, which says nothing of the spread
    found = []
    high = 0  # places where a run is far above the median
    for point in np.flatnonzero(usable):
        spread = 1.4826 * np.nanmedian(distance[:, max(0, point - 2) : min(m, point + 3)])
        high += int((errors[:, point] - np.nanmedian(errors[:, point]) >= max(far, SPREADS * spread)).sum())
        order = np.argsort(-np.nan_to_num(errors[:, point], nan=-np.inf), kind="stable")
        values = errors[order, point]
        present = int((~np.isnan(values)).sum())
        for count in range(1, max(1, present // FAILED) + 1):
            if values[count - 1] - values[count] >= max(far, SPREADS * spread):
                found += [(int(run), int(point)) for run in order[:count]]
                break
    most = max(1, n // FAILED, MOST_FAILED * int((~np.isnan(errors)).sum()))
    return sorted(found) if high <= most else []


def connected(present: NDArray[np.bool_]) -> bool:
    """Whether the runs of a table, present (n, m), hang together by the points that they share.

    Where they do not, nothing tells a run's shift from the height of its points.
    """
    n, m = present.shape
    edges = np.zeros((n + m, n + m), dtype=bool)
    edges[:n, n:] = present
    return int(connected_components(edges, directed=False, return_labels=False)) == 1


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

    Variances: a point's own counts the more, the more runs there are, and that of its neighbourhood the less (its share
    is SHARED / (SHARED + runs - 1)). Both are drawn towards the variance of all points together, as far as the table
    shows that points are alike (`_alike`).

    Between points: one part are whole runs, each times one normal number for all its points (multiplier bootstrap: Wu
    1986, Mammen 1993). With few runs that is too little: three runs span but two directions. So the other part has the
    correlation that neighbours have on average. Its share is that of the neighbourhood's variance, or larger where the
    runs show nothing that it leaves out (`_explained`).

    Shifts of whole runs are left out, because no height depends on them. The draws follow Student's distribution: the
    variance is known the better, the more runs and points there are. Its degrees of freedom, as long as points are not
    alike, were chosen by simulation: the most that keep false peaks of three to twenty runs and 6 to 58 points under
    5 % where the spread differs tenfold between points (tests/benchmarks/statistic.py). With alike points there are
    more, but no more than independent values: correlated by r, their squares count (1 - r^2) / (1 + r^2) (Bayley &
    Hammersley 1946, Supplement to the Journal of the Royal Statistical Society 8, 184-197).
    """
    n, m = noise.shape
    freedom = np.maximum(counts - 1, 0)
    squares = (noise**2).sum(0)
    around = smoothed(freedom, NEIGHBOURS)
    nearby = smoothed(squares, NEIGHBOURS) / np.maximum(around, 0.5)
    everywhere = squares.sum() / max(freedom.sum(), 1.0)
    nearby = np.where(around < 0.5, everywhere, nearby)
    correlation, left = _correlation(noise / np.maximum(np.sqrt(nearby), TINY))
    degrees = max(1.0, counts.mean() - 1) ** 1.5 * (m / 6) ** (1 / 6)
    alike, common = _alike(squares, freedom)
    variances = squares + (SHARED * nearby + alike * common) / left
    variances /= counts * (freedom + SHARED + alike)
    independent = freedom.sum() * (1 - 1 / m) * (1 - correlation**2) / (1 + correlation**2)
    degrees = min(degrees + alike, max(degrees, independent))

    share = np.maximum(SHARED / (SHARED + freedom), _explained(noise, freedom, correlation))
    whole = rng.standard_normal((draws, n)) @ (noise / np.sqrt(np.maximum(squares, TINY)))
    smooth = rng.standard_normal((draws, m))
    for point in range(1, m):
        smooth[:, point] *= (1 - correlation**2) ** 0.5
        smooth[:, point] += correlation * smooth[:, point - 1]
    total = np.sqrt(variances) * (np.sqrt(1 - share) * whole + np.sqrt(share) * smooth)
    total *= np.sqrt(degrees / rng.chisquare(degrees, (draws, 1)))
    return Noise(total, np.maximum(variances, TINY))


def _alike(squares: Floats, freedom: Floats) -> tuple[float, float]:
    """How many degrees of freedom a variance common to all points counts beside a point's own, and that variance
    (empirical Bayes: Smyth 2004, Statistical Applications in Genetics and Molecular Biology 3, article 3).

    Logarithms of estimated variances differ by a known amount when the true ones are equal. Few degrees of freedom if
    they differ more, and as if by as much as they may with confidence SURE. From sums of squares (m,) and their degrees
    of freedom (m,).
    """
    known = freedom > 0
    half = freedom[known] / 2
    logarithms = np.log(np.maximum(squares[known], TINY) / (2 * half)) - digamma(half) + np.log(half)
    chance = float(polygamma(1, half).mean())
    error = float((polygamma(3, half).mean() + 2 * chance**2) / len(half)) ** 0.5
    more = max(TINY, float(logarithms.var(ddof=1) - chance + SURE * error))
    alike = float(1 + (1 + 2 * more) ** 0.5) / more  # where trigamma(x / 2) = more, to a few percent
    return alike, float(np.exp(logarithms.mean() + digamma(alike / 2) - np.log(alike / 2)))


def _explained(noise: Floats, freedom: Floats, correlation: float) -> float:
    """How much of the correlations between points of noise (n, m) r^|i - j| explains: 1 if they differ from it by
    chance alone, less as if they differed by as much as they may with confidence SURE (shrinkage of correlations:
    Schäfer & Strimmer 2005, Statistical Applications in Genetics and Molecular Biology 4, article 32)."""
    m = noise.shape[1]
    centred = np.eye(m) - 1 / m  # runs' means are taken out
    expected = centred @ correlation ** np.abs(np.subtract.outer(np.arange(m), np.arange(m))) @ centred
    expected /= np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    scaled = noise / np.sqrt(np.maximum((noise**2).sum(0), TINY))
    pairs = ~np.eye(m, dtype=bool)
    chance = float(((1 - expected[pairs] ** 2) ** 2).sum() / max(freedom.mean(), 1.0))
    apart = float(((scaled.T @ scaled - expected)[pairs] ** 2).sum())
    error = chance * float(np.sqrt(2 / (m * (m - 1) / 2)))  # there are so many pairs
    return min(1.0, chance / (apart + SURE * error))


def _correlation(noise: Floats) -> tuple[float, float]:
    """Between neighbouring points of noise (n, m) of equal variance at all points, before the runs' means were taken
    out; and the share of the variance that this has left. It is taken for one of order r^|i - j| (autoregressive)."""
    m = noise.shape[1]
    seen = (noise[:, 1:] * noise[:, :-1]).sum() / max((noise**2).sum(), TINY) * m / (m - 1)
    apart = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
    correlation = shared = 0.0
    for _ in range(20):  # a mean takes away the average correlation of all pairs, which depends on what is looked for
        shared = float((correlation**apart).mean())
        correlation = float(np.clip(seen * (1 - shared) + shared, -MOST_ALIKE, MOST_ALIKE))
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
