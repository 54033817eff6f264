"""What a person is told of a study: its groups of runs, the verdict on each, one sentence, and plot data."""

from typing import Any

import pandas as pd

from stages.base.params import Train
from stages.base.studies import Point, Studies, Study
from stages.statistic.findings import (
    ALL,
    Verdict,
    answer_with_reason,
    d_with_interval,
    names_of,
    reason,
    said_of_groups,
)
from stages.statistic.guards import Case
from stages.statistic.judge import NO, UNDECIDED, YES
from stages.statistic.tables import axis_value

NOT_SPARSE = ("l2", "none")  # penalties
PLACES = ("peak", "left", "right")


def groups(table: pd.DataFrame, by: list[str]) -> dict[str, pd.DataFrame]:
    """The rows of a study by the values of these columns, in their order; one group named ALL where there is none."""
    if not by:
        return {ALL: table}
    parts = table.groupby(by, sort=False, dropna=False)
    return {name_of(dict(zip(by, values, strict=True))): rows for values, rows in parts}


def not_asked(point: Point) -> tuple[str, ...]:
    """The guards that a study with this point does not need: a penalty that makes nothing sparse promises no zeros."""
    return ("sparse",) if isinstance(point.train, Train) and point.train.penalty in NOT_SPARSE else ()


def name_of(place: dict[str, Any]) -> str:
    """Such as "width 100, images 1000"."""
    return ", ".join(f"{option} {said(value)}" for option, value in place.items())


def said(value: Any) -> str:
    return axis_value(value) if isinstance(value, float) else str(value)


def rows_of(name: str, study: Study, verdicts: dict[str, Verdict]) -> list[dict[str, Any]]:
    """A study's lines in the table of all findings, one a group."""
    return [
        {
            "study": name,
            "over": study.over,
            "group": group,
            "answer": found["answer"],
            "because": reason(found).long,
            "peak": found.get(f"peak_{study.over}"),
            **{key: found.get(key) for key in ("D", "D_low", "D_high", "D_settled", "p_holm", "runs", "points")},
        }
        for group, found in verdicts.items()
    ]


def table(verdicts: dict[str, Verdict], axis: str) -> pd.DataFrame:
    """A line of words a group."""
    lines = []
    for name, found in verdicts.items():
        places = [said(found[f"{place}_{axis}"]) if f"{place}_{axis}" in found else "-" for place in PLACES]
        heights = [d_with_interval(found), d_with_interval(found, name="D_settled")]
        lines.append([name, *places, *heights, answer_with_reason(found)])
    columns = ["group", f"peak at {axis}", "left valley", "right valley", "D, points [95 %]", "D settled"]
    return pd.DataFrame(lines, columns=[*columns, "double descent?"])


def summary(studies: Studies, verdicts: dict[str, dict[str, Verdict]]) -> pd.DataFrame:
    """A line of words a study: its question, the answer for its groups, and the highest D."""
    lines = []
    for name, found in verdicts.items():
        highest = highest_of(found)
        heights = [d_with_interval(highest), d_with_interval(highest, name="D_settled")]
        lines.append([f"[{name}](RESULTS.md#{name})", studies.studies[name].asks, answers(found), *heights])
    return pd.DataFrame(lines, columns=["study", "question", "answer", "highest D, points [95 %]", "settled"])


def finding(asks: str, verdicts: dict[str, Verdict]) -> str:
    """The question and the answer, a sentence for every set of groups of which the same is to be said."""
    return f"{asks} {said_of_groups(verdicts)}"


def answers(verdicts: dict[str, Verdict]) -> str:
    """Such as "yes: width 200; no: width 100", or one word where there is one group."""
    found = []
    for answer in (YES, UNDECIDED, NO):
        groups = [group for group, verdict in verdicts.items() if verdict["answer"] == answer]
        if groups:
            found.append(answer if groups == [ALL] else f"{answer}: {names_of(groups)}")
    return "; ".join(found)


def highest_of(verdicts: dict[str, Verdict]) -> Verdict:
    return max(verdicts.values(), key=lambda verdict: verdict["D"])


def headline(verdicts: dict[str, Verdict]) -> dict[str, str]:
    """A study's two columns of `dvc exp show`; D is in points, with its 95 % interval."""
    return {"double descent": answers(verdicts), "highest D": d_with_interval(highest_of(verdicts))}


def points(cases: dict[str, Case], name: str, caption: str) -> pd.DataFrame:
    """For `dvc plots`: a row a group and point; in %, test error with its band of one standard deviation.

    The column of the points has the axis's name.
    """
    tables = []
    for group, case in cases.items():
        errors = 100 * case.rows.groupby(case.axis).test_error.agg(["mean", "std"]).fillna(0)
        band = {"low": errors["mean"] - errors["std"], "high": errors["mean"] + errors["std"]}
        tables.append(pd.DataFrame({"series": group, case.axis: errors.index, "test_error": errors["mean"], **band}))
    return pd.concat(tables, ignore_index=True).assign(study=name, run=f"{name}: {caption}")
