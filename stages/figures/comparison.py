"""Figures of several experiments side by side."""

import pandas as pd
from matplotlib.figure import Figure

from stages.figures.style import add_legend, add_title, alpha_axis, colours, over, panels, width_axis
from stages.statistic.findings import answer_over_alpha
from stages.statistic.judge import UNDECIDED
from stages.statistic.protocol import how
from stages.statistic.results import Results
from stages.statistic.tables import cell_means


def common_widths(experiments: dict[str, Results]) -> list[int]:
    """The widths that all of them have, ascending."""
    return sorted(set.intersection(*(set(results.cells.width) for results in experiments.values())))


def over_alpha(experiments: dict[str, Results]) -> Figure:
    """Mean accuracy and one standard deviation over seeds, one panel for each width that all of them have."""
    means = {name: cell_means(results.cells) for name, results in experiments.items()}
    every_alpha = pd.concat([table.alpha for table in means.values()])
    colour = colours(experiments)
    widths = common_widths(experiments)
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        for name, results in experiments.items():
            cells, answer = means[name], answer_over_alpha(results.verdict)
            label = f"{name}: double descent? {answer}; {how(results.cells, results.params)}"
            over(ax, "alpha", cells[cells.width == width], "test_error", label, accuracy=True, color=colour[name])
        ax.set(title=f"width {width}", ylabel="test accuracy, %", ylim=(0, 100))
        alpha_axis(ax, every_alpha)
    add_legend(figure)
    add_title(figure, "Test accuracy over penalty strength, mean and standard deviation over seeds")
    return figure


def over_width(experiments: dict[str, Results]) -> Figure:
    """Mean test error (solid) and training error (dotted) over width at the smallest alpha of each experiment."""
    colour = colours(experiments)
    figure, (ax,) = panels(1, size=(7.2, 3.6))
    for name, results in experiments.items():
        cells = results.cells
        means = cell_means(cells[cells.alpha == cells.alpha.min()])
        answer = results.verdict["over_width"].get("answer", UNDECIDED)
        label = f"{name}: double descent? {answer}; {how(cells, results.params)}"
        over(ax, "width", means, "test_error", label, color=colour[name])
        over(ax, "width", means, "train_error", "", color=colour[name], linestyle=":")
    width_axis(ax, pd.concat([results.cells.width for results in experiments.values()]))
    add_legend(figure)
    title = "Test error (solid) and training error (dotted) over width, mean and standard deviation over seeds"
    add_title(figure, title)
    return figure
