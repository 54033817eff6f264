"""The figure of refitted last layers."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import STYLES, add_legend, add_panel_title, add_title, lines, panels, with_spread
from stages.statistic.heads import HEADS

STYLE_NAMES = {"-": "solid", "--": "dashed", ":": "dotted", "-.": "dash-dotted"}


def at_work(rows: pd.DataFrame, head: str) -> pd.Series:
    """Effective parameters for ridge, for the others the share of weights that are not zero in %."""
    return rows.p_eff_train if head == "ridge" else 100 * rows.nonzeros


def over_strength(table: pd.DataFrame, chosen: pd.DataFrame, said: str, guessing: float) -> Figure:
    """Two panels a head, over the penalty's strength at each kind's largest dimension: test error, up to that of
    guessing, and how much is at work. In the last row both over the dimension at the best strength: the error with
    every head, and the effective parameters of ridge."""
    figure, axes = panels(2 * len(HEADS) + 2, height=2.0)
    error_over, work_over = axes[-2:]
    styles = lines(table.features.unique())
    for head, dashes, error, work in zip(HEADS, STYLES, axes[::2], axes[1::2], strict=False):
        for kind, style in styles.items():
            rows = table[(table["head"] == head) & (table.features == kind)]
            best_rows = chosen[(chosen["head"] == head) & (chosen.features == kind)].sort_values("dimension")
            line: Any = {**style, "marker": "o", "markersize": 3}
            largest = rows[rows.dimension == rows.dimension.max()].groupby("strength")
            means, sd = largest.mean(numeric_only=True), largest.test_error.std()
            with_spread(error, means.index, means.test_error, sd, f"{kind} ({rows.dimension.max()})", **line)
            work.plot(means.index, at_work(means, head), **line)
            error_over.plot(best_rows.dimension, 100 * best_rows.test_error, **{**line, "linestyle": dashes})
            if head == "ridge":
                work.plot(means.index, means.p_eff_test, color=style["color"], linestyle=":")
                work_over.plot(best_rows.dimension, at_work(best_rows, head), **line)
        add_panel_title(error, f"{head}: error")
        error.set(ylim=(0, 100 * guessing), ylabel="test error, %")
        if head == "ridge":
            add_panel_title(work, "ridge: effective parameters (dotted: at test images)")
            work.set(ylabel="number", yscale="log")
        else:
            add_panel_title(work, f"{head}: weights that are not zero")
            work.set(ylabel="%", ylim=(0, 105))
        for ax in (error, work):
            ax.set(xscale="log", xlabel="strength of the penalty")
    said_of_heads = ", ".join(f"{head} {STYLE_NAMES[style]}" for head, style in zip(HEADS, STYLES, strict=False))
    add_panel_title(error_over, f"at the best strength: error ({said_of_heads})")
    add_panel_title(work_over, "at the best strength: effective parameters of ridge")
    error_over.set(xscale="log", ylim=(0, 100 * guessing), ylabel="test error, %", xlabel="dimension")
    work_over.set(xscale="log", yscale="log", ylabel="number", xlabel="dimension")
    add_legend(figure)
    title = "Last layers refitted on different features (of that dimension)"
    add_title(figure, title, f"mean and standard deviation over {said}")
    return figure
