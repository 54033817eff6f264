"""Anybody's table of results as tables of errors: which column is what, one table a group, and what is wrong with it.

A *long* table has a row for every run and point, with columns for the axis, the error and the run. A *wide* table has a
row for every point: a column for the axis, and one column a run.
"""

import itertools
import re
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# names that say what a column is, in lower case
AXES = ("width", "hidden_units", "hidden", "alpha", "lambda", "penalty", "sparsity", "epoch", "parameters", "images")
ERRORS = ("test_error", "error", "test_err", "err", "val_error", "validation_error")
ACCURACIES = ("test_accuracy", "accuracy", "test_acc", "acc", "val_accuracy", "validation_accuracy")
RUNS = ("seed", "run", "trial", "repeat", "replicate", "repetition", "run_id")


class TableError(ValueError):
    """What is wrong with a table and where, in one line."""


class Columns(NamedTuple):
    """What the columns are. In a wide table `runs` names the columns of the runs, and `error` and `run` are empty."""

    axis: str
    error: str
    run: str
    by: tuple[str, ...]
    runs: tuple[str, ...] = ()
    accuracy: bool = False


class Group(NamedTuple):
    """The errors of one group: a table (runs, points) of fractions, NaN where a run has no value."""

    by: dict[str, Any]
    axis: str
    points: list[Any]  # the axis, in order
    runs: list[Any]
    errors: Floats
    ordinal: bool  # the points are words, in the order in which they stand in the table


def choose(table: pd.DataFrame, axis: str, error: str, run: str, by: Sequence[str], accuracy: bool) -> Columns:
    """What the columns are: as told, and where nothing is told, by their names; TableError where that is not safe."""
    names = [str(name) for name in table.columns]
    for name in names:
        for place in np.flatnonzero(table[name].map(lambda value: isinstance(value, list | dict))).tolist():
            raise TableError(f"{_row(table, place)}: {name} holds a list, not a value")
    for option, name in [("--axis", axis), ("--error", error), ("--run", run), *(("--by", name) for name in by)]:
        if name and name not in names:
            raise TableError(f"{option} {name}: there is no such column; the columns are {', '.join(names)}")
    told = [name for name in (axis, error, run, *by) if name]
    if twice := [name for name in told if told.count(name) > 1]:
        raise TableError(f"column {twice[0]} was named twice, for two different things")
    free = [name for name in names if name not in told]
    if not error and not run and (wide := _wide(table, axis, free, by, accuracy)):
        return wide
    if not error:
        error = _named(free, ACCURACIES if accuracy else ERRORS)
        if not error and (error := _named(free, ACCURACIES)):
            accuracy = True
        if not error:
            raise TableError(f"which column holds the error? name it with --error; the columns are {', '.join(names)}")
    accuracy = accuracy or bool(_named([error], ACCURACIES))
    run = run or _named(free, RUNS)
    axis = axis or _named(free, AXES)
    rest = [name for name in free if name not in (axis, error, run)]
    if not axis and len(rest) == 1:
        axis = rest[0]
    if not axis:
        raise TableError(f"which column is the axis? name it with --axis; the columns are {', '.join(names)}")
    return Columns(axis, error, run, tuple(by), accuracy=accuracy)


def _named(names: Sequence[str], known: Sequence[str]) -> str:
    """The one column with a known name; the first of the known names wins. Empty where there is none."""
    for name in known:
        for column in names:
            if column.strip().lower().replace(" ", "_").replace("-", "_") == name:
                return column
    return ""


def _wide(table: pd.DataFrame, axis: str, free: Sequence[str], by: Sequence[str], accuracy: bool) -> Columns | None:
    """The columns of a wide table, or None.

    No column may have a name that says error, accuracy or run, and the runs' names may differ in their numbers or
    in a last letter alone, such as seed_0 and seed_1, or a and b: a column of training errors is no run.
    """
    if any(_named(free, known) for known in (ERRORS, ACCURACIES, RUNS)):
        return None
    axis = axis or _named(free, AXES) or (free[0] if free else "")
    runs = tuple(name for name in free if name != axis)
    alike = {re.sub(r"\d+|(?<![a-zA-Z])[a-zA-Z]$", "", name) for name in runs}
    if len(alike) != 1 or table.duplicated([axis, *by]).any():
        return None
    return Columns(axis, "", "", tuple(by), runs, accuracy)


