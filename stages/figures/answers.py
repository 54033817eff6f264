"""The answers of all studies as one figure: D with its interval on one scale, a line a study, a forest plot."""

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from stages.figures.forest import TICKS, Section, place
from stages.figures.style import OKABE_ITO, SMALL, WIDTH, add_legend, add_title
from stages.statistic.findings import causes
from stages.statistic.judge import NO, SMALLEST, UNDECIDED, YES
from stages.statistic.overview import Line

LOOKS = {  # the marker, its size, the colour and whether it is filled
    YES: ("D", 5.0, OKABE_ITO[2], True),
    NO: ("o", 4.5, "0.35", False),
    UNDECIDED: ("^", 5.5, OKABE_ITO[1], True),
}
HALF = 60  # of the scale, in percent; beyond it a reason stands left of its peak
LINE = 0.155  # inches, of a study


def answers(sections: list[Section], title: str) -> Figure:
    """A heading for each section and a line for each study, with the highest D of each of its answers.

    At the right stands the first of these answers with its D.
    """
    lines = sum(1 + len(section.rows) for section in sections)
    figure = Figure(figsize=(WIDTH, LINE * lines + 0.5))
    FigureCanvasAgg(figure)  # on which text can be measured
    ax = figure.subplots()
    names, level = [], 0
    for section in sections:
        names.append((level, section.heading, "bold"))
        for row in section.rows:
            level -= 1
            names.append((level, row.name, "normal"))
            for line in reversed(row.lines):
                _mark(ax, level, line)
            first = row.lines[0]
            ax.text(
                1.02,
                level,
                f"{first.answer} {first.height}",
                fontsize=SMALL - 1,
                va="center",
                transform=ax.get_yaxis_transform(),
            )
        level -= 1
    ax.axvline(place(100 * SMALLEST), color="0.5", linestyle=":", linewidth=1, zorder=0)
    ax.set_xticks([place(tick) for tick in TICKS], [str(tick) for tick in TICKS])
    ax.set_yticks([level for level, _, _ in names], [name for _, name, _ in names], fontsize=SMALL - 1)
    for label, (_, _, weight) in zip(ax.get_yticklabels(), names, strict=True):
        label.set_fontweight(weight)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.set(xlim=(0, 100), ylim=(level + 0.4, 0.6))
    ax.set_xlabel("height D of the peak, in points of test error, with its 95 % interval (square-root scale)")
    add_legend(figure)
    add_title(figure, title)
    return figure


def _mark(ax: Axes, level: int, line: Line) -> None:
    marker, size, colour, filled = LOOKS[line.answer]
    low, middle, high = (place(100 * end) for end in line.ends)
    if line.does_not_count:
        x, side = (high + 2, "left") if middle < HALF else (low - 2, "right")
        ax.text(
            x,
            level,
            causes(line.verdict)[0].removeprefix("an "),
            fontsize=SMALL - 1.5,
            color=colour,
            ha=side,
            va="center_baseline",
        )
    seen = ax.get_legend_handles_labels()[1]
    ax.plot([low, high], [level, level], color=colour, linewidth=1.5)
    ax.plot(
        [middle],
        [level],
        marker=marker,
        markersize=size,
        color=colour,
        markerfacecolor=colour if filled else "white",
        linestyle="none",
        label=None if line.answer in seen else line.answer,
    )
