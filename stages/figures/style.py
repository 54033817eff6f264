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
STYLES = ["-", "--", ":", "-."]
GRADIENT = matplotlib.colormaps["viridis"]
WIDTHS = [1, 5, 10, 25, 50, 75, 100, 1000]  # evenly spaced along the gradient
WIDTH = 6.4  # inches, of every figure: with 130 dots an inch as wide as a README's text
HEIGHT = 2.4  # inches, of a panel
GAP = 0.06  # inches, above and below a title
TITLE, SMALL = 10.0, 8.0  # points


def width_colour(width: int) -> str:
    """The colour (#rrggbb) of a width in every figure and chart, whatever other widths it stands beside."""
    return to_hex(GRADIENT(0.93 * np.interp(np.log(width), np.log(WIDTHS), np.linspace(0, 1, len(WIDTHS)))))


def shades(values: Iterable[Any]) -> dict[Any, str]:
    """One colour (#rrggbb) a value, dark to light, readable with any colour vision."""
    ascending = sorted(values)
    return {value: to_hex(GRADIENT(0.9 * i / max(1, len(ascending) - 1))) for i, value in enumerate(ascending)}


def lines(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """A colour and a style of line a name, never the same twice: the colours in turn, then dashed, then dotted."""
    return {
        name: {"color": OKABE_ITO[i % len(OKABE_ITO)], "linestyle": STYLES[i // len(OKABE_ITO) % len(STYLES)]}
        for i, name in enumerate(names)
    }


def panels(count: int, height: float = HEIGHT) -> tuple[Figure, list[Axes]]:
    """A figure of so many panels of that height in inches, two beside each other; one alone is as wide as the figure.

    The place that an odd number of panels leaves is an invisible panel, for the legend.
    """
    columns = min(count, 2)
    lines = -(-count // columns)
    figure = Figure(figsize=(WIDTH, lines * height))
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


def _height(figure: Figure, artist: Any) -> float:
    """Of a text or a legend, in inches."""
    return float(artist.get_window_extent().height) / figure.dpi


def heighten(figure: Figure, inches: float) -> None:
    """Room for a legend: the panels keep their height."""
    figure.set_figheight(figure.get_figheight() + inches)


def add_title(figure: Figure, title: str, caption: str = "") -> None:
    """Above all panels and after the legend: the title, and in smaller letters the caption; as high as they take."""
    below = figure.get_figheight()
    middle, widest = 0.5, WIDTH - 0.4
    head = figure.suptitle(wrapped(title, widest, TITLE), fontsize=TITLE, y=1)
    texts = [head]
    if caption:
        small = wrapped(caption, widest, SMALL)
        texts.append(figure.text(middle, 1, small, fontsize=SMALL, color="0.3", ha="center", va="top"))
    heights = [_height(figure, text) for text in texts]
    whole = below + sum(heights) + GAP * (len(texts) + 1)
    figure.set_figheight(whole)
    top = whole - GAP
    for text, height in zip(texts, heights, strict=True):
        text.set_y(top / whole)
        top -= height + GAP
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, below / whole))


def add_panel_title(ax: Axes, text: str) -> None:
    """Above one panel, in small letters and without reaching into its neighbour."""
    ax.set_title(wrapped(text, column_width(ax) - 0.55, SMALL), fontsize=SMALL)


def column_width(ax: Axes) -> float:
    """In inches, of the part of the figure that a panel has, its labels with it."""
    place = ax.get_subplotspec()
    assert place is not None
    return WIDTH / place.get_gridspec().ncols


def add_legend(figure: Figure, title: str | None = None) -> None:
    """One legend for everything that is labelled in the panels: in the place without a panel if there is one in which
    it fits, and else below all panels in as many columns as fit."""
    entries: dict[str, Any] = {}
    for ax in figure.axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    if not entries:
        return
    for place in (ax for ax in figure.axes if not ax.axison):
        labels = [wrapped(label, column_width(place) - 1.2, SMALL) for label in entries]
        legend = place.legend(entries.values(), labels, title=title, loc="center", fontsize=SMALL)
        if _height(figure, legend) < HEIGHT - 0.5:
            return
        legend.remove()
    labels = [wrapped(label, WIDTH - 0.8, SMALL) for label in entries]
    widest = max(_inches(line, SMALL) for label in labels for line in label.split("\n"))
    most = max(1, int((WIDTH - 0.1) / (widest + 0.65)))  # inches: the line and the gap beside a label
    columns = -(-len(labels) // -(-len(labels) // most))  # as few as take no line more
    legend = figure.legend(
        entries.values(), labels, title=title, loc="outside lower center", ncols=columns, fontsize=SMALL
    )
    heighten(figure, _height(figure, legend))


def add_legends_above(figure: Figure, axes: list[Axes], titles: list[str]) -> None:
    """A legend above every panel, in small letters under its title; each row of panels gets the room that it needs."""
    rows: dict[int, float] = {}
    for ax, title in zip(axes, titles, strict=True):
        handles, labels = ax.get_legend_handles_labels()
        room = column_width(ax) - 1.0
        legend = ax.legend(
            handles,
            [wrapped(label, room, SMALL) for label in labels],
            title=wrapped(title, room + 0.3, SMALL),
            loc="lower left",
            bbox_to_anchor=(0, 1),
            alignment="left",
            fontsize=SMALL,
            title_fontsize=SMALL,
            borderaxespad=0.2,
            labelspacing=0.25,
            handlelength=1.6,
        )
        place = ax.get_subplotspec()
        assert place is not None
        row = place.rowspan.start
        rows[row] = max(rows.get(row, 0.0), _height(figure, legend))
    heighten(figure, sum(rows.values()))


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
    decades = float(np.log10(largest / smallest))
    ax.set_xscale("symlog", linthresh=smallest, linscale=max(1.0, 0.1 * decades))  # room for the label of 0
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
    narrow = 0.5 * WIDTH / column_width(ax)  # half as narrow where the panel is as wide as the figure
    shown = ascending[:1]
    for value in ascending[1:]:
        if np.log(value / shown[-1]) >= max(0.11, 0.04 * len(axis_value(value))) * whole * narrow:
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
