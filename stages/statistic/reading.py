"""What a person is told of a reading: every answer judged along the study's axis, and how answers differ at its peak.

An answer is an error, a share, or a number of which only ratios are comparable. The last ones are judged as shares of
their largest mean, so that their D is in hundredths of it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from stages.base.readings import CHOOSING, Reading
from stages.base.studies import Along
from stages.statistic.findings import ALL, Verdict, answer_with_reason, d_with_interval
from stages.statistic.guards import Case, table_of
from stages.statistic.judge import NO, SMALLEST, UNDECIDED, YES
from stages.statistic.sentences import listed, with_interval
from stages.statistic.study import PLACES, highest_of, name_of, said_of
from stages.statistic.study import groups as groups_of
from stages.statistic.tables import axis_value
from stages.statistic.verdict import described as verdict_of

ERROR, SHARE, RELATIVE, REFERENCE = "error", "share", "relative", "reference"  # units
SAID = {ERROR: "error, %", SHARE: "%", RELATIVE: "% of the largest mean"}
MOST_CHANGES = 6  # in a sentence
DRAWS = 2000  # of whole runs


def groups(table: pd.DataFrame, along: Along, column: str) -> dict[str, pd.DataFrame]:
    """The rows of each answer in each group of the study, as `verdict.judged` takes them.

    Points where no run has a value are left out, and so are an answer with fewer than three points and references.
    """
    known = table[table.value.notna() & (table.unit != REFERENCE)]
    parts = groups_of(known, [*along.by, column])
    whole = {name: rows for name, rows in parts.items() if rows[along.over].nunique() >= 3}
    return {name: rows.assign(test_error=rows.value / scale(rows, along.over)) for name, rows in whole.items()}


def scale(rows: pd.DataFrame, over: str) -> float:
    """By which an answer's values are divided before they are judged."""
    if rows.unit.iloc[0] != RELATIVE:
        return 1.0
    return float(rows.groupby(over).value.mean().abs().max()) or 1.0


def beside_peak(rows: pd.DataFrame, over: str, own: Verdict) -> dict[str, float]:
    """Means of an answer at the valleys and the peak of the study's own errors, and how it changes between them.

    `change` is the value at the right valley less that at the peak, and `height` that at the peak less the higher of
    those at the valleys, in the mean over the runs that have all, with Student's 95 % intervals. Nothing where the
    study has no peak.
    """
    if f"peak_{over}" not in own:
        return {}
    points = {place: own[f"{place}_{over}"] for place in PLACES}
    by_run = rows.pivot(index="seed", columns=over, values="value")
    if not {*points.values()} <= {*by_run.columns}:
        return {}
    values = pd.DataFrame({place: by_run[point] for place, point in points.items()}).dropna()
    means = values.mean()
    found = {f"at_{place}": float(means[place]) for place in PLACES}
    higher = "left" if means["left"] >= means["right"] else "right"
    differences = {"change": values["right"] - values["peak"], "height": values["peak"] - values[higher]}
    for name, difference in differences.items():
        if len(difference) > 1:
            half = float(stats.t.ppf(0.975, len(difference) - 1)) * float(difference.std()) / len(difference) ** 0.5
            middle = float(difference.mean())
            found |= {name: middle, f"{name}_low": middle - half, f"{name}_high": middle + half}
    return found


def choice(lengths: pd.DataFrame, errors: pd.DataFrame, over: str) -> dict[str, Any]:
    """Does the point with the shortest description err least?

    `regret` is the test error at the point with the least mean length less the least mean test error, with a 95 %
    interval: quantiles over whole runs that are drawn anew, from both tables alike. The answer is yes where even its
    upper end is less than a point, and no where even its lower end is more.
    """
    points = np.sort(lengths[over].unique())
    bits = table_of(lengths, over, "value")
    error = table_of(errors[errors[over].isin(points) & errors.seed.isin(lengths.seed)], over)
    kept = ~np.isnan(bits).any(0) & ~np.isnan(error).any(0)
    bits, error, points = bits[:, kept], error[:, kept], points[kept]
    drawn = np.random.default_rng(0).integers(len(bits), size=(DRAWS, len(bits)))
    regrets = [_regret(bits[runs], error[runs]) for runs in drawn]
    low, high = (float(end) for end in np.quantile(regrets, [0.025, 0.975]))
    shortest, best = int(bits.mean(0).argmin()), int(error.mean(0).argmin())
    answer = YES if high < SMALLEST else NO if low > SMALLEST else UNDECIDED
    return {
        "chooses_best": answer,
        "regret": _regret(bits, error),
        "regret_low": low,
        "regret_high": high,
        f"shortest_{over}": points[shortest].item(),
        f"best_{over}": points[best].item(),
    }


