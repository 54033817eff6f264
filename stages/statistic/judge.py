"""One judgement of a table of errors: is there a peak between two valleys, how high is it, and how sure is that?

D is the height of the peak over the higher of its two valleys, in units of error; 0 where the curve has no peak inside.
A curve without one falls, then rises, and either part may be missing ("valley-shaped"): that is the null hypothesis,
and falling, rising, flat and U-shaped curves all belong to it. Testing the shape of a curve against the closest curve
of the null hypothesis, by resampling, is the idea of Bowman, Jones & Gijbels (1998, Journal of Computational and
Graphical Statistics 7, 489-500).

How it goes:

1. The *statistic* asks how high a peak the runs' mean curve shows for sure: over all windows of neighbouring points
   left < middle < right, the mean in the middle minus the higher of the two others, each moved CAUTION standard errors
   to the cautious side. A wide window is sure of its mean, a narrow one does not cut off a sharp peak; the maximum
   over windows of all widths takes what suits the curve (multiscale tests: Dümbgen & Spokoiny 2001, Annals of
   Statistics 29, 124-152).
2. *Curves of every height*, from the closest valley-shaped curve over the closest curve with one peak to higher peaks.
3. Chance, drawn with whole runs, is added to each of them. The *interval* holds the heights whose curves give a
   statistic like the measured one: neither above 97.5 % nor below 97.5 % of draws (an inverted test). D is the height
   at which half of the draws lie above it, which has no bias from choosing the highest point. *p* is the share of draws
   on the valley-shaped curve with at least the measured statistic.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from stages.base.params import LEAST_POINTS, LEAST_RUNS
from stages.statistic.runs import FAR, Noise, connected, failed, mean_curve, noise_of_mean, smooth_curve
from stages.statistic.shapes import Floats, flattened, height, peak_fit, peak_heights, valley_fit

YES, NO, UNDECIDED = "yes", "no", "undecided"
SMALLEST = 0.01  # of D, in units of error: a smaller peak is no finding
SIGNIFICANCE = 0.05
CAUTION = 5.0  # standard errors by which the statistic moves every window's mean to the cautious side
WIDEST = 0.34  # of a window, as a share of the points
FLAT = 1.0  # standard errors: a smaller difference between levels of the valley-shaped curve does not count
HIGHER = 1.15  # by which the interval's upper part is drawn out: a fitted shape is rougher than the truth
ROUNDING = 1e-9  # heights up to this are none
MOST_RUNS = 1000  # a larger number of runs is no advice


class Judgement(NamedTuple):
    """What a table of errors says about a peak. Places are indices of points; heights are in units of error.

    `low`, `high` and `p` are None where there are too few runs or points for them; `d` is then that of the mean curve
    as it stands. `peak` and the valleys are None where `d` is 0.
    """

    answer: str  # YES, NO or UNDECIDED
    d: float
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None  # p, adjusted for the number of tables that were judged together
    peak: int | None
    left: int | None  # the valley before the peak, in the order of the axis
    right: int | None
    runs: int
    typical: int  # runs at a point, the median over points, without those that failed there
    mean: Floats  # (m,) of the runs that did not fail; NaN at a point without any
    fit: Floats  # (m,) the closest curve with at most one peak inside
    failed: list[tuple[int, int]]  # (run, point)
    d_with_failed: float | None  # D with them; None where no run failed
    needed: int | None  # runs that would probably decide it; None where decided, or where it would take over MOST_RUNS
    lacks: str | None  # why there is no interval, a key of sentences.LACKS; None where there is one


class Scale(NamedTuple):
    """What counts, in the units of a table."""

    smallest: float  # height of a peak that is a finding
    far: float  # distance of a failed run from all others


ERROR = Scale(SMALLEST, FAR)  # of errors in [0, 1]


def judge(errors: Floats, draws: int = 400, seed: int = 0, scale: Scale = ERROR) -> Judgement:
    """Judge errors (n runs, m points) whose points stand in the order of an axis; NaN where a run has no value.

    Only the order of the points matters. YES: `low` is at least the smallest height that counts, and p < SIGNIFICANCE.
    NO: `high` is under that height. UNDECIDED: everything else. Runs that failed at a point (`runs.failed`) are left
    out there. The same table and seed give the same numbers. Raise ValueError for a table without any value.
    """
    (found,) = judge_all([errors], draws, seed, scale)
    return found


def judge_all(tables: Sequence[Floats], draws: int = 400, seed: int = 0, scale: Scale = ERROR) -> list[Judgement]:
    """Judge tables that belong to one question, each as in `judge`, but with p adjusted for their number.

    A yes asks for p_holm < SIGNIFICANCE, so that the chance of any false yes among all tables stays what it is for one.
    """
    found = [_with_failed(np.asarray(errors, dtype=np.float64), draws, len(tables), seed, scale) for errors in tables]
    with_p = [place for place, one in enumerate(found) if one.p is not None]
    adjusted = holm([found[place].p or 0.0 for place in with_p])
    for place, p_holm in zip(with_p, adjusted, strict=True):
        found[place] = _answered(found[place]._replace(p_holm=p_holm), scale)
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979): step down, never above 1, never out of order."""
    adjusted = np.empty(len(p_values))
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return [float(p) for p in adjusted]


