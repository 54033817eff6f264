"""Stage `plot`: the tables as figures, PNG for people and JSON for `dvc plots`."""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.base import files
from stages.base.console import run
from stages.base.params import Params
from stages.figures.style import (
    OKABE_ITO,
    STYLE,
    accuracy_line,
    alpha_axis,
    error_over_width,
    panels,
    save,
    shades,
    width_axis,
    width_colour,
)
from stages.statistic.findings import answer, by_width, d_with_interval
from stages.statistic.tables import cell_means, to_records


def how(cells: pd.DataFrame, params: Params) -> str:
    """For a caption: what the cells were trained on, and how."""
    train, noise = params.train, params.data.label_noise
    wrong = f"{100 * noise:g} % label noise, " * (noise > 0)
    made = f"penalty {train.penalty}, {train.solver}, {train.epochs} epochs, {cells.seed.nunique()} seeds"
    return f"{cells.dataset.iloc[0]}, {wrong}{made}"


def table1(means: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any], caption: str) -> Figure:
    """The six panels of the paper's Table 1, test accuracy over alpha, with the verdict of each width."""
    widths = sorted(means.width.unique())
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        ours, colour = means[means.width == width], width_colour(width)
        accuracy_line(ax, ours, "test_error", "mean and standard deviation over seeds", color=colour, marker="o")
        theirs = paper[paper.width == width]
        if len(theirs):
            ax.plot(theirs.alpha, theirs.paper_accuracy, "x", color="crimson", label="paper (one run)", zorder=3)
        found = verdict.get(f"width_{width}", {})
        ax.set_title(f"width {width}")
        ax.set(ylabel="test accuracy, %", ylim=(0, 100))
        if "D" in found:
            text = f"width {width}: D = {d_with_interval(found, 0)} points\ndouble descent? {answer(found)}"
            ax.set_title(text, fontsize=8)
        alpha_axis(ax, means.alpha)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(f"Test accuracy over penalty strength\n{caption}")
    return figure


def by_parity(means: pd.DataFrame, epochs: int, caption: str) -> Figure:
    """Test accuracy at the last odd and at the last even epoch: a state that flips every epoch shows both."""
    widths = sorted(means.width.unique())
    figure, axes = panels(len(widths))
    last = {"odd": epochs - 1 + epochs % 2, "even": epochs - epochs % 2}
    for ax, width in zip(axes, widths, strict=True):
        for parity, colour in (("odd", OKABE_ITO[1]), ("even", OKABE_ITO[0])):
            column = f"test_error_{parity}"
            accuracy_line(ax, means[means.width == width], column, f"epoch {last[parity]}", color=colour, marker="o")
        ax.set(title=f"width {width}", ylabel="test accuracy, %", ylim=(0, 100))
        alpha_axis(ax, means.alpha)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.suptitle(f"Test accuracy at the last odd and the last even epoch\n{caption}")
    return figure


def over_width(means: pd.DataFrame, verdict: dict[str, Any], caption: str) -> Figure:
    """Test and training error over width at the smallest alpha; a line where the training set begins to be fitted."""
    alpha = means.alpha.min()
    cells = means[means.alpha == alpha]
    figure, ax = plt.subplots(figsize=(5.4, 3.6))
    error_over_width(ax, cells, "test_error", "test error", color=OKABE_ITO[0], marker="o")
    error_over_width(ax, cells, "train_error", "training error", color=OKABE_ITO[1], marker="o")
    if "threshold" in verdict:
        ax.axvline(verdict["threshold"], color="0.4", linestyle="--", label="first width that fits its training set")
    width_axis(ax, cells.width)
    ax.legend()
    height = f"; D over width = {d_with_interval(verdict)} points" * ("D" in verdict)
    figure.suptitle(f"Error over width at alpha {alpha:g}, mean and spread over seeds{height}\n{caption}", fontsize=8)
    return figure


def over_sparsity(means: pd.DataFrame, caption: str) -> Figure:
    """Test error against three measured sparsities, one point a cell."""
    measures = {
        "zero_fraction": "weights exactly zero, %",
        "gini": "Gini index of |w|, %",
        "prunable_fraction": "weights prunable at no cost\n(training error +0.5 points), %",
    }
    figure, axes = panels(len(measures), size=(3.6, 3.2))
    for ax, (column, label) in zip(axes, measures.items(), strict=True):
        for width, cells in means.groupby("width"):
            x, y = (100 * cells[c] for c in (column, "test_error"))
            sx, sy = (100 * cells[f"{c}_sd"] for c in (column, "test_error"))
            colour = width_colour(int(str(width)))
            ax.errorbar(x, y, xerr=sx, yerr=sy, fmt="o", color=colour, elinewidth=0.7, label=width)
        ax.set(xlabel=label, ylabel="test error, %", xlim=(-3, 103), ylim=(0, 100))
    figure.legend(*axes[0].get_legend_handles_labels(), title="width", loc="outside right upper")
    figure.suptitle(f"Test error against measured sparsity, mean and standard deviation of every cell\n{caption}")
    return figure