def _regret(bits: np.ndarray, error: np.ndarray) -> float:
    mean = error.mean(0)
    return float(mean[bits.mean(0).argmin()] - mean.min())


def column_of(table: pd.DataFrame) -> str:
    """The name of the column of a table of answers that says what was asked: the last one before the unit."""
    return str(table.columns[list(table.columns).index("unit") - 1])


def described(case: Case, along: Along, of_study: dict[str, Verdict], cells: pd.DataFrame, column: str) -> Verdict:
    """As `verdict.described`, with the answer's unit, what it is beside the study's peak, and whether it may choose."""
    rows = case.rows
    place = {option: rows[option].iloc[0] for option in along.of_study}
    own = of_study.get(name_of(place) if place else ALL, {})
    found = verdict_of(case) | {"unit": rows.unit.iloc[0], **beside_peak(rows, along.over, own)}
    if rows[column].iloc[0] == "simplex_possible":
        means = rows.groupby(along.over).value.mean()
        found["no_simplex_at"] = means.index[means < 1].tolist()
    if rows[column].iloc[0] in CHOOSING:
        errors = cells
        for option, value in place.items():
            errors = errors[errors[option] == value]
        found |= choice(rows, errors, along.over)
    return found


def guards_not_asked(groups: dict[str, pd.DataFrame]) -> dict[str, tuple[str, ...]]:
    """An answer that is no error does not guess."""
    return {name: ("above_chance",) for name, rows in groups.items() if rows.unit.iloc[0] != ERROR}