def _answered(found: Judgement, scale: Scale) -> Judgement:
    """The judgement with an answer, from its interval and p."""
    assert found.low is not None
    assert found.high is not None
    assert found.p_holm is not None
    if found.low >= scale.smallest and found.p_holm < SIGNIFICANCE:
        return found._replace(answer=YES)
    if found.high < scale.smallest:
        return found._replace(answer=NO)
    if found.low >= scale.smallest:
        return found._replace(needed=runs_for_p(found.runs, found.p or 0.0, found.p_holm))
    return found._replace(needed=runs_needed(found.runs, found.d, found.low, found.high, scale.smallest))


def _with_failed(errors: Floats, draws: int, tables: int, seed: int, scale: Scale) -> Judgement:
    """The judgement of a table, one of so many, without its failed runs; and D with them."""
    if np.isnan(errors).all():
        raise ValueError("the table holds no value")
    places = failed(errors, scale.far)
    without = errors.copy()
    without[tuple(np.array(places, dtype=int).reshape(-1, 2).T)] = np.nan
    found = _judge(without, draws, tables, seed, scale)
    if not places:
        return found
    with_them = _judge(errors, draws, tables, seed, scale)
    return found._replace(failed=places, d_with_failed=with_them.d, runs=with_them.runs)


def _judge(errors: Floats, draws: int, tables: int, seed: int, scale: Scale) -> Judgement:
    """The judgement of a table from which failed runs are gone, still without an answer."""
    points = np.flatnonzero(~np.isnan(errors).all(0))
    table = errors[~np.isnan(errors).all(1)][:, points]
    counts = (~np.isnan(table)).sum(0).astype(np.float64)
    curve, noise = mean_curve(table)
    valley = valley_fit(curve, counts)
    smooth = smooth_curve(table, curve)
    shape = peak_fit(smooth, counts)
    mean, fit = (np.full(errors.shape[1], np.nan) for _ in range(2))
    mean[points], fit[points] = curve, shape
    left, peak, right = (None if place is None else int(points[place]) for place in places_of(shape, smooth))
    found = Judgement(
        UNDECIDED, float(height(shape)), None, None, None, None, peak, left, right,
        len(table), int(np.median(counts)), mean, fit, [], None, None, None,
    )  # fmt: skip
    if len(points) < LEAST_POINTS:
        return found._replace(d=0.0, lacks="points")
    if len(table) < LEAST_RUNS:
        return found._replace(needed=LEAST_RUNS, lacks="runs")
    if np.median(counts) < LEAST_RUNS:
        return found._replace(lacks="thin")
    if not connected(~np.isnan(table)):
        return found._replace(lacks="apart")
    if np.abs(noise).max() < ROUNDING:
        return found._replace(lacks="alike")
    more = max(10 * draws, 100 * tables)
    d, low, high, p = _infer(
        curve, valley, shape, noise, counts, draws, more, scale.smallest, np.random.default_rng(seed)
    )
    if d == 0:
        found = found._replace(peak=None, left=None, right=None)
    return found._replace(d=d, low=low, high=high, p=p)


