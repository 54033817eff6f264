"""Answers of networks, judged along the axis of their study."""

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from stages.base.readings import Reading
from stages.base.studies import Along
from stages.statistic.guards import Case
from stages.statistic.reading import (
    beside_peak,
    choice,
    column_of,
    described,
    finding,
    groups,
    guards_not_asked,
    headline,
    references,
    scale_of,
    summary,
    words,
)
from stages.statistic.verdict import judged

AXIS = [1, 2, 3, 5, 8]
ABOUT: dict[str, Any] = {"asks": "What changes?", "expects": "Nothing."}
ALONG = Along("width", [], [])
READING = Reading(**ABOUT, reads="one", measures="inside")
OWN = {"all": {"answer": "yes", "D": 0.2, "D_low": 0.15, "left_width": 2, "peak_width": 3, "right_width": 8}}
PEAKED, FALLING = [0.3, 0.2, 0.4, 0.3, 0.1], [0.5, 0.4, 0.3, 0.2, 0.1]


def table(unit: str = "share", seeds: int = 6, **curves: list[float]) -> pd.DataFrame:
    """A row a run, point and answer; runs scatter a little around the curves (points,)."""
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame(
            {
                "dataset": "mnist",
                "width": np.repeat(AXIS, seeds),
                "seed": np.tile(range(seeds), len(AXIS)),
                "measure": name,
                "unit": unit,
                "value": np.repeat(curve, seeds) * (1 + rng.normal(0, 0.01, seeds * len(AXIS))),
            }
        )
        for name, curve in curves.items()
    ]
    return pd.concat(parts, ignore_index=True)


def verdicts(answers: pd.DataFrame, cells: pd.DataFrame | None = None) -> dict[str, dict[str, Any]]:
    found = groups(answers, ALONG, column_of(answers))
    cases = judged(found, "width", guards_not_asked(READING, found), scale=scale_of(found))
    errors = pd.DataFrame() if cells is None else cells
    return {name: described(case, ALONG, OWN, errors, "measure") for name, case in cases.items()}


def test_an_answer_is_judged_as_an_error_is() -> None:
    found = verdicts(table(high=PEAKED, low=FALLING))
    assert found["measure high"]["answer"] == "yes"
    assert found["measure high"]["peak_width"] == 3
    assert found["measure high"]["D"] == pytest.approx(0.2, abs=0.02)
    assert found["measure low"]["answer"] == "no"


def test_of_an_answer_in_ratios_d_is_a_share_of_its_largest_mean() -> None:
    thousands = [1000 * value for value in PEAKED]
    (found,) = verdicts(table("relative", norm=thousands)).values()
    assert found["D"] == pytest.approx(0.2 / 0.4, abs=0.05)
    assert found["at_peak"] == pytest.approx(400, rel=0.02)


def test_points_without_a_value_are_left_out_and_so_is_an_answer_with_too_few() -> None:
    answers = table(high=PEAKED, rare=FALLING)
    answers.loc[(answers.measure == "rare") & (answers.width > 2), "value"] = np.nan
    answers.loc[(answers.measure == "high") & (answers.width == 1), "value"] = np.nan
    found = groups(answers, ALONG, "measure")
    assert list(found) == ["measure high"]
    assert sorted(found["measure high"].width.unique()) == [2, 3, 5, 8]


def test_what_is_no_error_does_not_guess() -> None:
    shares, errors = (groups(table(unit, high=PEAKED), ALONG, "measure") for unit in ("share", "error"))
    assert guards_not_asked(READING, shares) == {"measure high": ("above_chance",)}
    assert guards_not_asked(READING, errors) == {}
    sweep = READING.model_copy(update={"measures": "sweep"})
    assert guards_not_asked(sweep, errors) == {"measure high": ("above_chance",)}


