"""What a person is told of a study: its groups of runs, the verdict on each, one sentence, and plot data."""

import math
from typing import Any

import numpy as np
import pandas as pd

from stages.base.params import ENSEMBLES, Features, Train
from stages.base.studies import Point, Study
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
from stages.statistic.judge import NO, SIGNIFICANCE, SMALLEST, UNDECIDED, YES
from stages.statistic.sentences import listed
from stages.statistic.student import p_of_difference
from stages.statistic.tables import axis_value
from stages.statistic.verdict import described as verdict_of

NOT_SPARSE = ("l2", "none")  # penalties
PLACES = ("peak", "left", "right")
NUMBERS = ("D", "D_low", "D_high", "D_settled", "D_early", "D_ensemble", "p_holm", "runs", "points")
HEIGHTS = {
    "D": "D, points [95 %]",
    "D_settled": "D settled",
    "D_early": "D at the best epoch",
    "D_ensemble": "D of ensembles",
}


def groups(table: pd.DataFrame, by: list[str]) -> dict[str, pd.DataFrame]:
    """The rows of a study by the values of these columns, in their order; one group named ALL where there is none."""
    if not by:
        return {ALL: table}
    parts = table.groupby(by, sort=False, dropna=False)
    return {name_of(dict(zip(by, values, strict=True))): rows for values, rows in parts}


def not_asked(study: Study, points: list[Point]) -> dict[str, tuple[str, ...]]:
    """The guards that each group of a study does not need; see `_not_asked`."""
    return {group_of(study, point): _not_asked(point) for point in points}


def group_of(study: Study, point: Point) -> str:
    """The name of the group to which the point belongs."""
    by = {option: point.place[option] for option in study.by}
    return name_of(by) if by else ALL


def _not_asked(point: Point) -> tuple[str, ...]:
    """The guards that the group of this point does not need.

    A penalty that makes nothing sparse promises no zeros. Least squares has no training that could break down, so its
    peak may reach chance.
    """
    if isinstance(point.train, Features):
        return ("above_chance",)
    return ("sparse",) if isinstance(point.train, Train) and point.train.penalty in NOT_SPARSE else ()


def described(case: Case, infinite: dict[str, float] | None = None) -> dict[str, Any]:
    """As `verdict.described`, with the errors at every point, and where networks were kept the outputs' mean variance.

    Errors of runs that were left out are left out. `infinite` are errors of networks of infinite width, by their names.
    """
    found = verdict_of(case)
    errors = at_points(case).dropna()
    found["mean_errors"] = {axis_value(point): float(mean) for point, mean in errors["mean"].items()}
    found["sd_errors"] = {axis_value(point): float(sd) for point, sd in errors["std"].items()}
    if infinite:
        found["infinite"] = infinite
    if "variance" in case.rows and case.rows.variance.notna().any():
        means = case.rows.groupby(case.axis).variance.mean().dropna()
        found["variance"] = {axis_value(point): float(mean) for point, mean in means.items()}
    return found


def at_points(case: Case) -> pd.DataFrame:
    """Mean and standard deviation of the errors that were judged, a row a point."""
    return pd.DataFrame(case.errors(), columns=np.sort(case.rows[case.axis].unique())).agg(["mean", "std"]).T


def name_of(place: dict[str, Any]) -> str:
    """Such as "width 100, images 1000"."""
    return ", ".join(f"{option} {said_of(value)}" for option, value in place.items())