def places_of(fit: Floats, curve: Floats) -> tuple[int | None, int | None, int | None]:
    """Left valley, peak and right valley of a fit with one peak inside; three times None where it has none.

    On a level of several points, the one where the curve itself is lowest or highest.
    """
    heights = peak_heights(fit)
    if heights.max() < ROUNDING:
        return None, None, None
    first = last = int(heights.argmax())
    while first > 1 and abs(fit[first - 1] - fit[first]) < ROUNDING:
        first -= 1
    while last < len(fit) - 2 and abs(fit[last + 1] - fit[last]) < ROUNDING:
        last += 1
    peak = first + int(curve[first : last + 1].argmax())
    left = np.where(fit[:first] <= fit[:first].min() + ROUNDING, curve[:first], np.inf)
    right = np.where(fit[last + 1 :] <= fit[last + 1 :].min() + ROUNDING, curve[last + 1 :], np.inf)
    return int(left.argmin()), peak, last + 1 + int(right.argmin())


def widths(points: int) -> list[int]:
    """Of the statistic's windows, in points: each about half as wide again as the one before."""
    found = [1]
    while (wider := max(found[-1] + 1, round(1.5 * found[-1]))) <= max(1.0, WIDEST * points):
        found.append(wider)
    return found


def statistic(curves: Floats, variances: Floats) -> Floats:
    """The highest peak of each curve (..., m) that is sure, given the variances (m,) of its points: (...).

    The maximum over windows left < middle < right of min(middle - left, middle - right), where each window's mean is
    moved by CAUTION standard errors, the middle down and the others up. Negative where no peak is sure.
    """
    m = curves.shape[-1]
    sums = np.concatenate([np.zeros((*curves.shape[:-1], 1)), np.cumsum(curves, -1)], -1)
    total = np.concatenate([[0.0], np.cumsum(variances)])
    ending, starting = np.full(curves.shape, np.inf), np.full(curves.shape, np.inf)
    middles = []
    for width in widths(m):
        mean = (sums[..., width:] - sums[..., :-width]) / width  # (..., m - width + 1), by the window's first point
        caution = CAUTION * np.sqrt(total[width:] - total[:-width]) / width
        np.minimum(ending[..., width - 1 :], mean + caution, out=ending[..., width - 1 :])
        np.minimum(starting[..., : m - width + 1], mean + caution, out=starting[..., : m - width + 1])
        middles.append((width, mean - caution))
    before = np.minimum.accumulate(ending, -1)  # lowest window that ends at a point or before it
    after = np.minimum.accumulate(starting[..., ::-1], -1)[..., ::-1]
    found = np.full(curves.shape[:-1], -np.inf)
    for width, middle in middles:
        if m - width >= 2:
            sides = np.maximum(before[..., : m - width - 1], after[..., width + 1 :])
            found = np.maximum(found, (middle[..., 1:-1] - sides).max(-1))
    return found


