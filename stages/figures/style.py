"""How every figure looks: style, colours, panels, title and legend, axes; and its files."""

import io
import os
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from PIL import Image

from stages.base import files
from stages.statistic.tables import axis_value

# from the start, whatever a user's matplotlibrc says
style.use(["default", Path(__file__).with_name("style.mplstyle")])
OKABE_ITO = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"]  # told apart with any colour vision
GRADIENT = matplotlib.colormaps["viridis"]
WIDTHS = [1, 5, 10, 25, 50, 75, 100, 1000]  # evenly spaced along the gradient
NARROWEST = 5.4  # inches, of a figure
TITLE, TEXT, SMALL = 10.8, 9.0, 8.0  # points


def width_colour(width: int) -> str:
    """The colour (#rrggbb) of a width in every figure and chart, whatever other widths it stands beside."""
    return to_hex(GRADIENT(0.93 * np.interp(np.log(width), np.log(WIDTHS), np.linspace(0, 1, len(WIDTHS)))))


def shades(values: Iterable[Any]) -> dict[Any, str]:
    """One colour (#rrggbb) a value, dark to light, readable with any colour vision."""
    ascending = sorted(values)
    return {value: to_hex(GRADIENT(0.9 * i / max(1, len(ascending) - 1))) for i, value in enumerate(ascending)}


def colours(names: Iterable[str]) -> dict[str, str]:
    """One colour (#rrggbb) a name, never the same twice."""
    names = list(names)
    if len(names) <= len(OKABE_ITO):
        return dict(zip(names, OKABE_ITO, strict=False))
    return dict(zip(names, shades(range(len(names))).values(), strict=True))


def columns_of(count: int) -> int:
    """In how many columns so many panels stand, so that few places are empty."""
    return 2 if count == 4 else min(count, 3 if count <= 9 else 4)


def panels(count: int, columns: int | None = None, size: tuple[float, float] = (3.6, 2.7)) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels of that size in inches, or wider if they are few."""
    columns = columns or columns_of(count)
    lines = -(-count // columns)
    figure = Figure(figsize=(max(NARROWEST, columns * size[0]), lines * size[1]))
    FigureCanvasAgg(figure)  # on which text can be measured
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for ax in axes[count:]:
        ax.set_axis_off()
    return figure, axes[:count]


def wrapped(text: str, inches: float, points: float) -> str:
    """The text with line breaks, so that no line of it is wider at that font size."""
    lines = []
    for line in text.split("\n"):
        most = len(line) + 1
        parts = [line]
        while (widest := max(_inches(part, points) for part in parts)) > inches and most > 1:
            most = max(1, min(most - 1, int(most * inches / widest)))
            parts = textwrap.wrap(line, most, break_on_hyphens=False)
        lines += parts
    return "\n".join(lines)


def _inches(text: str, points: float) -> float:
    renderer: Any = RendererAgg(1, 1, 72)  # type: ignore[no-untyped-call]
    return float(renderer.get_text_width_height_descent(text, FontProperties(size=points), ismath=False)[0] / 72)


def _make_room(figure: Figure, artist: Any) -> None:
    """Heighten the figure by that of a title or a legend, so that its panels keep theirs."""
    figure.set_figheight(figure.get_figheight() + artist.get_window_extent().height / figure.dpi)


def add_title(figure: Figure, title: str, caption: str = "") -> None:
    """Above all panels, as wide as the figure and as high as it takes."""
    text = f"{title}\n{caption}" if caption else title
    _make_room(figure, figure.suptitle(wrapped(text, figure.get_figwidth() - 0.4, TITLE), fontsize=TITLE))


def add_panel_title(ax: Axes, text: str) -> None:
    """Above one panel, in small letters and without reaching into its neighbour."""
    figure, place = ax.get_figure(root=True), ax.get_subplotspec()
    assert figure is not None
    assert place is not None
    width = figure.get_figwidth() / place.get_gridspec().ncols
    ax.set_title(wrapped(text, width - 0.7, SMALL), fontsize=SMALL)


def add_legend(figure: Figure, title: str | None = None, axes: Iterable[Axes] | None = None) -> None:
    """One legend for everything that is labelled in these panels (default: all), below them and in as many columns as
    fit."""
    entries: dict[str, Any] = {}
    for ax in axes or figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    labels = [wrapped(label, figure.get_figwidth() - 0.8, TEXT) for label in entries]
    widest = max(_inches(line, TEXT) for label in labels for line in label.split("\n"))
    most = max(1, int((figure.get_figwidth() - 0.1) / (widest + 0.65)))  # inches: the line and the gap beside a label
    columns = -(-len(labels) // -(-len(labels) // most))  # as few as take no line more
    _make_room(figure, figure.legend(entries.values(), labels, title=title, loc="outside lower center", ncols=columns))


def band(ax: Axes, x: Any, middle: Any, low: Any, high: Any, label: str | None = None, **line: Any) -> None:
    """A line inside a band of its colour."""
    drawn = ax.plot(x, middle, label=label, **line)[0]
    ax.fill_between(x, low, high, color=drawn.get_color(), alpha=0.25, linewidth=0)


def with_spread(
    ax: Axes, x: Any, mean: pd.Series, sd: pd.Series, label: str | None = None, scale: float = 100, **line: Any
) -> None:
    """A mean in a band of one standard deviation, by default in %; no band where there is but one seed."""
    sd = sd.fillna(0)
    band(ax, x, scale * mean, scale * (mean - sd), scale * (mean + sd), label, **line)


def over(
    ax: Axes, axis: str, cells: pd.DataFrame, column: str, label: str, accuracy: bool = False, **line: Any
) -> None:
    """Cells' mean error in that column of the table of `cell_means`, or 1 minus it, in %, over alpha or width."""
    cells = cells.sort_values(axis)
    mean = 1 - cells[column] if accuracy else cells[column]
    with_spread(ax, cells[axis], mean, cells[f"{column}_sd"], label, marker="o", **line)


