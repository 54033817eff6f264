"""Figures of a grid of cells, one point a width and alpha. `means` is what `cell_means` makes of the cells' rows, and
`said` is a caption's last line."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import (
    OKABE_ITO,
    SMALL,
    add_legend,
    add_panel_title,
    add_title,
    alpha_axis,
    over,
    panels,
    shades,
    width_axis,
    width_colour,
)
from stages.statistic.findings import answer_with_reason, d_with_interval
from stages.statistic.protocol import caption
from stages.statistic.results import Results
from stages.statistic.tables import axis_value, cell_means

SPARSITIES = {
    "zero_fraction": "weights exactly zero, %",
    "gini": "Gini index of |w|, %",
    "prunable_fraction": "weights prunable at no cost\n(training error +0.5 points), %",
}

VISIBLE = 0.01  # share by which a sparsity must differ between cells to be drawn
MOST_COLUMNS = 10  # of a heat map in letters of the usual size


def of_cells(results: Results) -> dict[str, Figure]:
    """Every figure that the cells' rows alone decide, by the name of its file without the suffix."""
    means, said = cell_means(results.cells), caption(results.cells, results.params)
    return {
        "table1": table1(means, results.paper, results.verdict, said),
        "settled": settled(means, results.verdict, said),
        "over_width": over_width(means, results.verdict.get("over_width", {}), said),
        "over_sparsity": over_sparsity(means, said),
        "heat_map": heat_map(means, said),
    }


def table1(means: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any], said: str) -> Figure:
    """Test accuracy over alpha, one panel a width as in the paper's Table 1, with the verdict of each width."""
    widths = sorted(means.width.unique())
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        ours, theirs = means[means.width == width], paper[paper.width == width]
        label = "mean and standard deviation over seeds"
        over(ax, "alpha", ours, "test_error", label, accuracy=True, color=width_colour(width))
        if len(theirs):
            ax.plot(theirs.alpha, theirs.paper_accuracy, "x", color="crimson", label="paper (one run)", zorder=3)
        found = verdict.get(f"width_{width}", {})
        height = f": D = {d_with_interval(found, 0)} points" if "D" in found else ""
        add_panel_title(ax, f"width {width}{height}\ndouble descent? {answer_with_reason(found)}")
        ax.set(ylabel="test accuracy, %", ylim=(0, 100))
        alpha_axis(ax, means.alpha)
    add_legend(figure)
    add_title(figure, "Test accuracy over penalty strength", said)
    return figure


READINGS = {
    "test_error": "last weights",
    "test_error_averaged": "weights averaged over the last epochs",
    "test_error_last": "mean over the ends of the last epochs",
}


def settled(means: pd.DataFrame, verdict: dict[str, Any], said: str) -> Figure:
    """Test accuracy as read and where training is settled, one panel a width: does the peak stand?"""
    widths = sorted(means.width.unique())
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        cells = means[means.width == width]
        for (column, label), colour in zip(READINGS.items(), OKABE_ITO, strict=False):
            over(ax, "alpha", cells, column, label, accuracy=True, color=colour)
        found = verdict.get(f"width_{width}", {})
        heights = f"D = {d_with_interval(found, 0)}, settled {d_with_interval(found, 0, 'D_settled')} points"
        stands = found.get("guards", {}).get("settled", "not asked")
        add_panel_title(ax, f"width {width}: stands when settled? {stands}\n{heights}")
        ax.set(ylabel="test accuracy, %", ylim=(0, 100))
        alpha_axis(ax, means.alpha)
    add_legend(figure)
    add_title(figure, "Test accuracy as read and where training is settled", said)
    return figure


def over_width(means: pd.DataFrame, verdict: dict[str, Any], said: str) -> Figure:
    """Test and training error over width at the smallest alpha; a line where the training set begins to be fitted."""
    alpha = means.alpha.min()
    cells = means[means.alpha == alpha]
    figure, (ax,) = panels(1)
    over(ax, "width", cells, "test_error", "test error", color=OKABE_ITO[0])
    over(ax, "width", cells, "train_error", "training error", color=OKABE_ITO[1])
    if "threshold" in verdict:
        ax.axvline(verdict["threshold"], color="0.4", linestyle="--", label="first width that fits its training set")
    width_axis(ax, cells.width)
    add_legend(figure)
    if "answer" in verdict:
        height = f"D over width = {d_with_interval(verdict)} points"
        add_panel_title(ax, f"double descent? {answer_with_reason(verdict)}; {height}")
    add_title(figure, f"Error over width at alpha {axis_value(alpha)}, mean and standard deviation over seeds", said)
    return figure


def over_sparsity(means: pd.DataFrame, said: str) -> Figure:
    """Test error against measured sparsities, one point a cell; none for one that is much the same in all cells."""
    differing = {
        column: label for column, label in SPARSITIES.items() if means[column].max() - means[column].min() >= VISIBLE
    }
    figure, axes = panels(max(1, len(differing)))
    for ax, (column, label) in zip(axes, differing.items(), strict=False):
        for width, cells in means.groupby("width"):
            x, y = (100 * cells[c] for c in (column, "test_error"))
            sx, sy = (100 * cells[f"{c}_sd"] for c in (column, "test_error"))
            colour = width_colour(int(str(width)))
            ax.errorbar(x, y, xerr=sx, yerr=sy, fmt="o", color=colour, elinewidth=0.7, label=str(width))
        ax.set(xlabel=label, ylabel="test error, %", xlim=(-3, 103), ylim=(0, 100))
    add_legend(figure, title="width")
    add_title(figure, "Test error against measured sparsity, mean and standard deviation of every cell", said)
    return figure


def heat_map(means: pd.DataFrame, said: str) -> Figure:
    """Mean test error over width and alpha, in rows of one alpha, as in the paper's Table 1."""
    table = 100 * means.pivot(index="alpha", columns="width", values="test_error")
    lines, columns = table.shape
    figure, (ax,) = panels(1, height=1.0 + max(1.6, 0.25 * lines))
    image = ax.imshow(table, cmap="viridis_r", vmin=0, vmax=100, aspect="auto")
    for (line, column), error in np.ndenumerate(table.to_numpy()):
        colour = "white" if error > 50 else "black"
        size = SMALL if columns <= MOST_COLUMNS else 6
        ax.text(column, line, f"{error:.1f}", ha="center", va="center", color=colour, fontsize=size)
    ax.grid(visible=False)
    ax.set_xticks(range(columns), [str(width) for width in table.columns])
    ax.set_yticks(range(lines), [axis_value(alpha) for alpha in table.index])
    ax.set(xlabel="width", ylabel="penalty strength alpha")
    figure.colorbar(image, label="mean test error, %")
    add_title(figure, "Mean test error by width and alpha", said)
    return figure


def over_epochs(curves: pd.DataFrame, said: str) -> Figure:
    """Mean test error over epochs, one panel a width, one colour an alpha."""
    widths = sorted(curves.width.unique())
    colours = shades(curves.alpha.unique())
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        for alpha, cell in curves[curves.width == width].groupby("alpha"):
            ax.plot(cell.epoch, 100 * cell.test_error, color=colours[alpha], label=axis_value(alpha), linewidth=1.2)
        add_panel_title(ax, f"width {width}")
        ax.set(xlabel="epoch", ylabel="test error, %", ylim=(0, 100))
    add_legend(figure, title="alpha")
    add_title(figure, "Test error during training, mean over seeds", said)
    return figure
