"""How every figure looks: style, colours, the alpha axis, panels; and its files."""

import io
import os
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from PIL import Image

from stages.base import files

matplotlib.use("Agg")

# from the start, whatever a user's matplotlibrc says
STYLE: list[str | Path] = ["default", Path(__file__).with_suffix(".mplstyle")]
OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]  # told apart with any colour vision
GRADIENT = matplotlib.colormaps["viridis"]
WIDTHS = [1, 5, 10, 25, 50, 75, 100, 1000]  # evenly spaced along the gradient


def width_colour(width: int) -> str:
    """The colour (#rrggbb) of a width in every figure and chart, whatever other widths it stands beside."""
    return to_hex(GRADIENT(0.93 * np.interp(np.log(width), np.log(WIDTHS), np.linspace(0, 1, len(WIDTHS)))))


def shades(values: list[float]) -> dict[Any, tuple[float, float, float, float]]:
    """One colour a value, dark to light, readable with any colour vision."""
    return {value: GRADIENT(0.9 * i / max(1, len(values) - 1)) for i, value in enumerate(sorted(values))}


def alpha_axis(ax: Axes, alphas: pd.Series) -> None:
    """Logarithmic in alpha, and linear between 0 and the smallest alpha above it, so that 0 has its true place."""
    smallest = alphas[alphas > 0].min() if (alphas > 0).any() else 1.0
    ax.set_xscale("symlog", linthresh=smallest)
    ax.set_xlim(-0.2 * smallest, 1.3 * max(alphas.max(), smallest))
    lowest, highest = np.ceil(np.log10(smallest)), np.floor(np.log10(max(alphas.max(), smallest)))
    powers = [10.0**k for k in range(int(lowest), int(highest) + 1)]
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


def with_band(ax: Axes, x: pd.Series, mean: pd.Series, sd: pd.Series, label: str, **style: Any) -> None:
    """A line in %, with a band of one standard deviation; no band where there is but one seed."""
    line = ax.plot(x, 100 * mean, label=label, **style)[0]
    low, high = (100 * (mean + side * sd.fillna(0)) for side in (-1, 1))
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.25, linewidth=0)


def accuracy_line(ax: Axes, cells: pd.DataFrame, column: str, label: str, **style: Any) -> None:
    """Mean accuracy over alpha from the errors in that column."""
    cells = cells.sort_values("alpha")
    with_band(ax, cells.alpha, 1 - cells[column], cells[f"{column}_sd"], label, **style)


def error_over_width(ax: Axes, cells: pd.DataFrame, column: str, label: str, **style: Any) -> None:
    """Mean error of one alpha's cells over width."""
    cells = cells.sort_values("width")
    with_band(ax, cells.width, cells[column], cells[f"{column}_sd"], label, **style)


def width_axis(ax: Axes, widths: pd.Series) -> None:
    every = sorted(set(widths))
    ax.set(xscale="log", xlabel="width (hidden units)", ylabel="error, %", ylim=(0, None))
    ax.set_xticks(every, [str(w) for w in every], rotation=60 if len(every) > 8 else 0)
    ax.set_xticks([], minor=True)


def to_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as png (in 256 colours, for git's sake), svg or pdf, the same bytes every time."""
    content = io.BytesIO()
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    figure.savefig(content, format=kind, metadata=undated)
    if kind != "png":
        return content.getvalue()
    small = io.BytesIO()
    Image.open(content).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def save(path: str | Path, figure: Figure) -> None:
    """Write the PNG, and beside it the vector file that SDD_VECTOR (svg or pdf) asks for."""
    vector = os.environ.get("SDD_VECTOR")
    if vector not in (None, "", "svg", "pdf"):
        raise files.UserError(f"SDD_VECTOR={vector}: must be svg or pdf")
    for kind in ("png", vector) if vector else ("png",):
        files.write(Path(path).with_suffix(f".{kind}"), to_bytes(figure, kind))
    plt.close(figure)
