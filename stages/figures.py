"""How every figure looks: style, colours, the alpha axis, panels; and a figure's bytes."""

import io
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("Agg")

STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "legend.frameon": False,
    "savefig.dpi": 130,
    "figure.constrained_layout.use": True,
}
OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]
GRADIENT = matplotlib.colormaps["viridis"]


def shades(values: list[float]) -> dict[Any, tuple[float, float, float, float]]:
    """One colour a value, dark to light, readable with any colour vision."""
    return {value: GRADIENT(0.9 * i / max(1, len(values) - 1)) for i, value in enumerate(sorted(values))}


def alpha_axis(ax: Axes, alphas: pd.Series) -> None:
    """Logarithmic in alpha, and linear between 0 and the smallest alpha above it, so that 0 has its true place."""
    smallest = alphas[alphas > 0].min() if (alphas > 0).any() else 1.0
    ax.set_xscale("symlog", linthresh=smallest)
    ax.set_xlim(-0.2 * smallest, 1.3 * max(alphas.max(), smallest))
    powers = [10.0**k for k in range(int(np.ceil(np.log10(smallest))), int(np.log10(max(alphas.max(), smallest))) + 1)]
    if len(powers) > 5:
        powers = powers[:: 2 if len(powers) < 11 else 3]
    ax.set_xticks([0, *powers], ["0", *(f"$10^{{{round(np.log10(p))}}}$" for p in powers)])
    ax.set_xticks([], minor=True)
    if (alphas > 0).any():
        ax.axvline(smallest, color="0.8", linewidth=0.8, linestyle=":")
    ax.set_xlabel("penalty strength alpha")


def panels(count: int, columns: int = 3, size: tuple[float, float] = (3.6, 2.7)) -> tuple[Figure, list[Axes]]:
    lines = -(-count // columns)
    columns = min(columns, count)
    figure, grid = plt.subplots(lines, columns, figsize=(columns * size[0], lines * size[1]), squeeze=False)
    axes = list(grid.flat)
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]


def accuracy_line(ax: Axes, cells: pd.DataFrame, column: str, label: str, **style: Any) -> None:
    """Mean accuracy over alpha from the errors in that column, with a band of one standard deviation."""
    cells = cells.sort_values("alpha")
    accuracy, spread = 100 * (1 - cells[column]), 100 * cells[f"{column}_sd"].fillna(0)
    line = ax.plot(cells.alpha, accuracy, label=label, **style)[0]
    ax.fill_between(cells.alpha, accuracy - spread, accuracy + spread, color=line.get_color(), alpha=0.25, linewidth=0)


def error_over_width(ax: Axes, cells: pd.DataFrame, column: str, label: str, **style: Any) -> None:
    """Mean error of one alpha's cells over width, with a band of one standard deviation."""
    cells = cells.sort_values("width")
    error, spread = 100 * cells[column], 100 * cells[f"{column}_sd"].fillna(0)
    line = ax.plot(cells.width, error, label=label, **style)[0]
    ax.fill_between(cells.width, error - spread, error + spread, color=line.get_color(), alpha=0.25, linewidth=0)


def width_axis(ax: Axes, widths: pd.Series) -> None:
    every = sorted(set(widths))
    ax.set(xscale="log", xlabel="width (hidden units)", ylabel="error, %", ylim=(0, None))
    ax.set_xticks(every, [str(w) for w in every], rotation=60 if len(every) > 8 else 0)
    ax.set_xticks([], minor=True)


def to_png(figure: Figure) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png", metadata={"Software": None})
    plt.close(figure)
    return png.getvalue()
