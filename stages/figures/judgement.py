"""Judgements as figures: the curve of every run, their mean, the fitted shape, both valleys, the peak, the answer."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.base.anytable import Group
from stages.figures.style import OKABE_ITO, add_legend, add_panel_title, log_axis, panels
from stages.statistic.judge import Judgement
from stages.statistic.sentences import measured, title
from stages.statistic.shapes import Floats

MEAN, FIT, PEAK = OKABE_ITO[0], OKABE_ITO[1], OKABE_ITO[2]


def judgements(judged: list[tuple[Group, Judgement]], log: bool = False) -> Figure:
    """A panel a judgement, with the error in %."""
    figure, axes = panels(len(judged))
    for ax, (group, found) in zip(axes, judged, strict=True):
        x = np.arange(len(group.points)) if group.ordinal else np.array(group.points, dtype=np.float64)
        draw(ax, x, group.errors, found)
        ax.set(xlabel=_plain(group.axis), ylabel="error, %")
        if log:
            log_axis(ax, x.tolist())
        elif group.ordinal:
            ax.set_xticks(x, [_plain(str(point)) for point in group.points])
        add_panel_title(ax, _plain(_title(group, found)))
    add_legend(figure)
    return figure


def draw(ax: Axes, x: np.ndarray, errors: Floats, found: Judgement) -> None:
    """The errors (runs, points) over x (points,) in %, and what was found in them."""
    _curves(ax, x, errors, found)
    _peak(ax, x, found)


def _plain(text: str) -> str:
    """The text without a sign that matplotlib reads as the start of a formula."""
    return text.replace("$", r"\$")


def _title(group: Group, found: Judgement) -> str:
    by = f"{title(group.by)}, " if group.by else ""
    return f"{by}double descent: {found.answer}; D = {measured(found)} points"


def _curves(ax: Axes, x: np.ndarray, errors: Floats, found: Judgement) -> None:
    for number, run in enumerate(errors):
        known = ~np.isnan(run)
        label = "a run" if number == 0 else None
        ax.plot(x[known], 100 * run[known], color="0.7", linewidth=0.7, marker=".", markersize=2, label=label)
    for number, (run_index, point) in enumerate(found.failed):
        label = "left out: far above others" if number == 0 else None
        ax.plot(x[point], 100 * errors[run_index, point], "x", color="black", label=label)
    ax.plot(x, 100 * found.mean, color=MEAN, label="mean")
    ax.plot(x, 100 * found.fit, color=FIT, linestyle="--", linewidth=1.0, label="closest one-peak curve")


def _peak(ax: Axes, x: np.ndarray, found: Judgement) -> None:
    """Marks at the valleys and the peak, and beside the peak the interval of its height above the higher valley."""
    if found.peak is None or found.left is None or found.right is None:
        return
    valleys = [found.left, found.right]
    ax.plot(x[valleys], 100 * found.fit[valleys], "v", color=PEAK, label="valleys")
    ax.plot(x[found.peak], 100 * found.fit[found.peak], "^", color=PEAK, label="peak")
    if found.low is None or found.high is None:
        return
    higher = float(found.fit[valleys].max())
    ends = [100 * (higher + found.low), 100 * (higher + found.high)]
    ax.plot([x[found.peak]] * 2, ends, color=PEAK, linewidth=3, alpha=0.5, label="95 % interval of height")
