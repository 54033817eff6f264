"""The report page: every question with its verdicts and every number that its panel may draw.

An entry of the page is one question. It is plain data, which goes into the page as JSON; page.js and chart.js draw it.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from stages.base.readings import ERROR, RELATIVE
from stages.figures import vega
from stages.statistic.findings import Verdict, d_with_interval, reason
from stages.statistic.judge import UNDECIDED
from stages.statistic.reading import SAID, plain
from stages.statistic.study import said_of

VEGA_LITE = "6.4"  # the schema that chart.js is written in is version 6's
TEMPLATE, STYLE, CHART, PANEL = (
    Path(__file__).with_name(name) for name in ("page.html", "page.css", "chart.js", "page.js")
)
SHARE, PLAIN = "%", ""
MEASURES = {  # columns of the tables: what a person reads, and the unit
    "test_error": ("test error", SHARE),
    "train_error": ("training error", SHARE),
    "test_loss": ("test loss", PLAIN),
    "train_loss": ("training loss", PLAIN),
    "test_error_averaged": ("test error, averaged weights", SHARE),
    "test_error_early": ("test error at the best epoch", SHARE),
    "ensemble_error": ("test error, all runs together", SHARE),
    "noise_fitted": ("wrong labels fitted", SHARE),
    "zero_fraction": ("weights exactly zero", SHARE),
    "near_zero_fraction": ("weights nearly zero", SHARE),
    "prunable_fraction": ("weights prunable at no cost", SHARE),
    "sparsity": ("weights pruned", SHARE),
    "effective_sparsity": ("effective sparsity", SHARE),
    "gini": ("Gini index of the weights", SHARE),
    "hoyer": ("Hoyer's sparsity", SHARE),
    "weights": ("weights left", PLAIN),
    "live_units": ("live units", PLAIN),
    "learning_distance": ("distance from the start", PLAIN),
    "brier": ("Brier score", PLAIN),
    "variance": ("variance over the runs", PLAIN),
    "agreement": ("images on which two runs agree", SHARE),
    "norm": ("norm of the weights", PLAIN),
    "test_mse": ("test mean squared error", PLAIN),
    "train_mse": ("training mean squared error", PLAIN),
    "nonzeros": ("weights that are not zero", PLAIN),
    "p_eff_train": ("effective parameters on training images", PLAIN),
    "p_eff_test": ("effective parameters on test images", PLAIN),
    "answer": ("answer, as judged", SHARE),
    "value": ("answer, as measured", PLAIN),
}
ALWAYS = ("test_error", "train_error", "answer", "value")  # in the page, though they may be the same everywhere
VISIBLE = 0.02  # by which shares must differ, to be an axis
# measures that may stand on the horizontal axis in place of what was varied
ALONG = ("prunable_fraction", "zero_fraction", "sparsity", "weights", "gini", "train_error", "noise_fitted")


class Others(NamedTuple):
    """Points that somebody else published, beside one group of a question. Errors are shares."""

    name: str
    group: str
    points: pd.Series  # the mean error, by the value of the axis


def entry(
    name: str,
    about: dict[str, str],
    over: str,
    by: list[str],
    verdicts: dict[str, Verdict],
    runs: pd.DataFrame,
    epochs: pd.DataFrame | None = None,
    others: Sequence[Others] = (),
    answers: str | None = None,
) -> dict[str, Any]:
    """One question.

    `about` are its words: `asks`, `said` (the answer in a sentence), `how` (how its networks were trained), `command`
    (what rebuilds it) and `kind`. `runs` has a row a run and point, with the columns `by`, `over` and `seed`, and in
    `group` the key of its verdict. `epochs` has a row a cell and epoch, with means over the runs. Of a reading,
    `answers` is the column that names its answers.
    """
    tables = {"runs": columns(runs, [*by, over], "seed")}
    if epochs is not None and len(epochs):
        tables["epochs"] = columns(epochs, [*by, over], "epoch")
    groups = dict(list(runs.groupby("group", sort=False)))
    return {
        "name": name,
        **about,
        "over": over,
        "by": by,
        "answers": answers,
        "labels": {group: plain(group) for group in verdicts} if answers else {},
        "groups": {group: group_of(found, over, groups[group]) for group, found in verdicts.items()},
        "axes": axes(tables, over),
        "tables": tables,
        "others": [
            {
                "name": other.name,
                "group": other.group,
                "points": other.points.index.tolist(),
                "errors": short(100 * other.points),
            }
            for other in others
            if other.group in groups
        ],
    }


def group_of(found: Verdict, over: str, rows: pd.DataFrame) -> dict[str, Any]:
    """What the page says of a group: its answer, D, peak and valleys, the fitted curve in %, and what was left out."""
    points = np.sort(rows[over].unique()).tolist()
    fit = [None if error is None else significant(100 * error) for error in found.get("fit", [None] * len(points))]
    unit = found.get("unit", ERROR)
    height = f"D = {d_with_interval(found)} {'hundredths of its largest mean' if unit == RELATIVE else 'points'}"
    why = reason(found).long if found["answer"] == UNDECIDED else reason(found).short
    answer = f"{found['answer']}: {why}" if why else found["answer"]
    return {
        "answer": found["answer"],
        "D": significant(100 * found["D"]),
        "said": f"{answer}; {height}",
        "unit": SAID[unit],
        **{place: found.get(f"{place}_{over}") for place in ("left", "peak", "right")},
        "fit": [list(pair) for pair in zip(points, fit, strict=True)],
        "failed": found.get("failed", []),
    }


def axes(tables: dict[str, Any], over: str) -> list[dict[str, str]]:
    """What may stand on the horizontal axis: an option with several numbers, or a measure; first the judged axis."""
    places, measures = tables["runs"]["places"], tables["runs"]["measures"]
    options = [option for option in places if _varies(places[option])]
    options.sort(key=lambda option: option != over)
    found = [{"name": option, "table": "runs"} for option in options]
    if "epochs" in tables:
        found.append({"name": "epoch", "table": "epochs"})
    measured = [measure for measure in ALONG if measure in measures and _spreads(measures[measure], measure)]
    return found + [{"name": measure, "table": "runs", "measured": "yes"} for measure in measured]


def _spreads(values: list[float | int | None], measure: str) -> bool:
    """Whether points at these values do not all stand on one another: shares must differ by VISIBLE."""
    known = [value for value in values if value is not None]
    return MEASURES[measure][1] != SHARE or max(known, default=0) - min(known, default=0) >= 100 * VISIBLE


def _varies(values: list[Any]) -> bool:
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    return numbers and len({*values}) > 1


def columns(table: pd.DataFrame, options: list[str], within: str) -> dict[str, Any]:
    """The table by cells, a cell being a place in the options.

    `places` has a value a cell for each option, None where there is none, and `groups` for each cell the number of its
    group. `within` holds the seeds or epochs of a cell, once where they are the same in all cells, else a list a cell.
    Each of the measures has a value for each of these, cell after cell; one that is the same everywhere is left out
    unless it is in ALWAYS.
    """
    cell = table.groupby(options, sort=False, dropna=False).ngroup()
    table = table.assign(cell=cell).sort_values("cell", kind="stable")
    first = table.drop_duplicates("cell")
    inner = table[within].tolist() if within in table else [0] * len(table)
    counts = table.cell.value_counts(sort=False).tolist()
    ends = np.cumsum(counts).tolist()
    lists = [inner[end - count : end] for end, count in zip(ends, counts, strict=True)]
    found: dict[str, Any] = {
        "places": {
            option: [None if pd.isna(value) else as_said(value) for value in first[option].tolist()]
            for option in options
        },
        "within": lists[0] if all(one == lists[0] for one in lists) else lists,
        "measures": {},
    }
    if "group" in table:
        names = list(dict.fromkeys(first.group))
        found["groups"] = {"names": names, "of": [names.index(group) for group in first.group]}
    for measure, (_, unit) in MEASURES.items():
        if measure in table and measure not in options and (measure in ALWAYS or table[measure].nunique() > 1):
            found["measures"][measure] = short(100 * table[measure] if unit == SHARE else table[measure])
    return found


def as_said(value: Any) -> Any:
    """A place as the names of groups say it, where it is text."""
    return said_of(value) if isinstance(value, str) else value


def short(values: pd.Series) -> list[float | int | None]:
    """The numbers as they stand in the page; None for what is no number."""
    return [significant(value) if np.isfinite(value) else None for value in values.astype(np.float64)]


def significant(value: float) -> float | int:
    """A whole number as it is, any other with four significant digits, without a fraction if it needs none."""
    rounded = value if value == int(value) else float(f"{value:.4g}")
    return int(rounded) if rounded == int(rounded) else rounded


def rendered(entries: list[dict[str, Any]], **words: str) -> bytes:
    """The page, from the words of page.html and the entries that its panel may draw."""
    data = json.dumps({"entries": entries, "measures": MEASURES}, separators=(",", ":"), allow_nan=False)
    return (
        Template(TEMPLATE.read_text(encoding="utf-8"))
        .substitute(
            words,
            style=STYLE.read_text(encoding="utf-8"),
            vega=vega.script(VEGA_LITE),
            data=data.replace("<", "\\u003c"),  # nothing in a script may look like markup
            script="\n".join(script.read_text(encoding="utf-8") for script in (CHART, PANEL)),
        )
        .encode()
    )
