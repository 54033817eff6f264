"""Where the words of a figure lie."""

from itertools import combinations
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOUCH = 1.0  # pixel by which boxes may meet


def boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every visible text of a figure as it is saved with its box in pixels; a legend and its texts are one box."""
    figure.draw_without_rendering()
    legends = figure.findobj(Legend)
    artists = [*legends, *(text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible())]
    left_out = {id(text) for legend in legends for text in legend.findobj(Text)} | out_of_view(figure)
    found = []
    for artist in artists:
        if id(artist) not in left_out:
            name = artist.get_text() if isinstance(artist, Text) else "legend"
            found.append((name, artist.get_window_extent()))
    return found


def out_of_view(figure: Figure) -> set[int]:
    """The tick labels that are not drawn, which matplotlib keeps all the same."""
    hidden = set()
    for ax in figure.findobj(Axes):
        axis: Any
        for axis in (ax.xaxis, ax.yaxis):
            drawn = {id(tick) for tick in axis._update_ticks()} if ax.axison else set()
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            hidden |= {id(label) for tick in ticks if id(tick) not in drawn for label in (tick.label1, tick.label2)}
            if not ax.axison:
                hidden |= {id(axis.label), id(axis.offsetText)}
    return hidden


def faults(figure: Figure) -> list[str]:
    """Words outside the canvas, and words on other words."""
    found = boxes(figure)
    canvas = figure.bbox
    outside = [
        f"{name!r} leaves the canvas"
        for name, box in found
        if box.x0 < canvas.x0 or box.y0 < canvas.y0 or box.x1 > canvas.x1 or box.y1 > canvas.y1
    ]
    on_another = []
    for (name, box), (other, under) in combinations(found, 2):
        width = min(box.x1, under.x1) - max(box.x0, under.x0)
        height = min(box.y1, under.y1) - max(box.y0, under.y0)
        if width > TOUCH and height > TOUCH:
            on_another.append(f"{name!r} lies on {other!r}")
    return outside + on_another