def heat_map(means: pd.DataFrame, caption: str) -> Figure:
    """Mean test error over width and alpha."""
    table = 100 * means.pivot(index="width", columns="alpha", values="test_error").sort_index(ascending=False)
    figure, ax = plt.subplots(figsize=(2.2 + 0.55 * table.shape[1], 1.6 + 0.4 * table.shape[0]))
    image = ax.imshow(table, cmap="viridis_r", vmin=0, vmax=100, aspect="auto")
    for (row, column), error in np.ndenumerate(table.to_numpy()):
        ax.text(
            column, row, f"{error:.1f}", ha="center", va="center", color="white" if error > 50 else "black", fontsize=7
        )
    ax.grid(visible=False)
    ax.set_xticks(range(table.shape[1]), [f"{a:g}" for a in table.columns])
    ax.set_yticks(range(table.shape[0]), [f"{w}" for w in table.index])
    ax.set(xlabel="penalty strength alpha", ylabel="width")
    figure.colorbar(image, label="mean test error, %")
    figure.suptitle(f"Mean test error by width and alpha\n{caption}")
    return figure


def over_epochs(curves: pd.DataFrame, caption: str) -> Figure:
    """Mean test error (solid) and training error (dotted) over epochs, one panel a width, one colour an alpha."""
    widths = sorted(curves.width.unique())
    colours = shades(list(curves.alpha.unique()))
    figure, axes = panels(len(widths))
    for ax, width in zip(axes, widths, strict=True):
        for alpha, cell in curves[curves.width == width].groupby("alpha"):
            ax.plot(cell.epoch, 100 * cell.test_error, color=colours[alpha], label=f"{alpha:g}", linewidth=1.2)
            ax.plot(cell.epoch, 100 * cell.train_error, color=colours[alpha], linewidth=0.8, linestyle=":")
        ax.set(title=f"width {width}", xlabel="epoch", ylabel="error, %", ylim=(0, 100))
    figure.legend(*axes[0].get_legend_handles_labels(), title="alpha", loc="outside right upper")
    figure.suptitle(f"Test error (solid) and training error (dotted) during training, mean over seeds\n{caption}")
    return figure


def points(means: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: from `cell_means`, a row a cell, errors and shares in % with bands of one standard deviation.

    Where every seed diverged, a share is nan. Where there is one seed, a band has no height.
    """
    found = means[["width", "alpha"]].assign(colour=means.width.map(width_colour))
    for name in ("test_error", "zero_fraction", "prunable_fraction"):
        value, spread = 100 * means[name], 100 * means[f"{name}_sd"].fillna(0)
        found = found.assign(**{name: value, f"{name}_low": value - spread, f"{name}_high": value + spread})
    return found


def histories(curves: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: the training curves (`curves.csv`), a row per cell and evaluated epoch, with errors in %."""
    errors = {name: 100 * curves[name] for name in ("test_error", "train_error")}
    return curves[["width", "alpha", "epoch", "train_loss"]].assign(**errors)


def heights(verdict: dict[str, Any]) -> pd.DataFrame:
    """For `dvc plots`: from the verdicts of one data set, a row a width, with D, its interval in points and the answer.

    A width without a D has no row. Where no width has one, as with fewer than four seeds, the table is empty.
    """
    rows = [
        {"width": width, "colour": width_colour(width), "interval": d_with_interval(v), "answer": answer(v)}
        | {"double_descent": answer(v).split(":")[0], **{name: 100 * v[name] for name in ("D", "D_low", "D_high")}}
        for width, v in by_width(verdict).items()
        if "D" in v
    ]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    params = files.read_params()
    cells, curves, paper = (files.read_table(Path(args.metrics) / f"{n}.csv") for n in ("cells", "curves", "paper"))
    name = cells.dataset.iloc[0]
    caption = how(cells, params)
    means = cell_means(cells)
    verdict = files.read_verdict(Path(args.metrics) / "verdict.json", name)

    plt.style.use(STYLE)
    figures = {
        "table1": table1(means, paper, verdict, caption),
        "by_parity": by_parity(means, params.train.epochs, caption),
        "over_width": over_width(means, verdict.get("over_width", {}), caption),
        "over_sparsity": over_sparsity(means, caption),
        "heat_map": heat_map(means, caption),
        "over_epochs": over_epochs(curves, caption),
    }
    out = Path(args.out)
    for stem, figure in figures.items():
        save(out / f"{stem}.png", figure)
    charts = {"cells": points(means), "curves": histories(curves), "verdict": heights(verdict)}
    for stem, table in charts.items():
        files.write(out / f"{stem}.json", to_records(table.assign(run=caption)))


if __name__ == "__main__":
    run(main)
