"""Curves of a given shape that lie closest to a measured one: falling then rising, and with one peak inside.

A curve without a peak inside is *valley-shaped*: it falls, then rises, and either part may be missing, so that falling,
rising, flat and U-shaped curves are all of this kind. A curve with one peak inside is two valley-shaped curves end to
end: it falls, rises, falls, and may rise again.

Least squares under an order is isotonic regression, by pooling neighbours that are out of order (Ayer et al. 1955).
With a turning point that is not known it is unimodal regression (Frisén 1986, The Statistician 35, 479-485); the costs
of all turning points come from one pass over the prefixes (Stout 2008, Computational Statistics & Data Analysis 53,
289-297).
"""

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

Floats = NDArray[np.float64]


def peak_heights(curves: Floats) -> Floats:
    """How far each point of the curves (..., m) lies above the higher of the lowest points on either side, (..., m).

    The two ends have no two sides: -inf. The largest height of a curve R is the maximum over i < j < k of
    min(R_j - R_i, R_j - R_k); it is above 0 exactly where the curve is not valley-shaped.
    """
    found = np.full(curves.shape, -np.inf)
    left = np.minimum.accumulate(curves, -1)[..., :-2]
    right = np.minimum.accumulate(curves[..., ::-1], -1)[..., ::-1][..., 2:]
    found[..., 1:-1] = curves[..., 1:-1] - np.maximum(left, right)
    return found


def height(curves: Floats) -> Floats:
    """The height D of the highest peak inside each curve (..., m), and 0 where no point is a peak: (...)."""
    found: Floats = np.maximum(0.0, peak_heights(curves).max(-1))
    return found


def rising_costs(values: Floats, weights: Floats) -> Floats:
    """Weighted squared distance of the first j values from the closest rising curve, for j = 0 ... m: (m + 1,)."""
    blocks: list[tuple[float, float, float]] = []  # mean, weight, cost of all blocks up to this one
    costs = [0.0]
    for mean, weight in zip(values.tolist(), weights.tolist(), strict=True):
        cost = 0.0  # of this block alone
        while blocks and blocks[-1][0] >= mean:
            before, heavy, up_to = blocks.pop()
            own = up_to - (blocks[-1][2] if blocks else 0.0)
            cost += own + heavy * weight / (heavy + weight) * (mean - before) ** 2
            mean = (heavy * before + weight * mean) / (heavy + weight)
            weight += heavy
        blocks.append((mean, weight, cost + (blocks[-1][2] if blocks else 0.0)))
        costs.append(blocks[-1][2])
    return np.array(costs)


def _turns(values: Floats, weights: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """For j = 0 ... m, the cost of the closest valley-shaped curve to the first j values, and where it turns."""
    m = len(values)
    falling = rising_costs(-values, weights)
    costs = np.full((m + 1, m + 1), np.inf)  # turn, end
    for turn in range(m + 1):
        costs[turn, turn:] = falling[turn] + rising_costs(values[turn:], weights[turn:])
    return costs.min(0), costs.argmin(0)


def _falling_then_rising(values: Floats, weights: Floats, turn: int) -> Floats:
    parts = [
        isotonic_regression(values[part], weights=weights[part], increasing=increasing).x
        for part, increasing in ((slice(None, turn), False), (slice(turn, None), True))
        if len(values[part])
    ]
    return np.concatenate(parts)


def valley_fit(curve: Floats, weights: Floats) -> Floats:
    """The closest valley-shaped curve to a curve (m,), in squares weighted by positive weights (m,)."""
    return _falling_then_rising(curve, weights, int(_turns(curve, weights)[1][-1]))


def peak_fit(curve: Floats, weights: Floats) -> Floats:
    """The closest curve with at most one peak inside to a curve (m,), in squares weighted by positive weights (m,)."""
    left, left_turn = _turns(curve, weights)
    right, right_turn = _turns(curve[::-1], weights[::-1])
    m, join = len(curve), int((left + right[::-1]).argmin())
    if left[-1] <= (left + right[::-1])[join] * (1 + 1e-9):  # a peak makes it no closer
        return valley_fit(curve, weights)
    parts = []
    if join:
        parts.append(_falling_then_rising(curve[:join], weights[:join], int(left_turn[join])))
    if join < m:
        backwards = _falling_then_rising(curve[join:][::-1], weights[join:][::-1], int(right_turn[m - join]))
        parts.append(backwards[::-1])
    return np.concatenate(parts)


def flattened(fit: Floats, variances: Floats, least: float) -> Floats:
    """The fit (m,) with neighbouring levels made one, from the closest pair on, until all differ by `least` standard
    errors or more.

    `variances` (m,) are those of the points' means. A fit follows its noise and is steeper than the truth; a test of
    peaks is hardest on flat curves, so a slope that is not sure must not count (Andrews & Soares 2010, Econometrica 78,
    119-157, and Chetverikov 2019, Econometric Theory 35, 729-776, do the same with inequalities of moments).
    """
    edges = [0, *(np.flatnonzero(np.diff(fit)) + 1).tolist(), len(fit)]
    precision = [float((1 / variances[a:b]).sum()) for a, b in itertools.pairwise(edges)]
    levels = fit[edges[:-1]].tolist()
    while len(levels) > 1:
        apart = [
            abs(levels[i + 1] - levels[i]) / (1 / precision[i] + 1 / precision[i + 1]) ** 0.5
            for i in range(len(levels) - 1)
        ]
        i = int(np.argmin(apart))
        if apart[i] >= least:
            break
        total = precision[i] + precision[i + 1]
        levels[i : i + 2] = [(levels[i] * precision[i] + levels[i + 1] * precision[i + 1]) / total]
        precision[i : i + 2] = [total]
        del edges[i + 1]
    return np.repeat(levels, np.diff(edges))


def smoothed(curves: Floats, times: int) -> Floats:
    """The curves (..., m), so many times averaged with their neighbours, weights 1/4, 1/2, 1/4; an end counts for its
    missing neighbour. This keeps a valley-shaped curve valley-shaped."""
    for _ in range(times):
        padded = np.concatenate([curves[..., :1], curves, curves[..., -1:]], -1)
        curves = (padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]) / 4
    return curves