def described(columns: Columns) -> str:
    """One line that says what was taken for what."""
    error = "accuracy" if columns.accuracy else "error"
    names = " ".join([columns.error, *columns.runs]).lower()
    told = columns.accuracy or re.search("err|loss|wrong|risk", names)
    unsure = "" if told else " (if they are accuracies, say --accuracy)"
    if columns.runs:
        runs = f"{len(columns.runs)} columns of {error}, one a run, {columns.runs[0]} to {columns.runs[-1]}"
        found = f"axis {columns.axis}; {runs}{unsure}"
    else:
        run = f"run {columns.run}" if columns.run else "no column of runs, so a single run"
        found = f"axis {columns.axis}; {error} {columns.error}{unsure}; {run}"
    return found + (f"; a judgement for every {', '.join(columns.by)}" if columns.by else "")


def groups(table: pd.DataFrame, columns: Columns, least_points: int, percent: bool = False) -> list[Group]:
    """A table of errors for every combination of the `by` columns, in the order of the file.

    Raise TableError for text where a number must be, values outside [0, 1] (with `percent`, [0, 100]), a run that
    stands twice at a point, fewer than `least_points` points, and a name that speaks of accuracy or percent where
    nobody said so.
    """
    _check_name(columns, percent)
    if table.empty:
        raise TableError("the table has no rows")
    table = table.reset_index(drop=True)
    points, ordinal = _axis(table, columns)
    table = table.assign(**{columns.axis: points})
    if columns.runs:
        run, error = (_free(name, [columns.axis, *columns.by]) for name in ("run", "error"))
        table = table.melt([columns.axis, *columns.by], list(columns.runs), run, error, ignore_index=False)
        columns = columns._replace(run=run, error=error)
    for name in (columns.run, *columns.by):
        for place in np.flatnonzero(table[name].isna()).tolist() if name else []:
            raise TableError(f"{_row(table, place)}: {name} is empty")
    numbers = _numbers(table[columns.error], columns.error)
    values = numbers / 100 if percent else numbers
    for place in np.flatnonzero((values < 0) | (values > 1)).tolist():
        said = f"{_row(table, place)}: {columns.error} {numbers[place]:g} is not between 0 and {100 if percent else 1}"
        hint = "; if they are percent, say --percent" if not percent and 1 < numbers[place] <= 100 else ""
        raise TableError(said + hint)
    table = table.assign(**{columns.error: 1 - values if columns.accuracy else values})
    if not columns.by:
        return [_group(table, columns, {}, least_points, ordinal)]
    parts = table.groupby(list(columns.by), sort=False, dropna=False)
    return [
        _group(part, columns, _plain(dict(zip(columns.by, key, strict=True))), least_points, ordinal)
        for key, part in parts
    ]


def _check_name(columns: Columns, percent: bool) -> None:
    """Raise TableError where the name of the errors' column, such as "Acc. [%]", asks for an option that is missing."""
    name = columns.error or columns.runs[0]
    words = re.findall("[a-z]+", name.lower())
    of_accuracy = any(word.endswith("acc") or word.startswith("accurac") for word in words)
    of_errors = any(word in ("error", "err", "loss") for word in words)
    untold = {}
    if of_accuracy and not of_errors and not columns.accuracy:
        untold["--accuracy"] = "accuracies"
    if ("%" in name or "percent" in words) and not percent:
        untold["--percent"] = "percent"
    if untold:
        kind, options = " in ".join(untold.values()), " ".join(untold)
        raise TableError(f"column {name} seems to hold {kind}: say {options}, or give the column another name")


def _free(name: str, taken: Sequence[str]) -> str:
    """The name, or one like it that is not taken."""
    return name if name not in taken else _free(f"{name}_", taken)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}