def said_of(value: Any) -> str:
    """The value as it stands in params.yaml, where a null, or what a table holds for it, is a null; 1/2 of a list."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "null"
    return axis_value(value) if isinstance(value, float) else str(value).replace(" and ", "/")


def rows_of(name: str, over: str, verdicts: dict[str, Verdict], of_twin: dict[str, Verdict]) -> list[dict[str, Any]]:
    """A study's lines in the table of all findings, one a group, each beside its twin's group of the same name."""
    return [
        {
            "study": name,
            "over": over,
            "group": group,
            "answer": found["answer"],
            "because": reason(found).long,
            "peak": found.get(f"peak_{over}"),
            **{key: found.get(key) for key in NUMBERS},
            **beside_twin(found, of_twin.get(group, {})),
        }
        for group, found in verdicts.items()
    ]


def beside_twin(found: Verdict, twin: Verdict) -> dict[str, float | None]:
    """How a group whose runs have training sets of their own differs from one whose runs share a training set.

    interval_ratio: how many times as wide the interval of D is.
    training_set_share: by the law of total variance, the share of the outputs' variance that is due to the training
        set, at the point where that variance is greatest. The rest is the variance over initial weights and orders with
        one training set, which stands for that of all; 0 where it is greater than the whole.
    least_p: of Welch's tests of the mean errors at the points that both have the least p, adjusted for their number
        (Bonferroni). Where it is small the errors differ.
    """
    wide, narrow = (one["D_high"] - one["D_low"] if "D_low" in one else None for one in (found, twin))
    whole, within = found.get("variance", {}), twin.get("variance", {})
    shared = [point for point in whole if point in within]
    share = None
    if shared:
        most = max(shared, key=lambda point: whole[point])
        share = max(0.0, 1 - within[most] / whole[most])
    ratio = wide / narrow if wide is not None and narrow else None
    return {"interval_ratio": ratio, "training_set_share": share, "least_p": least_p(found, twin)}


def least_p(found: Verdict, twin: Verdict) -> float | None:
    """See `beside_twin`; None without shared points."""
    shared = [point for point in found.get("sd_errors", {}) if point in twin.get("sd_errors", {})]
    if not shared:
        return None
    one, other = (
        np.array([[asked["mean_errors"][point], asked["sd_errors"][point], asked["runs"]] for point in shared]).T
        for asked in (found, twin)
    )
    return min(1.0, float(np.nanmin(p_of_difference(one, other))) * len(shared))


def said_of_twin(twin: str, permuted: bool, verdicts: dict[str, Verdict], of_twin: dict[str, Verdict]) -> str:
    """Beside the twin, a sentence a group that both have: its D, and what differs.

    Of a study whose pixels are permuted it is said whether the errors are the twin's, of one whose training sets are
    redrawn how much wider the interval is and what the set makes.
    """
    said = []
    for name, found in verdicts.items():
        if name not in of_twin:
            continue
        numbers = beside_twin(found, of_twin[name])
        height = f"D is {d_with_interval(of_twin[name])} points in {twin}"
        if permuted:
            p = numbers["least_p"]
            differ = "differ at some point" if p is not None and p < SIGNIFICANCE else "differ at no point for sure"
            said.append(f"{height}, whose pixels are in their order; the mean errors {differ} (p = {p:.2g}).")
            continue
        text = f"{height}, whose runs share one training set"
        if (ratio := numbers["interval_ratio"]) is not None:
            text += f", and its interval here {ratio:.1f} times as wide"
        if (share := numbers["training_set_share"]) is not None:
            text += (
                f"; where the outputs scatter most, {100 * share:.0f} % of their variance is due to the training set"
            )
        said.append(f"{'' if name == ALL else f'{name[0].upper()}{name[1:]}: '}{text}.")
    return " ".join(said)


def table(verdicts: dict[str, Verdict], axis: str) -> pd.DataFrame:
    """A line of words a group."""
    lines = []
    for name, found in verdicts.items():
        places = [said_of(found[f"{place}_{axis}"]) if f"{place}_{axis}" in found else "-" for place in PLACES]
        heights = [d_with_interval(found, name=height) for height in HEIGHTS]
        lines.append([name, *places, *heights, answer_with_reason(found)])
    columns = ["group", f"peak at {axis}", "left valley", "right valley", *HEIGHTS.values()]
    words = pd.DataFrame(lines, columns=[*columns, "double descent?"])
    never = [column for column in HEIGHTS.values() if (words[column] == "-").all()]
    return words.drop(columns=never)


def finding(asks: str, verdicts: dict[str, Verdict], axis: str) -> str:
    """The question and the answer, a sentence for every set of groups of which the same is to be said.

    Of a group with a peak it is said as well what else its runs show.
    """
    besides = [
        said for name, found in verdicts.items() if found["answer"] == YES and (said := _besides(name, found, axis))
    ]
    return " ".join([asks, said_of_groups(verdicts, axis), *besides, *_ends(verdicts)])


def _ends(verdicts: dict[str, Verdict]) -> list[str]:
    """What regression at infinite width errs, a sentence for all groups for which it is the same."""
    together: dict[str, list[str]] = {}
    for name, found in verdicts.items():
        if "infinite" in found:
            errors = [f"{kernel} {100 * error:.1f} %" for kernel, error in found["infinite"].items()]
            together.setdefault(listed(errors), []).append(name)
    return [
        f"Networks of infinite width{'' if ALL in names else f' at {names_of(names)}'} err, as kernels: {errors}."
        for errors, names in together.items()
    ]


def _besides(name: str, verdict: Verdict, axis: str) -> str:
    """What else is known of the peak, in a sentence."""
    where = "" if name == ALL else f" at {name}"
    said = []
    if "peak_weights" in verdict:
        said.append(f"comes with {verdict['peak_weights']:,.0f} weights left")
    if "D_early" in verdict:
        height = d_with_interval(verdict, name="D_early")
        gone = " (early stopping takes it away)" if verdict.get("D_early_high", 1.0) < SMALLEST else ""
        said.append(f"is {height} points high where each point stops at its epoch with the least test error{gone}")
    if "D_ensemble" in verdict:
        height, runs = d_with_interval(verdict, name="D_ensemble"), verdict["runs"] // ENSEMBLES
        said.append(f"is {height} points high where the outputs of {runs} runs are averaged")
    sentences = [f"The peak{where} {listed(said)}."] if said else []
    if f"least_agreement_{axis}" in verdict:
        least = said_of(verdict[f"least_agreement_{axis}"])
        sentences.append(f"Two runs{where} agree least at {axis} {least}.")
    return " ".join(sentences)


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

    Runs that were left out of the judgement are left out here. The column of the points has the axis's name.
    """
    tables = []
    for group, case in cases.items():
        errors = 100 * at_points(case).fillna(0)
        band = {"low": errors["mean"] - errors["std"], "high": errors["mean"] + errors["std"]}
        tables.append(pd.DataFrame({"series": group, case.axis: errors.index, "test_error": errors["mean"], **band}))
    return pd.concat(tables, ignore_index=True).assign(study=name, run=f"{name}: {caption}")
