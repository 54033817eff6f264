"""The figure of a study: every group's runs over the axis, with what was found in them."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import judgement
from stages.figures.style import (
    OKABE_ITO,
    add_legend,
    add_panel_title,
    add_title,
    alpha_axis,
    columns_of,
    log_axis,
    panels,
)
from stages.statistic.findings import ALL, Verdict, answer_with_reason, d_with_interval
from stages.statistic.guards import Case, table_of


class Line(NamedTuple):
    label: str
    colour: str
    style: str


LINES = {  # means over the runs, beside what is judged, in %
    "train_error": Line("training error", OKABE_ITO[3], ":"),
    "noise_fitted": Line("wrong labels fitted", OKABE_ITO[5], ":"),
    "test_error_averaged": Line("test error, averaged weights", OKABE_ITO[4], ":"),
    "test_error_early": Line("test error at the best epoch", OKABE_ITO[5], "--"),
    "ensemble_error": Line("test error, all runs together", "black", "-."),
}
PARTS = {  # of the squared error of the outputs, and where the runs differ
    "bias_squared": Line("squared bias", "black", "-"),
    "variance": Line("variance over the runs", OKABE_ITO[4], "-"),
    "disagreement": Line("share of images on which two runs differ", OKABE_ITO[5], "-"),
}
ERROR = "error, %"
FARTHEST = 1.4  # times the largest mean, up to where a panel shows what is no error
ENDS = ("-", "--", "-.", ":")  # of lines for infinite width
SIZE = (4.0, 3.2)  # inches, of a panel
SPREAD = 30  # from this ratio of the largest to the smallest point on, an axis is logarithmic


def study(
    cases: dict[str, Case],
    verdicts: dict[str, Verdict],
    title: str,
    said: str,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """A panel a group, with errors in %, and where networks were kept one below it on what its runs make together.

    `said` is a caption's last line. `labels` name what is drawn in % where it is no error.
    """
    with_parts = any("variance" in case.rows and case.rows.variance.notna().any() for case in cases.values())
    figure, axes, below = panels_with_others_below(len(cases)) if with_parts else (*panels(len(cases), size=SIZE), [])
    for ax, (name, case) in zip(axes, cases.items(), strict=True):
        points = np.sort(case.rows[case.axis].unique()).astype(np.float64)
        judgement.draw(ax, points, table_of(case.rows, case.axis), case.found)
        means = case.rows.groupby(case.axis).mean(numeric_only=True)
        _lines(ax, points, 100 * means, LINES)
        for (kernel, error), style in zip(verdicts[name].get("infinite", {}).items(), ENDS, strict=False):
            ax.axhline(100 * error, color="0.45", linestyle=style, linewidth=0.9, label=f"infinite width: {kernel}")
        _axis(ax, case.axis, points)
        label = (labels or {}).get(name, ERROR)
        ax.set(ylabel=label)
        if case.found.mean.min() >= 0:
            # a run that is left out may be far away
            ax.set_ylim(0, None if label == ERROR else FARTHEST * 100 * np.nanmax(case.found.mean))
        asked = "double descent?" if label == ERROR else "a peak?"
        height = f"D = {d_with_interval(verdicts[name])} points"
        add_panel_title(
            ax, f"{case.axis if name == ALL else name}: {height}\n{asked} {answer_with_reason(verdicts[name])}"
        )
    for ax, case in zip(below, cases.values(), strict=False):
        means = case.rows.groupby(case.axis).mean(numeric_only=True)
        means["bias_squared"], means["disagreement"] = means.brier - means.variance, 1 - means.agreement
        points = means.index.to_numpy(np.float64)
        _lines(ax, points, means, PARTS)
        _axis(ax, case.axis, points)
        ax.set(ylabel="squared error, share", ylim=(0, None))
    add_legend(figure)
    add_title(figure, title, said)
    return figure


def panels_with_others_below(count: int) -> tuple[Figure, list[Axes], list[Axes]]:
    """So many panels, and one below each."""
    columns = columns_of(count)
    lines = -(-count // columns)
    figure, every = panels(2 * lines * columns, columns, size=(SIZE[0], 0.8 * SIZE[1]))
    above = [2 * (place // columns) * columns + place % columns for place in range(lines * columns)]
    for place in above[count:]:
        every[place].set_axis_off()
        every[place + columns].set_axis_off()
    return figure, [every[place] for place in above[:count]], [every[place + columns] for place in above[:count]]


def _lines(ax: Axes, points: np.ndarray, means: pd.DataFrame, lines: dict[str, Line]) -> None:
    for column, line in lines.items():
        if column in means and means[column].notna().any():
            ax.plot(points, means[column], color=line.colour, linestyle=line.style, label=line.label)


def _axis(ax: Axes, name: str, points: np.ndarray) -> None:
    """Logarithmic where the points spread widely; an alpha of 0 keeps its place."""
    if name == "alpha":
        alpha_axis(ax, pd.Series(points))
        return
    if points[0] > 0 and points[-1] >= SPREAD * points[0]:
        log_axis(ax, points.tolist())
    ax.set_xlabel(name.replace("_", " "))
