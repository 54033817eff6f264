"""The verdict on groups of runs along any axis: the judgement of each, its guards, and one answer.

A peak counts if it is high for sure (`judge`) and if every guard holds (`guards`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.base.datasets import CLASSES
from stages.base.params import ENSEMBLES, LEAST_POINTS
from stages.statistic.guards import Case, Checked, asked, of_that_peak, table_of
from stages.statistic.judge import ERROR, NO, SMALLEST, UNDECIDED, YES, Judgement, Scale, judge_all
from stages.statistic.shapes import Floats, peak_heights

FITTED = 0.01  # mean training error up to which a training set, wrong labels included, counts as fitted


def answer(found: Judgement, guards: dict[str, Checked]) -> str:
    """YES where the judgement and every guard say so; NO where the judgement or a guard of a sure peak does."""
    if found.answer != YES:
        return found.answer
    answers = {checked.answer for checked in guards.values()}
    return NO if NO in answers else UNDECIDED if UNDECIDED in answers else YES


def verdicts(groups: dict[str, pd.DataFrame], axis: str, classes: int = CLASSES) -> dict[str, dict[str, Any]]:
    """Every group's answer along the axis and what it rests on, for verdict.json; p adjusted for the groups (Holm).

    A group is a table with a row a run and point, of data with that many classes. Raise ValueError where a run stands
    twice at a point.
    """
    return {name: described(case) for name, case in judged(groups, axis, classes=classes).items()}


def judged(
    groups: dict[str, pd.DataFrame],
    axis: str,
    without: Mapping[str, tuple[str, ...]] | None = None,
    classes: int = CLASSES,
    scale: Scale = ERROR,
) -> dict[str, Case]:
    """Every group with its judgement along the axis, p adjusted for their number.

    `without` names the guards that a group does not need.
    """
    without = without or {}
    found = judge_all([table_of(rows, axis) for rows in groups.values()], scale=scale)
    named = zip(groups.items(), found, strict=True)
    return {name: Case(rows, axis, one, without.get(name, ()), classes) for (name, rows), one in named}


def described(case: Case) -> dict[str, Any]:
    """A judged case as nested numbers and words. What there is not, such as an interval of two runs, is left out.

    `fit` holds the closest curve with at most one peak, an error at every point of the axis in ascending order.
    """
    axis, found = case.axis, case.found
    points, seeds = (np.sort(case.rows[column].unique()) for column in (axis, "seed"))
    guards = asked(case)
    numbers = {"D_low": found.low, "D_high": found.high, "p_value": found.p, "p_holm": found.p_holm}
    places = {f"{name}_{axis}": getattr(found, name) for name in ("peak", "left", "right")}
    described: dict[str, Any] = {"answer": answer(found, guards), "D": found.d}
    described |= {name: value for name, value in numbers.items() if value is not None}
    described |= {name: points[place].item() for name, place in places.items() if place is not None}
    if found.peak is not None:
        described["peak_error"] = float(found.mean[found.peak])
        if "weights" in case.rows:
            described["peak_weights"] = float(case.rows[case.rows[axis] == points[found.peak]].weights.mean())
    for checked in guards.values():
        described |= checked.numbers
    described |= _read_otherwise(case) | {"runs": found.runs, "points": len(points)}
    # a list, so that `dvc metrics diff` leaves it out
    described["fit"] = [None if np.isnan(error) else round(float(error), 6) for error in found.fit]
    if found.needed is not None:
        described["runs_needed"] = found.needed
    if found.lacks is not None:
        described["lacks"] = found.lacks
    if found.d_with_failed is not None:
        described["D_with_failed"] = found.d_with_failed
        described["failed"] = [[seeds[run].item(), points[point].item()] for run, point in found.failed]
    return described | {"guards": {name: checked.answer for name, checked in guards.items()}}


def _read_otherwise(case: Case) -> dict[str, Any]:
    """D of what the runs make besides their last errors, and where they differ most, as far as the columns are there.

    The heights are those of the peak that was found, or if there is none of any.
    D_early is that of the errors at each cell's best epoch. D_ensemble is that of the means of some runs' outputs. Both
    come with intervals. Of the agreement the least mean is given, of the variance the greatest, and where they are.
    """
    tables = {}
    if "test_error_early" in case.rows:
        tables["early"] = case.errors("test_error_early")
    if "test_error_ensemble" in case.rows:
        tables["ensemble"] = of_ensembles(table_of(case.rows, case.axis, "test_error_ensemble"), case.found.failed)
    found: dict[str, Any] = {}
    for name, errors in tables.items():
        if np.isnan(errors).all():
            continue
        reading = of_that_peak(errors, case.found)
        numbers = {f"D_{name}": reading.d, f"D_{name}_low": reading.low, f"D_{name}_high": reading.high}
        found |= {key: value for key, value in numbers.items() if value is not None}
    for column, sign, name in (("agreement", 1, "least_agreement"), ("variance", -1, "most_variance")):
        if column in case.rows and case.rows[column].notna().any():
            means = sign * case.rows.groupby(case.axis)[column].mean()
            found[name] = sign * float(means.min())
            found[f"{name}_{case.axis}"] = means.index[int(means.argmin())].item()
    return found


def of_ensembles(errors: Floats, failed: Sequence[tuple[int, int]]) -> Floats:
    """Of errors (runs, points), in which every run has its ensemble's, one row an ensemble.

    An ensemble has no value at a point where one of its runs failed.
    """
    size = max(1, len(errors) // ENSEMBLES)
    found = errors[: size * ENSEMBLES : size].copy()
    for run, point in failed:
        if run < size * ENSEMBLES:
            found[run // size, point] = np.nan
    return found


def verdict(cells: pd.DataFrame, classes: int = CLASSES) -> dict[str, Any]:
    """Of the cells of one data set, under its name: over alpha for each width, and over width.

    `slope` is that of log(peak alpha) on log(width), with a bootstrap interval over seeds: 0 if the location of the
    accuracy's minimum is the same at every width, as the paper says. Left out where a peak lies at alpha 0, and where a
    run is missing. A run that failed at an alpha takes the mean of the others there.
    """
    widths = sorted(cells.width.unique())
    cases = judged({f"width_{w}": cells[cells.width == w] for w in widths}, "alpha", {}, classes)
    found: dict[str, Any] = {name: described(case) for name, case in cases.items()}
    return {cells.dataset.iloc[0]: found | {"over_width": over_width(cells, classes)} | _slope(cases, widths)}


def over_width(cells: pd.DataFrame, classes: int = CLASSES) -> dict[str, Any]:
    """The cells read the other way: the verdict over width at the smallest alpha (Belkin et al. 2019).

    `threshold` is the narrowest width with a mean training error of at most FITTED, and is left out if none has. With
    fewer than three widths there is no more than that.
    """
    cells = cells[cells.alpha == cells.alpha.min()]
    widths = np.sort(cells.width.unique())
    fitted = widths[table_of(cells, "width", "train_error").mean(0) <= FITTED]
    found: dict[str, Any] = {"threshold": int(fitted[0])} if len(fitted) else {}
    if len(widths) < LEAST_POINTS:
        return found
    return found | verdicts({"": cells}, "width", classes)[""]


def peaks(curves: Floats) -> NDArray[np.int64]:
    """Index (N,) of the peak of each curve (N, m): of its highest inside, or its largest value where that is none."""
    inside = peak_heights(curves)
    found: NDArray[np.int64] = np.where(inside.max(1) >= SMALLEST, inside.argmax(1), curves.argmax(1))
    return found


def _slope(cases: dict[str, Case], widths: list[int], draws: int = 1000) -> dict[str, float]:
    alphas = np.unique(np.concatenate([case.rows.alpha for case in cases.values()]))
    if len(widths) < 2 or len(alphas) < LEAST_POINTS:
        return {}
    tables = [table_of(case.rows, case.axis) for case in cases.values()]
    if any(table.shape != (tables[0].shape[0], len(alphas)) or np.isnan(table).any() for table in tables):
        return {}
    errors = np.stack([case.errors() for case in cases.values()])  # (widths, seeds, alphas)
    errors = np.where(np.isnan(errors), np.nanmean(errors, 1, keepdims=True), errors)
    seeds = errors.shape[1]
    # a sample is one set of seeds at all widths
    drawn = np.random.default_rng(0).integers(seeds, size=(draws, seeds))
    places = np.stack([alphas[peaks(of_width[drawn].mean(1))] for of_width in errors])
    usable = places[:, (places > 0).all(0)]  # (widths, draws)
    if not usable.shape[1]:
        return {}
    slopes = np.polyfit(np.log(widths), np.log(usable), 1)[0]
    low, middle, high = np.quantile(slopes, [0.025, 0.5, 0.975])
    return {"slope": float(middle), "slope_low": float(low), "slope_high": float(high)}