def _row(table: pd.DataFrame | pd.Series, place: int) -> str:
    return f"row {int(table.index.to_list()[place]) + 1}"


def _numbers(column: pd.Series, name: str) -> Floats:
    """The column as numbers, NaN where it is empty."""
    found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    for place in np.flatnonzero((np.isnan(found) & column.notna().to_numpy()) | np.isinf(found)).tolist():
        raise TableError(f"{_row(column, place)}: {name} {column.iloc[place]!s} is not a number")
    return found


def _axis(table: pd.DataFrame, columns: Columns) -> tuple[Any, bool]:
    """The axis as numbers, or as words in the order of every run's rows, and whether it is the latter."""
    name, column = columns.axis, table[columns.axis]
    for place in np.flatnonzero(column.isna()).tolist():
        raise TableError(f"{_row(column, place)}: {name} is empty")
    if not pd.to_numeric(column, errors="coerce").isna().all():
        return _numbers(column, name), False
    keys = [key for key in (columns.run, *columns.by) if key]
    runs = [rows[name].tolist() for _, rows in table.groupby(keys, sort=False)] if keys else [column.tolist()]
    return pd.Categorical(column, _merged(runs, name), ordered=True), True


def _merged(runs: list[list[str]], name: str) -> list[str]:
    """One order of words that suits all of these; where they leave it open, what stands first in the table is first."""
    first = {word: place for place, word in enumerate(dict.fromkeys(itertools.chain(*runs)))}
    before = TopologicalSorter({word: [] for word in first})
    for words in runs:
        for earlier, later in itertools.pairwise(dict.fromkeys(words)):
            before.add(later, earlier)
    try:
        before.prepare()
    except CycleError as error:
        found = error.args[1]
        raise TableError(
            f"the rows have {name} {found[0]} before {found[1]} in one run and after it in another, so the words have "
            "no order; numbers need none"
        ) from None
    order: list[str] = []
    ready: list[str] = []
    while before.is_active():
        ready = sorted([*ready, *before.get_ready()], key=lambda word: first[word])
        order.append(ready.pop(0))
        before.done(order[-1])
    return order


def _group(part: pd.DataFrame, columns: Columns, by: dict[str, Any], least_points: int, ordinal: bool) -> Group:
    where = "".join(f" at {name} {value}" for name, value in by.items())
    if not columns.run and part.duplicated(columns.axis).any():
        raise TableError(
            f"several rows have the same {columns.axis}{where}, and no column tells the runs apart; name it with --run"
        )
    part = part.assign(**{columns.run: "the only one"}) if not columns.run else part
    run = columns.run or ""
    keys = [run, columns.axis]
    if (twice := part.duplicated(keys)).any():
        place = int(np.flatnonzero(twice)[0])
        same = part[(part[keys] == part[keys].iloc[place]).all(axis=1)]
        differ = [str(name) for name in same.columns if same[name].nunique() > 1 and name != columns.error]
        hint = f"; they differ in {', '.join(differ)}: --by {differ[0]}?" if differ else ""
        value = _shown(part[columns.axis].iloc[place])
        raise TableError(
            f"{_row(part, place)}: run {part[run].iloc[place]} stands twice at {columns.axis} {value}{where}{hint}"
        )
    table = part.pivot(index=run, columns=columns.axis, values=columns.error).sort_index(axis=1)
    errors = table.to_numpy(np.float64)
    known = ~np.isnan(errors).all(0)
    if known.sum() < least_points:
        count = "one point" if known.sum() == 1 else f"{known.sum()} points"
        raise TableError(f"{columns.axis} has {count}{where}; a peak and two valleys take at least {least_points}")
    points = [_shown(value) for value in table.columns[known]]
    runs = [value.item() if isinstance(value, np.generic) else value for value in table.index]
    return Group(by, columns.axis, points, runs, errors[:, known], ordinal)


def _shown(value: Any) -> Any:
    """A point as a person writes it: whole numbers without a decimal point."""
    if not isinstance(value, float | np.floating):
        return value
    number = float(value)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number