def references(table: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """The values of each reference, ascending."""
    of_reference = table[table.unit == REFERENCE]
    return {str(name): sorted(values.unique()) for name, values in of_reference.groupby(column, sort=False).value}


def finding(
    reading: Reading, along: Along, verdicts: dict[str, Verdict], beside: Mapping[str, list[float]] | None = None
) -> str:
    """The question, which answers peak, and what else the numbers say, a sentence each; `beside` are references."""
    said = [reading.asks, _peaks(verdicts), *_heights(verdicts), *_changes(verdicts), *_choices(verdicts, along)]
    if beside:
        values = [f"{name} {listed([number(value) for value in found])}" for name, found in beside.items()]
        said.append(f"For comparison: {listed(values)}.")
    said += [_simplex(name, found, along.over) for name, found in verdicts.items() if found.get("no_simplex_at")]
    return " ".join(said)


def _peaks(verdicts: dict[str, Verdict]) -> str:
    """Which answers have a peak of their own for sure, and how many may have one."""
    sure = [f"{plain(name)} (D = {d_with_interval(one)})" for name, one in verdicts.items() if one["answer"] == YES]
    unsure = sum(found["answer"] == UNDECIDED for found in verdicts.values())
    count = len(verdicts)
    said = f"Of {count} answers {listed(sure, most=12)} peak" if sure else f"None of {count} answers peaks"
    if len(sure) == 1:
        said = f"Of {count} answers one peaks, {sure[0]}"
    return f"{said} for sure; {unsure} {'is' if unsure == 1 else 'are'} undecided."


def plain(name: str) -> str:
    """The name of an answer without the word for what it is, such as "width 200, ridge"."""
    group, _, answer = name.rpartition(", ")
    answer = answer.partition(" ")[2]
    return f"{group}, {answer}" if group else answer


def _heights(verdicts: dict[str, Verdict]) -> list[str]:
    """How high errors rise where those of the study peak, a sentence a group of the study."""
    together: dict[str, list[str]] = {}
    for name, found in verdicts.items():
        if found["unit"] == ERROR and "height" in found:
            group, _, answer = plain(name).rpartition(", ")
            height = with_interval(found["height"], found["height_low"], found["height_high"])
            together.setdefault(group, []).append(f"{answer} {height}")
    return [
        f"Where the study's error peaks{f' at {group}' if group else ''}, the rise above the higher of its valleys is, "
        f"in points: {listed(heights)}."
        for group, heights in together.items()
    ]


def _changes(verdicts: dict[str, Verdict]) -> list[str]:
    """What rises or falls most surely between the peak of the errors and the valley beyond it."""
    known = {name: found for name, found in verdicts.items() if "change_low" in found and found["unit"] != ERROR}
    sure = {name: found for name, found in known.items() if found["change_low"] > 0 or found["change_high"] < 0}
    if not known:
        return []

    def doubt(name: str) -> float:
        found = sure[name]
        return float((found["change_high"] - found["change_low"]) / abs(found["change"]))

    changed = [
        f"{plain(name)} from {number(sure[name]['at_peak'])} to {number(sure[name]['at_right'])} "
        f"({said_of_change(sure[name])})"
        for name in sorted(sure, key=doubt)[:MOST_CHANGES]
    ]
    if not changed:
        return ["From the peak of the test error to the valley beyond it none changes for sure."]
    rest = f", and {len(sure) - len(changed)} others" if len(sure) > len(changed) else ""
    return [f"From the peak of the test error to the valley beyond it change for sure: {'; '.join(changed)}{rest}."]


def _simplex(name: str, found: Verdict, over: str) -> str:
    group = plain(name).rpartition(", ")[0]
    where = f"{f'{group}, ' if group else ''}{over} {listed([axis_value(point) for point in found['no_simplex_at']])}"
    return f"At {where} some networks have fewer live units than a simplex needs, and cannot form one."


def number(value: float) -> str:
    """Three significant digits, such as 0.0123 or 95,400."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def said_of_change(found: Verdict) -> str:
    """Such as "-0.12 [-0.15, -0.09]"."""
    low, middle, high = (number(found[name]) for name in ("change_low", "change", "change_high"))
    return f"{middle} [{low}, {high}]"


def _choices(verdicts: dict[str, Verdict], along: Along) -> list[str]:
    """Whether the shortest description errs least, a sentence for each kind of description."""
    together: dict[str, dict[str, Verdict]] = {}
    for name, found in verdicts.items():
        if "regret" in found:
            group, _, answer = plain(name).rpartition(", ")
            together.setdefault(answer, {})[group] = found
    said = []
    for answer, groups in together.items():
        parts = []
        for group, found in groups.items():
            regret = with_interval(found["regret"], found["regret_low"], found["regret_high"])
            shortest, best = (axis_value(found[f"{place}_{along.over}"]) for place in ("shortest", "best"))
            where = f"at {group} " if group else ""
            parts.append(
                f"{found['chooses_best']} {where}(it chooses {along.over} {shortest}, which errs {regret} points more "
                f"than {along.over} {best})"
            )
        said.append(f"Does the least {answer} choose the {along.over} that errs least? {_sentence('; '.join(parts))}")
    return said


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def words(verdicts: dict[str, Verdict], over: str) -> pd.DataFrame:
    """A line of words an answer."""
    lines = []
    for name, found in verdicts.items():
        peak = said_of(found[f"peak_{over}"]) if f"peak_{over}" in found else "-"
        beside = [number(found[at]) if at in found else "-" for at in ("at_left", "at_peak", "at_right")]
        change = said_of_change(found) if "change" in found else "-"
        lines.append([plain(name), *beside, change, peak, d_with_interval(found), answer_with_reason(found)])
    columns = ["answer", "left valley", "peak of the error", "right valley", "change to the right [95 %]"]
    return pd.DataFrame(lines, columns=[*columns, f"own peak at {over}", "D [95 %]", "own peak?"])


def headline(verdicts: dict[str, Verdict]) -> dict[str, str]:
    """A reading's two columns of `dvc exp show`: how many of its answers peak, and the highest D."""
    said = [found["answer"] for found in verdicts.values()]
    counts = listed([f"{answer} {said.count(answer)}" for answer in (YES, UNDECIDED, NO) if answer in said])
    return {"own peaks": counts, "highest D": d_with_interval(highest_of(verdicts))}


def summary(asks: Mapping[str, str], verdicts: Mapping[str, dict[str, Verdict]]) -> pd.DataFrame:
    """A line of words a reading: its question, how many of its answers peak, and which one most."""
    lines = []
    for name, found in verdicts.items():
        most = max(found, key=lambda answer: (found[answer]["answer"] == YES, found[answer]["D"]))
        highest = f"{plain(most)}: {d_with_interval(found[most])}"
        lines.append([f"[{name}](RESULTS.md#{name})", asks[name], headline(found)["own peaks"], highest])
    return pd.DataFrame(lines, columns=["reading", "question", "has a peak of its own", "highest peak, D [95 %]"])
