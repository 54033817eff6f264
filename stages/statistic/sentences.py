"""A judgement in sentences for a person who knows no code. Errors and heights are in %, and in points of %."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.base.params import LEAST_POINTS, LEAST_RUNS
from stages.statistic.judge import NO, SMALLEST, YES, Judgement


def points_of(value: float, digits: int = 1) -> str:
    return f"{round(100 * value, digits) + 0.0:.{digits}f}"  # + 0.0: no -0


def interval(found: Judgement) -> str:
    """The 95 % interval in words, or nothing where there is none."""
    if found.low is None or found.high is None:
        return ""
    digits = 2 if any(abs(end - SMALLEST) < 0.0006 for end in (found.low, found.high)) else 1
    return f"{points_of(found.low, digits)} to {points_of(found.high, digits)}"


def with_interval(d: float, low: float | None, high: float | None, digits: int = 1) -> str:
    """D, with its 95 % interval where there is one, such as "5.7 [3.5, 7.3]"."""
    if low is None or high is None:
        return points_of(d, digits)
    return f"{points_of(d, digits)} [{points_of(low, digits)}, {points_of(high, digits)}]"


def measured(found: Judgement) -> str:
    return with_interval(found.d, found.low, found.high)


def title(by: dict[str, Any]) -> str:
    """What tells a group from the others, such as "width 5, dataset mnist"."""
    return ", ".join(f"{name} {value}" for name, value in by.items())


def sentence(found: Judgement, axis: str, points: Sequence[Any], runs: Sequence[Any]) -> str:
    """The answer, what it rests on, what would decide it, and which runs were left out."""
    said = [_answer(found, axis, points)]
    if found.peak is not None and found.answer != NO:
        said += _descents(found, axis, points)
    return " ".join([*said, *_failed(found, axis, points, runs)])


def _answer(found: Judgement, axis: str, points: Sequence[Any]) -> str:
    if found.low is None or found.high is None or found.p_holm is None:
        return _no_interval(found, axis, points)
    if found.answer == YES:
        return f"Yes: {_peak(found, axis, points)} ({_sure(found)}; p = {found.p_holm:.2g})."
    if found.answer == NO:
        most = max(found.high, 0.0001)
        return (
            f"No: if the error has a peak between two valleys at all, it is at most {points_of(most, 2)} points high "
            f"(upper end of the 95 % interval), and a peak of less than {points_of(SMALLEST, 0)} point does not count."
        )
    if found.peak is not None:
        best = f"the best estimate is {points_of(found.d)} points, at {axis} {points[found.peak]}"
    elif found.d > 0:
        height = f"D = {points_of(found.d)} points"
        best = f"the fitted curve has no peak, but chance hides a true one of {height} every second time"
    else:
        best = "the best estimate is that there is no peak"
    if found.low < SMALLEST:
        least = points_of(SMALLEST, 0)
        why = (
            f"a peak of {points_of(found.high)} points fits these {found.runs} runs, but so does one of less than "
            f"{least} point, which does not count"
        )
    else:
        why = f"p = {found.p_holm:.2g} does not rule out chance"
    said = f"Undecided: {why} (95 % interval of its height {interval(found)} points; {best})."
    return f"{said} {_advice(found, axis, points)}"


def _sure(found: Judgement) -> str:
    return f"95 % interval {interval(found)} points"


def _peak(found: Judgement, axis: str, points: Sequence[Any]) -> str:
    if found.peak is None or found.left is None or found.right is None:
        return f"the curve has a peak of {points_of(found.d)} points"
    return (
        f"the error has a peak at {axis} {points[found.peak]}, {points_of(found.d)} points above the higher of its two "
        f"valleys, which are at {axis} {points[found.left]} and {points[found.right]}"
    )


LACKS = {  # `Judgement.lacks`: what is missing in few words, why there is no interval then, and what is needed
    "points": (
        f"fewer than {LEAST_POINTS} points",
        "a peak needs a valley on either side",
        f"At least {LEAST_POINTS} points are needed.",
    ),
    "runs": (
        f"fewer than {LEAST_RUNS} runs",
        f"fewer than {LEAST_RUNS} runs cannot show how much chance does",
        f"At least {LEAST_RUNS} runs are needed.",
    ),
    "thin": (
        f"fewer than {LEAST_RUNS} runs at most points",
        f"most points have values of fewer than {LEAST_RUNS} runs, which cannot show how much chance does",
        f"At least {LEAST_RUNS} runs at each point are needed.",
    ),
    "apart": (
        "runs share no points",
        "the runs fall into parts that share no point, so nothing tells how much better a part is from how high its "
        "points are",
        "Runs that have values in all parts are needed.",
    ),
    "alike": (
        "runs do not differ",
        "all runs have the same errors wherever there are several, so nothing shows how much chance does",
        "Runs from other random numbers are needed.",
    ),
}


def _no_interval(found: Judgement, axis: str, points: Sequence[Any]) -> str:
    assert found.lacks is not None
    _, why, needed = LACKS[found.lacks]
    shown = "The curve as it stands has no peak inside."
    if found.peak is not None:
        shown = f"As it stands, {_peak(found, axis, points)}, but that may be chance."
    return f"Undecided: {why}. {shown} {needed}"


def _advice(found: Judgement, axis: str, points: Sequence[Any]) -> str:
    """How many runs would decide it, and at which points they count."""
    if found.needed is None:
        return (
            "No affordable number of runs would decide it: the height is too close to one point, or runs differ much."
        )
    said = f"About {found.needed} runs would probably decide it, if they differ as much as these do"
    if found.peak is None or found.left is None or found.right is None:
        return f"{said}."
    places = [str(points[place]) for place in (found.left, found.peak, found.right)]
    return f"{said}; they count most around {axis} {listed(places)}, the peak and its valleys."


def _descents(found: Judgement, axis: str, points: Sequence[Any]) -> list[str]:
    """Where the first descent is not among the points: before the left valley or, read backwards, after the right."""
    assert found.left is not None
    assert found.right is not None
    seen = found.fit[~np.isnan(found.fit)]
    first = seen[0] - found.fit[found.left] >= SMALLEST
    last = seen[-1] - found.fit[found.right] >= SMALLEST
    if first or last:
        return []
    return [
        f"Of the two descents one is seen here: {axis} {points[0]} to {points[-1]} begins in one valley and ends in "
        "the other."
    ]


def _failed(found: Judgement, axis: str, points: Sequence[Any], runs: Sequence[Any]) -> list[str]:
    if not found.failed or found.d_with_failed is None:
        return []
    places: dict[int, list[str]] = {}
    for run, point in found.failed:
        places.setdefault(run, []).append(str(points[point]))
    named = "; ".join(f"run {runs[run]} at {axis} {listed(where)}" for run, where in places.items())
    return [
        f"Left out, because the error is far above that of the other runs there: {named}. With them, D would be "
        f"{points_of(found.d_with_failed)} points."
    ]


def listed(words: list[str], most: int = 6) -> str:
    """Words as in a sentence; of more than `most` the first, the last and their number."""
    if len(words) > most:
        return f"{words[0]}, ... {words[-1]} ({len(words)} of them)"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
