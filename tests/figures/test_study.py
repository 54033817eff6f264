"""What the figure of a study or a reading shows of its groups."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.figures.study import LINES, MOST, study
from stages.statistic.guards import Case
from stages.statistic.verdict import described, judged


def drawn(groups: dict[str, pd.DataFrame], labels: dict[str, str] | None = None) -> Figure:
    cases: dict[str, Case] = judged(groups, "width")
    verdicts: dict[str, Any] = {name: described(case) for name, case in cases.items()}
    return study(cases, verdicts, "Does it peak?", "mnist, 8 seeds", labels)


def runs(errors: list[float], train: float = 0.0, **more: Any) -> pd.DataFrame:
    """Eight runs over widths that differ a little."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "width": width,
            "seed": seed,
            "test_error": error + 0.003 * rng.standard_normal(),
            "train_error": error - train,
        }
        for width, error in enumerate(errors, 1)
        for seed in range(8)
    ]
    return pd.DataFrame(rows).assign(**more)


PEAK, SLOPE = [0.2, 0.4, 0.1, 0.1], [0.4, 0.3, 0.2, 0.1]


def said(figure: Figure) -> list[str]:
    """In the legends above the panels, with the group and its D apart."""
    return [
        text.get_text().replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")
        for ax in figure.axes
        if (legend := ax.get_legend()) is not None
        for text in [legend.get_title(), *legend.get_texts()]
    ]


def test_the_answer_stands_on_each_panel() -> None:
    figure = drawn({"width_of 1": runs(PEAK), "width_of 2": runs(SLOPE)})
    first, second = (ax.get_title().splitlines() for ax in figure.axes)
    assert first[0].startswith("width of 1: D")
    assert [first[-1], second[-1]] == ["double descent? yes", "double descent? no: no peak"]


def test_a_line_that_lies_on_the_test_error_is_not_drawn() -> None:
    label = LINES["train_error"].label
    assert label not in drawn({"all": runs(PEAK)}).axes[0].get_legend_handles_labels()[1]
    assert label in drawn({"all": runs(PEAK, train=0.1)}).axes[0].get_legend_handles_labels()[1]


def test_what_runs_make_together_is_drawn_for_the_highest_sure_peak() -> None:
    kept = {"brier": 0.3, "variance": 0.1, "agreement": 0.8}
    higher = [2 * error for error in PEAK]
    figure = drawn({"1": runs(PEAK, **kept), "2": runs(higher, **kept), "3": runs(SLOPE, **kept)})
    assert [ax.get_title() for ax in figure.axes][3:] == ["2: what the runs make together"]
    assert len(drawn({"3": runs(SLOPE, **kept)}).axes) == 1


def test_answers_share_a_panel_with_a_line_each() -> None:
    groups = {f"width {width}, {head}": runs(PEAK) for width in (1, 2) for head in ("own", "ridge")}
    figure = drawn(groups, dict.fromkeys(groups, "error, %"))
    assert [text.split(": ")[0] for text in said(figure)] == ["width 1", "own", "ridge", "width 2", "own", "ridge"]
    assert all(text.endswith("yes") for text in said(figure)[1:3])


def test_many_groups_share_panels_and_few_do_not() -> None:
    groups = {f"penalty {penalty}, width {width}": runs(PEAK) for penalty in ("a", "b") for width in range(1, MOST)}
    assert len(drawn(groups).axes) == 2
    assert len(drawn(dict(list(groups.items())[:MOST])).axes) == MOST


def test_of_many_answers_those_are_drawn_that_peak() -> None:
    groups = {f"answer {number}": runs(SLOPE if number else PEAK) for number in range(2 * MOST)}
    figure = drawn(groups, dict.fromkeys(groups, "%"))
    assert [text.split(": ")[0] for text in said(figure)] == ["a peak?", "answer 0"]
    assert f"{2 * MOST - 1} more answers" in figure.texts[-1].get_text()


def test_a_study_of_one_group_needs_no_name() -> None:
    figure = drawn({"all": runs(PEAK)})
    assert figure.axes[0].get_title().startswith("D")
