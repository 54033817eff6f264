"""The answers of all studies as rows of an HTML table, with D and its interval on one scale: a forest plot.

The plot is static SVG in percent of its column's width, so that it needs no script, and prints.
"""

import math
from collections.abc import Iterable
from html import escape
from typing import NamedTuple

from stages.statistic.judge import NO, SMALLEST, UNDECIDED, YES
from stages.statistic.overview import Line

LARGEST = 100.0  # points, at the right end of the scale
TICKS = (0, 1, 5, 20, 50)
SHAPES = {  # of an answer; centred, about ten pixels wide
    YES: "M0 -6L6 0L0 6L-6 0Z",
    NO: "M-4.5 0A4.5 4.5 0 1 0 4.5 0A4.5 4.5 0 1 0 -4.5 0Z",
    UNDECIDED: "M0 -5.5L5.5 4.5L-5.5 4.5Z",
}


class Row(NamedTuple):
    """A question with its answers."""

    name: str
    asks: str
    lines: list[Line]


class Section(NamedTuple):
    """Questions of one kind."""

    heading: str
    rows: list[Row]


def place(points: float) -> float:
    """Where so many points stand, in percent of the plot's width: at their root, so that small and large ones show."""
    return 2 + 96 * math.sqrt(min(points, LARGEST) / LARGEST)


def plot(line: Line) -> str:
    """The interval of D as a line, D as the answer's shape, and dashed the least height that counts."""
    low, middle, high = (place(100 * end) for end in line.ends)
    least = place(100 * SMALLEST)
    return (
        f'<svg class="forest {line.answer}" aria-hidden="true">'
        f'<line class="least" x1="{least:.2f}%" x2="{least:.2f}%" y1="0" y2="100%"/>'
        f'<line class="interval" x1="{low:.2f}%" x2="{high:.2f}%" y1="50%" y2="50%"/>'
        f'<svg x="{middle:.2f}%" y="50%" overflow="visible"><path d="{SHAPES[line.answer]}"/></svg></svg>'
    )


def scale() -> str:
    """The ticks above the plots."""
    ticks = "".join(f'<text x="{place(tick):.2f}%" y="11">{tick}</text>' for tick in TICKS)
    return f'<svg class="forest scale" aria-hidden="true">{ticks}</svg>'


def table(sections: Iterable[Section]) -> str:
    """A table with a heading for each section, a body for each question and a row for each of its answers."""
    bodies = []
    for heading, rows in sections:
        title = f'<th colspan="3" scope="rowgroup">{escape(heading)}</th>'
        bodies.append(f'<tbody class="section"><tr>{title}<td colspan="2">{scale()}</td></tr></tbody>')
        bodies += [body(row) for row in rows]
    head = (
        "<thead><tr><th>question</th><th>answer</th><th>where, and why</th>"
        f"<th><span>D, points</span>{scale()}</th><th>D [95 %]</th></tr></thead>"
    )
    return f'<table class="answers">{head}{"".join(bodies)}</table>'


def body(row: Row) -> str:
    link = f'<a href="#study={escape(row.name)}">{escape(row.asks)}</a>'
    cells = [
        f'<th class="question" scope="row" rowspan="{len(row.lines)}">{link} <small>{escape(row.name)}</small></th>'
    ]
    rows = []
    for line in row.lines:
        cells += [
            f'<td class="answer {line.answer}">{line.answer}</td>',
            f'<td class="where"><div>{escape(line.groups)}</div><small>{escape(line.why)}</small></td>',
            f'<td class="plot">{plot(line)}</td>',
            f'<td class="height">{escape(line.height)}</td>',
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
        cells = []
    return f'<tbody class="study">{"".join(rows)}</tbody>'