def test_the_change_beyond_the_peak_is_that_of_each_run() -> None:
    values = [1.0, 1.0, 1.0, 3.0, 5.0, 4.0, 2.0, 3.0, 3.0]
    rows = pd.DataFrame({"width": np.repeat([2, 3, 8], 3), "seed": [0, 1, 2] * 3, "value": values})
    found = beside_peak(rows, "width", OWN["all"])
    assert (found["at_left"], found["at_peak"], found["at_right"]) == (1.0, 4.0, pytest.approx(8 / 3))
    assert found["heights"] == {"0": 1.0, "1": 2.0, "2": 1.0}  # above the right valley, which is the higher one
    expected = stats.ttest_1samp([-1.0, -2.0, -1.0], 0.0)
    interval = expected.confidence_interval(0.95)
    assert found["change_p"] == pytest.approx(expected.pvalue)
    assert (found["change_low"], found["change_high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))


@pytest.mark.parametrize("own", [{"answer": "no"}, {**OWN["all"], "D_low": 0.0}])
def test_a_study_without_a_sure_peak_has_no_places_to_compare(own: dict[str, Any]) -> None:
    assert beside_peak(table(high=PEAKED), "width", own) == {}


def test_no_run_of_what_is_no_error_is_left_out_however_far_it_lies() -> None:
    far = table("relative", norm=PEAKED)
    far.loc[(far.seed == 3) & (far.width == 3), "value"] *= 5
    found = groups(far, ALONG, "measure")
    assert judged(found, "width", scale=scale_of(found))["measure norm"].found.failed == []
    errors = groups(far.assign(unit="error"), ALONG, "measure")
    assert judged(errors, "width", scale=scale_of(errors))["measure norm"].found.failed != []


def test_it_is_said_how_high_other_errors_rise_where_those_of_the_study_peak() -> None:
    answers = table("error", own=PEAKED, ridge=[0.2, 0.2, 0.25, 0.2, 0.2]).rename(columns={"measure": "head"})
    found = groups(answers, ALONG, "head")
    cases = judged(found, "width", guards_not_asked(READING, found))
    said = finding(READING, ALONG, {n: described(c, ALONG, OWN, pd.DataFrame(), "head") for n, c in cases.items()})
    assert re.search(r"valleys by, in points: own (20|19)\.\d .*; ridge (5|4)\.\d .*, 1[45]\.\d \[.*\] less", said)


ERRORS = table(error=FALLING).rename(columns={"value": "test_error"})


@pytest.mark.parametrize(("bits", "answer", "regret"), [([5, 4, 3, 2, 1], "yes", 0.0), ([1, 2, 3, 4, 5], "no", 0.4)])
def test_the_shortest_description_chooses_well_if_no_other_point_errs_less(
    bits: list[float], answer: str, regret: float
) -> None:
    found = choice(table(two_part_bits=bits), ERRORS, "width")
    assert found["chooses_best"] == answer
    assert found["regret"] == pytest.approx(regret, abs=0.01)
    assert found["regret_low"] <= found["regret"] <= found["regret_high"]
    assert found["best_width"] == 8


def test_descriptions_of_the_same_length_and_few_runs_decide_nothing() -> None:
    same = table(bits=FALLING).assign(value=100.0)
    assert choice(same, ERRORS, "width")["chooses_best"] == "undecided"
    few = [one[one.seed < 2] for one in (table(bits=[1, 2, 3, 4, 5]), ERRORS)]
    found = choice(few[0], few[1], "width")
    assert found["chooses_best"] == "undecided"
    assert "regret_low" not in found


def test_two_points_or_none_are_nothing_to_choose_from() -> None:
    diverged = table(bits=FALLING)
    diverged.loc[(diverged.seed == 0) & (diverged.width < 5), "value"] = np.nan
    assert choice(diverged, ERRORS, "width") == {}
    assert choice(table(bits=FALLING), ERRORS[ERRORS.width == 8], "width") == {}


def test_it_is_said_what_changes_for_sure_and_which_point_the_shortest_description_chooses() -> None:
    errors = table(error=FALLING).rename(columns={"value": "test_error"})
    found = verdicts(table("relative", two_part_bits=FALLING, nc1=PEAKED), errors)
    said = finding(READING, ALONG, found)
    assert said.startswith("What changes?")
    assert "From the peak of the test error to the valley beyond it" in said
    assert re.search(r"nc1 from 0\.(4|39)\d* to 0\.(1|09)\d* ", said)
    assert "Does the least two_part_bits choose the width that errs least? Yes (it chooses width 8, the best" in said


def test_every_answer_has_a_line_and_the_reading_a_headline() -> None:
    found = verdicts(table(high=PEAKED, low=FALLING))
    assert list(words(found, "width").answer) == ["high", "low"]
    assert headline(found)["own peaks"] == "1 yes and 1 no"
    assert summary({"one": "What?"}, {"one": found}).iloc[0].tolist()[:3] == [
        "[one](RESULTS.md#one)",
        "What?",
        "1 yes and 1 no",
    ]


def test_of_a_study_without_a_peak_it_is_said_between_which_values_answers_lie() -> None:
    found = groups(table("relative", p_eff=[10.0, 20.0, 40.0, 30.0, 20.0], seeds=3), ALONG, "measure")
    cases = judged(found, "width", guards_not_asked(READING, found), scale=scale_of(found))
    none: dict[str, Any] = {"all": {"answer": "no"}}
    said = finding(READING, ALONG, {n: described(c, ALONG, none, pd.DataFrame(), "measure") for n, c in cases.items()})
    assert re.search(r"p_eff from (9\.\d*|10)\.?\d* at width 1 to (19|20)\.?\d* at 8, at most (39|40)\.?\d* at 3", said)


def test_references_are_said_and_not_judged() -> None:
    answers = pd.concat([table(high=PEAKED), table("reference", uniform_bits=[13_288.0] * 5).assign(value=13_288.0)])
    assert list(groups(answers, ALONG, "measure")) == ["measure high"]
    beside = references(answers, "measure")
    assert "For comparison: uniform_bits 13,300." in finding(READING, ALONG, verdicts(answers), beside)


def test_where_too_few_units_live_it_is_said_that_no_simplex_can_form() -> None:
    found = verdicts(table(simplex_possible=[0.0, 0.5, 1.0, 1.0, 1.0]).assign(value=lambda t: t.value.round()))
    assert "At width 1 and 2 some networks have fewer live units" in finding(READING, ALONG, found)


def test_a_case_is_asked_with_the_study_of_its_own_group() -> None:
    two = Along("width", ["depth"], ["depth"])
    answers = pd.concat([table(high=PEAKED).assign(depth=depth) for depth in (1, 2)])
    found = groups(answers, two, "measure")
    assert list(found) == ["depth 1, measure high", "depth 2, measure high"]
    case: Case = judged(found, "width", guards_not_asked(READING, found))["depth 2, measure high"]
    own = {"depth 1": {}, "depth 2": OWN["all"]}
    assert "change" in described(case, two, own, pd.DataFrame(), "measure")