def curves_of_every_height(valley: Floats, shape: Floats, scale: float) -> Floats:
    """Curves (c, m) whose heights go from 0 to that of the fitted shape (m,) and `scale` beyond.

    First on the straight line from the valley-shaped curve (m,) to the shape; then the shape's own hump grows. Where
    the shape has no peak, a hump over three points does, at the point that is nearest to being a peak.
    """
    heights = peak_heights(shape)
    peak = int(heights.argmax())
    beyond = scale * np.array([0.1, 0.25, 0.5, 1.0])[:, None]
    hump = np.zeros(len(shape))
    if heights[peak] < ROUNDING:
        hump[peak - 1 : peak + 2] = [0.5, 1.0, 0.5]
        return np.concatenate([valley[None], valley + beyond * hump])
    level = max(shape[:peak].min(), shape[peak + 1 :].min())
    inside = shape > level
    first = peak - int((~inside[peak::-1]).argmax())
    last = peak + int((~inside[peak:]).argmax())
    hump[first : last + 1] = np.maximum(0.0, shape[first : last + 1] - level)
    steps = np.linspace(0, 1, 7)[:, None]
    return np.concatenate([valley + steps * (shape - valley), shape + beyond * hump / hump.max()])


def _infer(
    curve: Floats,
    valley: Floats,
    shape: Floats,
    noise: Floats,
    counts: Floats,
    draws: int,
    more: int,
    smallest: float,
    rng: np.random.Generator,
) -> tuple[float, float, float, float]:
    """D, low, high and p of a mean curve (m,) with its fitted shape (m,), from the noise (n, m) of its runs.

    `more` draws decide a small p. The curves of every height go beyond the shape by at least `smallest`.
    """
    chance = noise_of_mean(noise, counts, draws, rng)
    measured = float(statistic(curve, chance.variances))
    valley = flattened(valley, chance.variances, FLAT)
    null = statistic(valley + chance.draws, chance.variances)
    p = _share_at_least(null, measured)
    if p < 10 / draws:  # few draws reach it: many more say how few
        drawn = noise_of_mean(noise, counts, more, rng).draws
        p = _share_at_least(statistic(valley + drawn, chance.variances), measured)
    beyond = 4 * float(np.ptp(np.quantile(null, [0.025, 0.975]))) + smallest
    curves = curves_of_every_height(valley, shape, beyond)
    low, d, high = _invert(curves, chance, measured)
    return d, low, high, p


def _share_at_least(drawn: Floats, measured: float) -> float:
    return (1 + int((drawn >= measured).sum())) / (1 + len(drawn))


def _invert(curves: Floats, chance: Noise, measured: float) -> tuple[float, float, float]:
    """The heights at which 97.5, 50 and 2.5 % of draws lie below the measured statistic; 0 where none is so low."""
    heights = np.maximum.accumulate(height(curves))
    drawn = np.stack([statistic(curve + chance.draws, chance.variances) for curve in curves])  # (c, N)
    found = [
        float(np.interp(measured, np.maximum.accumulate(quantile), heights))
        for quantile in np.quantile(drawn, [0.975, 0.5, 0.025], axis=1)
    ]
    return found[0], found[1], found[1] + HIGHER * (found[2] - found[1])


def runs_for_p(runs: int, p: float, p_holm: float) -> int | None:
    """How many runs would probably bring p under SIGNIFICANCE, adjusted as it is here, if z grows with their root.

    None where p is no sign of a peak, or for more than MOST_RUNS.
    """
    level = SIGNIFICANCE * p / p_holm
    if p >= 0.5:
        return None
    needed = float(runs * (ndtri(level) / ndtri(p)) ** 2)
    return max(runs + 1, int(np.ceil(needed))) if needed <= MOST_RUNS else None


def runs_needed(runs: int, d: float, low: float, high: float, smallest: float = SMALLEST) -> int | None:
    """How many runs would probably decide, if D stays what it is and the interval shrinks with the root of the runs.

    Either `low` must reach the smallest height that counts or `high` fall under it. None for more than MOST_RUNS.
    """
    half = max(d - low, high - d)
    room = abs(d - smallest)
    if room * (MOST_RUNS / runs) ** 0.5 <= half:
        return None
    return max(runs + 1, int(np.ceil(runs * (half / room) ** 2)))
