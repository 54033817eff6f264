"""What a peak must be besides high, to count.

Each guard puts one question to the runs and answers yes, no or undecided. A guard that an axis does not need, or for
which a table lacks the columns, is not asked.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from stages.base.datasets import CLASSES
from stages.statistic.judge import NO, SMALLEST, UNDECIDED, YES, Judgement, judge
from stages.statistic.shapes import Floats
from stages.statistic.student import half_width

REMAINS = 0.5  # share of a peak that must stand when settled
SPARSITY_GAP = 0.05  # share of weights by which a peak must differ in sparsity from a valley on either side


def chance(classes: int) -> float:
    """The error of guessing among so many classes of equal size."""
    return 1 - 1 / classes


class Case(NamedTuple):
    """The runs of one group, judged along an axis."""

    rows: pd.DataFrame  # a row a run and point, with the columns `axis`, seed, test_error and measures
    axis: str
    found: Judgement
    without: tuple[str, ...] = ()  # guards that are not asked, whatever the axis
    classes: int = CLASSES  # of the data

    def errors(self, column: str = "test_error") -> Floats:
        """(seeds, points), both ascending; NaN where a run has no value, or was left out of the judgement."""
        table = table_of(self.rows, self.axis, column).copy()
        for run, point in self.found.failed:
            table[run, point] = np.nan
        return table


class Checked(NamedTuple):
    answer: str  # YES, NO or UNDECIDED
    numbers: dict[str, float]  # what it rests on, by name; empty where nothing was measured


class Guard(NamedTuple):
    check: Callable[[Case], Checked]
    needs: tuple[str, ...]  # columns
    axes: tuple[str, ...]  # on which it is asked; none: on all
    no: str  # the reason in few words, for a table
    why: str  # the same in a sentence for a person who knows no code
    unsure: str  # what is not known where the answer is undecided, after the word "whether"


def table_of(rows: pd.DataFrame, axis: str, column: str = "test_error") -> Floats:
    """(seeds, points), both ascending; NaN where a run has no value. Raise ValueError where a run stands twice."""
    table: Floats = rows.pivot(index="seed", columns=axis, values=column).to_numpy(np.float64)
    return table


def settled(case: Case) -> Checked:
    """Does at least half of the peak stand where training is settled?

    Read in two ways, of which the lower height counts: the error of the weights averaged over the ends of the last
    epochs, and the mean of the errors there, odd and even epochs alike. The answer is no where even the upper end of
    what stands is less than half of the lower end of the peak, and yes where both readings have a peak for sure and at
    least half of it is left.
    """
    asked_about = case.found
    if asked_about.peak is None or asked_about.left is None or asked_about.right is None or asked_about.low is None:
        return Checked(UNDECIDED, {})
    readings = []
    for column in ("test_error_averaged", "test_error_last"):
        errors = case.errors(column)
        if np.isnan(errors).all():
            return Checked(UNDECIDED, {})
        readings.append(of_that_peak(errors, asked_about))
    lower = min(readings, key=lambda reading: reading.d)
    if lower.low is None or lower.high is None:
        return Checked(UNDECIDED, {"D_settled": lower.d})
    numbers = {"D_settled": lower.d, "D_settled_low": lower.low, "D_settled_high": lower.high}
    if lower.high < REMAINS * asked_about.low:
        return Checked(NO, numbers)
    stands = lower.d >= REMAINS * asked_about.d and all(reading.answer == YES for reading in readings)
    return Checked(YES if stands else UNDECIDED, numbers)


def of_that_peak(errors: Floats, found: Judgement) -> Judgement:
    """Other errors (runs, points) of the same runs, judged as a whole, or where their peak is another one than what was
    found, between the two valleys that were found."""
    reading = judge(errors)
    if found.left is None or found.right is None:
        return reading
    if reading.peak is None or not found.left < reading.peak < found.right:
        reading = judge(errors[:, found.left : found.right + 1])
    return reading


def above_chance(case: Case) -> Checked:
    """At the peak, is the mean error under that of guessing by at least SMALLEST (Student's 95 % interval)?"""
    if case.found.peak is None:
        return Checked(UNDECIDED, {})
    errors = case.errors()[:, case.found.peak]
    errors = errors[~np.isnan(errors)]
    if len(errors) < 2:
        return Checked(UNDECIDED, {})
    half = half_width(errors)
    most = chance(case.classes) - SMALLEST
    answer = YES if errors.mean() + half <= most else NO if errors.mean() - half > most else UNDECIDED
    return Checked(answer, {})


def sparse(case: Case) -> Checked:
    """Is there a peak over *measured* sparsity too, the share of weights that are zero or nearly so?

    The points are judged in the order of their mean sparsity, and the peak must differ by SPARSITY_GAP from points on
    either side that are lower. Networks without a sparsity, all of whose runs diverged, count as not sparse.
    """
    measured = table_of(case.rows, case.axis, "near_zero_fraction")
    known = ~np.isnan(measured)
    sparsity = np.where(known, measured, 0.0).sum(0) / np.maximum(known.sum(0), 1)
    order = np.argsort(sparsity, kind="stable")
    found = judge(case.errors()[:, order])
    numbers = {"D_sparsity": found.d}
    if found.low is not None and found.high is not None:
        numbers |= {"D_sparsity_low": found.low, "D_sparsity_high": found.high}
    if found.answer == YES and height_across(found.fit, sparsity[order], SPARSITY_GAP) < SMALLEST:
        return Checked(NO, numbers)
    return Checked(found.answer, numbers)


def height_across(fit: Floats, axis: Floats, gap: float) -> float:
    """How far a point of a curve (m,) over an ascending axis (m,) lies above lower points on both sides that are a gap
    or more away; 0 where no point has any."""
    highest = 0.0
    for peak in range(len(fit)):
        left, right = fit[axis <= axis[peak] - gap], fit[axis >= axis[peak] + gap]
        if len(left) and len(right):
            highest = max(highest, float(fit[peak] - max(left.min(), right.min())))
    return highest


GUARDS = {
    "settled": Guard(
        settled,
        needs=("test_error_averaged", "test_error_last"),
        axes=(),
        no="an effect of the step size",
        why="less than half of it is left where training is settled, so it is an effect of the step size",
        unsure="the peak stands where training is settled",
    ),
    "above_chance": Guard(
        above_chance,
        needs=(),
        axes=(),
        no="at chance",
        why="at it the networks only guess, so training broke down there",
        unsure="the networks do better than guessing at the peak",
    ),
    "sparse": Guard(
        sparse,
        needs=("near_zero_fraction",),
        axes=("alpha",),
        no="not sparse",
        why="it does not show over measured sparsity, the share of weights that are zero or nearly so, so it is no "
        "*sparse* double descent",
        unsure="the networks become sparser across the peak",
    ),
}


def asked(case: Case) -> dict[str, Checked]:
    """What each guard answers that the axis needs and the columns allow."""
    return {
        name: guard.check(case)
        for name, guard in GUARDS.items()
        if name not in case.without and case.axis in (guard.axes or [case.axis]) and {*guard.needs} <= {*case.rows}
    }
