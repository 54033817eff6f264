"""The figure of refitted last layers."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import add_legend, add_title, colours, panels, with_spread
from stages.statistic.heads import HEADS


def at_work(rows: pd.DataFrame, head: str) -> pd.Series:
    """Effective parameters for ridge, for the others the share of weights that are not zero in %."""
    return rows.p_eff_train if head == "ridge" else 100 * rows.nonzeros


def over_strength(table: pd.DataFrame, chosen: pd.DataFrame, said: str, guessing: float) -> Figure:
    """One column a head. Over the penalty's strength at each kind's largest dimension, then over the dimension at the
    best strength: test error, up to that of guessing, and how much is at work."""
    figure, axes = panels(4 * len(HEADS), columns=len(HEADS), size=(3.9, 2.4))
    for column, head in enumerate(HEADS):
        error, work, error_over, work_over = axes[column :: len(HEADS)]
        for kind, colour in colours(table.features.unique()).items():
            rows = table[(table["head"] == head) & (table.features == kind)]
            best_rows = chosen[(chosen["head"] == head) & (chosen.features == kind)].sort_values("dimension")
            line: Any = {"color": colour, "marker": "o", "markersize": 3}
            largest = rows[rows.dimension == rows.dimension.max()].groupby("strength")
            means, sd = largest.mean(numeric_only=True), largest.test_error.std()
            with_spread(error, means.index, means.test_error, sd, f"{kind} ({rows.dimension.max()})", **line)
            work.plot(means.index, at_work(means, head), **line)
            if head == "ridge":
                work.plot(means.index, means.p_eff_test, color=colour, linestyle=":")
            error_over.plot(best_rows.dimension, 100 * best_rows.test_error, **line)
            work_over.plot(best_rows.dimension, at_work(best_rows, head), **line)
        error.set(title=head, ylim=(0, 100 * guessing), ylabel="test error, %", xscale="log")
        work.set(xscale="log", xlabel="strength of the penalty")
        error_over.set(xscale="log", ylim=(0, 100 * guessing), ylabel="test error, %")
        work_over.set(xscale="log", xlabel="dimension, at the best strength")
        for ax in (work, work_over):
            if head == "ridge":
                ax.set(ylabel="effective parameters", yscale="log")
            else:
                ax.set(ylabel="weights not zero, %", ylim=(0, 105))
    add_legend(figure)
    title = (
        "Last layers refitted on different features (of that dimension), mean and standard deviation over seeds; "
        "effective parameters at training images, dotted at test images"
    )
    add_title(figure, title, said)
    return figure
