"""The figure of a study or of a reading: every group's runs over the axis, with what was found in them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import judgement
from stages.figures.style import (
    OKABE_ITO,
    add_legend,
    add_legends_above,
    add_panel_title,
    add_title,
    alpha_axis,
    lines,
    log_axis,
    panels,
    with_spread,
)
from stages.statistic.findings import ALL, Verdict, answer_with_reason, d_with_interval, does_not_count
from stages.statistic.guards import Case, table_of
from stages.statistic.judge import YES


class Line(NamedTuple):
    label: str
    colour: str
    style: str


LINES = {  # means over the runs, beside what is judged, in %
    "train_error": Line("training error", OKABE_ITO[3], ":"),
    "test_error_averaged": Line("error, averaged weights", OKABE_ITO[4], ":"),
    "test_error_early": Line("error at the best epoch", OKABE_ITO[5], "--"),
    "ensemble_error": Line("ensemble of all runs", "black", "-."),
}
PARTS = {  # of the squared error of the outputs, and where the runs differ
    "bias_squared": Line("squared bias", "black", "-"),
    "variance": Line("variance over the runs", OKABE_ITO[4], "-"),
    "disagreement": Line("two runs disagree", OKABE_ITO[5], "-"),
}
ERROR = "error, %"
AXES = {"round": "round of pruning", "images": "training images"}  # where the option's name does not say it
MOST = 6  # groups with a panel each, and lines in a panel
VISIBLE = 0.02  # a line that is nowhere so far from the test error is not drawn
FARTHEST = 1.4  # times the largest mean, above which a panel does not show what is no error
SPREAD = 30  # from this ratio of the largest to the smallest point on, an axis is logarithmic


def study(
    cases: dict[str, Case],
    verdicts: dict[str, Verdict],
    title: str,
    said: str,
    labels: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Figure:
    """A panel a group, or where the groups are many, or are answers of a reading, a panel for several of them.

    `said` is a caption's last line. Of a reading, `labels` say in what each answer is drawn, and `names` what it is
    called.
    """
    panel_of = {name: (_parent((names or {}).get(name, name)), (labels or {}).get(name, ERROR)) for name in cases}
    fewer = [[name for name in cases if panel_of[name] == panel] for panel in dict.fromkeys(panel_of.values())]
    if labels or len(cases) > MOST >= max(map(len, fewer)) > 1:
        return _together(fewer, cases, verdicts, title, said, labels or {}, names or {})
    return _apart(cases, verdicts, title, said)


def _parent(name: str) -> str:
    """The group without its last option."""
    return name.rpartition(", ")[0]


def _apart(cases: dict[str, Case], verdicts: dict[str, Verdict], title: str, said: str) -> Figure:
    """A panel a group with every run, and a last one for the highest sure peak, if its networks were kept: what its
    runs make together."""
    kept = [name for name in cases if verdicts[name]["answer"] == YES and _has(cases[name].rows, "variance")]
    highest = sorted(kept, key=lambda name: -float(verdicts[name]["D"]))[:1]
    figure, axes = panels(len(cases) + len(highest))
    shown = {column: line for column, line in LINES.items() if _differs(cases, column)}
    for ax, (name, case) in zip(axes, cases.items(), strict=False):
        points = np.sort(case.rows[case.axis].unique()).astype(np.float64)
        judgement.draw(ax, points, table_of(case.rows, case.axis), case.found)
        _lines(ax, points, 100 * case.rows.groupby(case.axis).mean(numeric_only=True), shown)
        if ends := [100 * error for error in verdicts[name].get("infinite", {}).values()]:
            ax.axhspan(min(ends), max(ends), color="0.85", label="infinite width (kernels)")
        _axis(ax, case.axis, points)
        ax.set(ylabel=ERROR, ylim=(0, None))
        height = _in_one_line(f"D = {d_with_interval(verdicts[name])} points")
        add_panel_title(ax, f"{_before_colon(name)}{height}\ndouble descent? {answer_with_reason(verdicts[name])}")
    for ax, name in zip(axes[len(cases) :], highest, strict=True):
        case = cases[name]
        means = case.rows.groupby(case.axis).mean(numeric_only=True)
        means["bias_squared"], means["disagreement"] = means.brier - means.variance, 1 - means.agreement
        points = means.index.to_numpy(np.float64)
        _lines(ax, points, means, PARTS)
        _axis(ax, case.axis, points)
        ax.set(ylabel="squared error, share", ylim=(0, None))
        add_panel_title(ax, f"{_before_colon(name)}what the runs make together")
    add_legend(figure)
    add_title(figure, title, said)
    return figure


def _together(
    groups: list[list[str]],
    cases: dict[str, Case],
    verdicts: dict[str, Verdict],
    title: str,
    said: str,
    labels: Mapping[str, str],
    names: Mapping[str, str],
) -> Figure:
    """A panel for each of these lists of groups: a line a group, with its answer in the legend."""
    drawn = [_drawn(group, verdicts) for group in groups]
    last = {name: _said(names.get(name, name).rpartition(", ")[2]) for name in cases}
    styles = _styles([[last[name] for name in group] for group in drawn])
    figure, axes = panels(len(groups), height=2.2)
    titles = []
    for ax, group in zip(axes, drawn, strict=True):
        unit = labels.get(group[0], ERROR)
        for name in group:
            _mean(ax, cases[name], verdicts[name], last[name], styles[last[name]])
        rows = pd.concat([cases[name].rows for name in group])
        _axis(ax, cases[group[0]].axis, np.sort(rows[cases[group[0]].axis].unique()).astype(np.float64))
        means = np.concatenate([cases[name].found.mean for name in group])
        ax.set(ylabel=unit)
        lowest, top = ax.get_ylim()
        farthest = FARTHEST * 100 * float(np.nanmax(means))
        ax.set_ylim(0 if means.min() >= 0 else lowest, top if unit == ERROR else min(top, farthest))
        parent = _parent(names.get(group[0], group[0]))
        titles.append(f"{_before_colon(parent)}{'double descent?' if unit == ERROR else 'a peak?'}")
    add_legends_above(figure, axes, titles)
    spread = "D in points [95 %]; mean and standard deviation over the runs; triangles: sure peaks"
    left_out = len(cases) - sum(map(len, drawn))
    if left_out:
        spread += f"; {left_out} more answers are not drawn, whose peaks are not sure"
    add_title(figure, title, f"{said}\n{spread}")
    return figure


def _drawn(group: list[str], verdicts: dict[str, Verdict]) -> list[str]:
    """All of them, or of many those that peak for sure, or if there are none those with the highest D."""
    if len(group) <= MOST:
        return group
    sure = [name for name in group if verdicts[name]["answer"] == YES]
    return sure or sorted(group, key=lambda name: -float(verdicts[name]["D"]))[:MOST]


def _styles(groups: list[list[str]]) -> dict[str, dict[str, Any]]:
    """How each line is drawn: the same in all panels, and where no two panels share a line as plainly as may be."""
    every = [name for group in groups for name in group]
    if len(set(every)) == len(every):
        return {name: style for group in groups for name, style in lines(group).items()}
    return lines(dict.fromkeys(every))


def _mean(ax: Axes, case: Case, verdict: Verdict, name: str, style: dict[str, Any]) -> None:
    """The mean over the runs that count in a band of one standard deviation, in %, and a triangle at a sure peak."""
    errors = pd.DataFrame(case.errors(), columns=np.sort(case.rows[case.axis].unique()))
    mean = errors.mean()
    answer = answer_with_reason(verdict) if does_not_count(verdict) else verdict["answer"]
    label = f"{name}: {_in_one_line(d_with_interval(verdict))}, {answer}"
    with_spread(ax, mean.index, mean, errors.std(), label, **style)
    if verdict["answer"] == YES and case.found.peak is not None:
        ax.plot(mean.index[case.found.peak], 100 * mean.iloc[case.found.peak], "^", color=style["color"], markersize=6)


def _in_one_line(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _before_colon(name: str) -> str:
    return f"{_said(name)}: " if name and name != ALL else ""


def _said(name: str) -> str:
    return name.replace("_", " ")


def _has(rows: pd.DataFrame, column: str) -> bool:
    return column in rows and bool(rows[column].notna().any())


def _differs(cases: dict[str, Case], column: str) -> bool:
    """Whether its mean is seen beside that of the test error, in one group at least."""
    for case in cases.values():
        if _has(case.rows, column):
            means = case.rows.groupby(case.axis)[["test_error", column]].mean()
            if (means[column] - means.test_error).abs().max() >= VISIBLE:
                return True
    return False


def _lines(ax: Axes, points: np.ndarray, means: pd.DataFrame, shown: dict[str, Line]) -> None:
    for column, line in shown.items():
        if _has(means, column):
            ax.plot(points, means[column], color=line.colour, linestyle=line.style, label=line.label)


def _axis(ax: Axes, name: str, points: np.ndarray) -> None:
    """Logarithmic where the points spread widely; an alpha of 0 keeps its place."""
    if name == "alpha":
        alpha_axis(ax, pd.Series(points))
        return
    if points[0] > 0 and points[-1] >= SPREAD * points[0]:
        log_axis(ax, points.tolist())
    ax.set_xlabel(AXES.get(name, name.replace("_", " ")))
