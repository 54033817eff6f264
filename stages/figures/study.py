"""The figure of a study: every group's runs over the axis, with what was found in them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.figures import judgement
from stages.figures.style import OKABE_ITO, add_legend, add_panel_title, add_title, alpha_axis, log_axis, panels
from stages.statistic.findings import ALL, Verdict, answer_with_reason, d_with_interval
from stages.statistic.guards import Case, table_of

LINES = {  # means over the runs, beside what is judged
    "train_error": "training error",
    "test_error_averaged": "test error, averaged weights",
    "noise_fitted": "wrong labels fitted",
}
SPREAD = 30  # from this ratio of the largest to the smallest point on, an axis is logarithmic


def study(cases: dict[str, Case], verdicts: dict[str, Verdict], title: str, said: str) -> Figure:
    """A panel a group, with errors in %; `said` is a caption's last line."""
    figure, axes = panels(len(cases), size=(4.0, 3.2))
    for ax, (name, case) in zip(axes, cases.items(), strict=True):
        points = np.sort(case.rows[case.axis].unique()).astype(np.float64)
        judgement.draw(ax, points, table_of(case.rows, case.axis), case.found)
        means = 100 * case.rows.groupby(case.axis).mean(numeric_only=True)
        for (column, label), colour in zip(LINES.items(), OKABE_ITO[3:], strict=False):
            if column in means and means[column].notna().any():
                ax.plot(points, means[column], color=colour, linestyle=":", label=label)
        _axis(ax, case.axis, points)
        ax.set(ylabel="error, %", ylim=(0, None))
        height = f"D = {d_with_interval(verdicts[name])} points"
        add_panel_title(
            ax, f"{case.axis if name == ALL else name}: {height}\ndouble descent? {answer_with_reason(verdicts[name])}"
        )
    add_legend(figure)
    add_title(figure, title, said)
    return figure


def _axis(ax: Axes, name: str, points: np.ndarray) -> None:
    """Logarithmic where the points spread widely; an alpha of 0 keeps its place."""
    if name == "alpha":
        alpha_axis(ax, pd.Series(points))
        return
    if points[0] > 0 and points[-1] >= SPREAD * points[0]:
        log_axis(ax, points.tolist())
    ax.set_xlabel(name.replace("_", " "))
