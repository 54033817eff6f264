"""The figure of the pruning study."""

import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import OKABE_ITO, add_legend, add_panel_title, add_title, panels, with_spread
from stages.statistic.findings import Verdict, answer_with_reason, d_with_interval
from stages.statistic.pruning import CELL

MOST = 4  # cells side by side


def over_weights_left(table: pd.DataFrame, verdicts: dict[str, Verdict], said: str) -> Figure:
    """Over what is left of the weights: errors, and under them wrong labels fitted and learning distance; one column a
    cell, with its verdict."""
    cells = list(table.groupby(CELL, sort=False))
    columns = min(MOST, len(cells))
    figure, axes = panels(2 * columns * -(-len(cells) // columns), columns=columns, size=(4.4, 3.0))
    for i in range(0, len(axes), 2 * columns):
        block = axes[i : i + 2 * columns]
        for top, bottom in zip(block[:columns], block[columns:], strict=True):
            if not cells:
                top.set_axis_off()
                bottom.set_axis_off()
                continue
            name, cell = cells.pop(0)
            groups = cell.assign(left=100 * (1 - cell.sparsity)).groupby("left")
            mean, sd = groups.mean(numeric_only=True), groups.std(numeric_only=True)
            twin = bottom.twinx()
            for ax, column, label, scale, colour in (
                (top, "test_error", "test error", 100, OKABE_ITO[0]),
                (top, "train_error", "training error, wrong labels included", 100, OKABE_ITO[1]),
                (bottom, "noise_fitted", "wrong labels fitted", 100, OKABE_ITO[2]),
                (twin, "learning_distance", "learning distance (right)", 1, OKABE_ITO[3]),
            ):
                with_spread(
                    ax, mean.index, mean[column], sd[column], label, scale, color=colour, marker="o", markersize=3
                )
            verdict = verdicts["_".join(map(str, name))]
            height = f"D = {d_with_interval(verdict)} points"
            add_panel_title(
                top, f"{', '.join(map(str, name))}: {height}\ndouble descent? {answer_with_reason(verdict)}"
            )
            top.set(ylabel="error, %", ylim=(0, 100))
            bottom.set(ylabel="wrong labels fitted, %", ylim=(0, 105), xlabel="weights left, %")
            twin.set(ylabel="learning distance", ylim=(0, None))
            twin.grid(visible=False)
            for ax in (top, bottom):
                ax.set_xscale("log")
                ax.invert_xaxis()
    add_legend(figure)
    add_title(figure, "Pruning and retraining, mean and standard deviation over seeds", said)
    return figure
