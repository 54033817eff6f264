"""The test accuracy of several experiments over alpha, side by side: `python -m stages.compare FOLDER... --out PNG`."""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from stages import files
from stages.console import run
from stages.core.tables import cell_means
from stages.figures import OKABE_ITO, STYLE, accuracy_line, alpha_axis, panels, to_png


def side_by_side(experiments: dict[str, pd.DataFrame]) -> Figure:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+", help="with a cells.csv each")
    args = parser.parse_args()
    plt.rcParams.update(STYLE)
    names = {folder: "paper" if folder == "metrics" else Path(folder).name for folder in args.folders}
    figure = side_by_side({name: pd.read_csv(Path(folder) / "cells.csv") for folder, name in names.items()})
    files.write(args.out, to_png(figure))


if __name__ == "__main__":
    run(main)
