"""Several experiments in one figure: `python -m stages.commands.compare FOLDER... --out PNG [--over width]`.

Over alpha, the default: test accuracy, one panel a width. Over width: test and training error at the smallest alpha.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages.base import files
from stages.base.console import run
from stages.figures.style import OKABE_ITO, STYLE, accuracy_line, alpha_axis, error_over_width, panels, save, width_axis
from stages.statistic.tables import cell_means


def over_alpha(experiments: dict[str, pd.DataFrame]) -> Figure:
    """Mean accuracy and one standard deviation over seeds, one panel for each width that all of them have."""
    means = {name: cell_means(cells) for name, cells in experiments.items()}
    every_alpha = pd.concat([table.alpha for table in means.values()])
    widths = sorted(set.intersection(*(set(table.width) for table in means.values())))
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        for (name, table), colour in zip(means.items(), OKABE_ITO, strict=False):
            label = f"{name} ({table.dataset.iloc[0]}, {experiments[name].seed.nunique()} seeds)"
            accuracy_line(ax, table[table.width == width], "test_error", label, color=colour, marker="o")
        ax.set(title=f"width {width}", ylabel="test accuracy, %", ylim=(0, 100))
        alpha_axis(ax, every_alpha)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(means))
    figure.suptitle("Test accuracy over penalty strength, mean and standard deviation over seeds")
    return figure


def over_width(experiments: dict[str, pd.DataFrame]) -> Figure:
    """Mean test error (solid) and training error (dotted) over width at the smallest alpha of each experiment."""
    figure, ax = plt.subplots(figsize=(7.2, 4.2))
    for (name, cells), colour in zip(experiments.items(), OKABE_ITO, strict=False):
        means = cell_means(cells[cells.alpha == cells.alpha.min()])
        label = f"{name} ({means.dataset.iloc[0]}, {cells.seed.nunique()} seeds)"
        error_over_width(ax, means, "test_error", f"{label}: test", color=colour, marker="o")
        error_over_width(ax, means, "train_error", "training", color=colour, linestyle=":", marker=".")
    width_axis(ax, pd.concat([cells.width for cells in experiments.values()]))
    figure.legend(loc="outside lower center", ncols=len(experiments))
    figure.suptitle("Test and training error over width, mean and standard deviation over seeds")
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--over", choices=("alpha", "width"), default="alpha")
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+", help="with a cells.csv each")
    args = parser.parse_args()
    plt.style.use(STYLE)
    names = {folder: "paper" if folder == "metrics" else Path(folder).name for folder in args.folders}
    experiments = {name: files.read_table(Path(folder) / "cells.csv") for folder, name in names.items()}
    save(args.out, (over_alpha if args.over == "alpha" else over_width)(experiments))


if __name__ == "__main__":
    run(main)