def alpha_axis(ax: Axes, alphas: pd.Series) -> None:
    """Logarithmic in alpha, and linear between 0 and the smallest alpha above it, so that 0 has its true place."""
    positive = alphas[alphas > 0]
    smallest = float(positive.min()) if len(positive) else 1.0
    largest = max(float(alphas.max()), smallest)
    ax.set_xscale("symlog", linthresh=smallest)
    ax.set_xlim(-0.2 * smallest, 1.3 * largest)
    powers = range(int(np.ceil(np.log10(smallest))), int(np.floor(np.log10(largest))) + 1)
    shown = powers[:: max(1, -(-len(powers) // 5))]
    ticks = {0.0: "0"}
    if len(positive):
        ticks |= {10.0**power: f"$10^{{{power}}}$" for power in shown} or {smallest: axis_value(smallest)}
    ax.set_xticks([*ticks], [*ticks.values()])
    ax.set_xticks([], minor=True)
    if len(positive):
        ax.axvline(smallest, color="0.8", linewidth=0.8, linestyle=":")
    ax.set_xlabel("penalty strength alpha")


def log_axis(ax: Axes, values: Iterable[float]) -> None:
    """A logarithmic x axis that is labelled at these values, except where a label would touch the one before."""
    ascending = sorted(set(values))
    if len(ascending) == 1:
        ax.set_xlim(ascending[0] / 2, ascending[0] * 2)
    whole = np.log(ascending[-1] / ascending[0])
    shown = ascending[:1]
    for value in ascending[1:]:
        if np.log(value / shown[-1]) >= max(0.085, 0.027 * len(axis_value(value))) * whole:
            shown.append(value)
    ax.set_xscale("log")
    ax.set_xticks(shown, [axis_value(value) for value in shown])
    ax.set_xticks([], minor=True)


def width_axis(ax: Axes, widths: Iterable[int]) -> None:
    log_axis(ax, widths)
    ax.set(xlabel="width (hidden units)", ylabel="error, %", ylim=(0, None))


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
