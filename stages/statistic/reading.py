"""What a person is told of a reading: every answer judged along the study's axis, and how answers differ at its peak.

An answer is an error, a share, or a number of which only ratios are comparable. The last ones are judged as shares of
their largest mean, so that their D is in hundredths of it.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from stages.base.params import LEAST_POINTS, LEAST_RUNS
from stages.base.readings import CHOOSING, ERROR, REFERENCE, RELATIVE, SHARE, Reading
from stages.base.studies import Along
from stages.statistic.findings import ALL, Verdict, answer_with_reason, d_with_interval
from stages.statistic.guards import Case, table_of
from stages.statistic.judge import ERROR as OF_ERRORS
from stages.statistic.judge import NO, SIGNIFICANCE, SMALLEST, UNDECIDED, YES, Scale
from stages.statistic.sentences import listed, with_interval
from stages.statistic.student import half_width, p_of_mean
from stages.statistic.study import PLACES, highest_of, name_of, said_of
from stages.statistic.study import groups as groups_of
from stages.statistic.tables import axis_value
from stages.statistic.verdict import described as verdict_of

SAID = {ERROR: "error, %", SHARE: "%", RELATIVE: "% of the largest mean"}
KINDS = {ERROR: "error, share", SHARE: "share", RELATIVE: "number"}
ENDS = ("first", "last", "largest")
MOST_CHANGES = 6  # in a sentence
DRAWS = 2000  # of whole runs


def groups(table: pd.DataFrame, along: Along, column: str) -> dict[str, pd.DataFrame]:
    """The rows of each answer in each group of the study, as `verdict.judged` takes them.

    Points where no run has a value are left out, and so are references and answers with fewer than LEAST_POINTS points.
    """
    known = table[table.value.notna() & (table.unit != REFERENCE)]
    parts = groups_of(known, [*along.by, column])
    whole = {name: rows for name, rows in parts.items() if rows[along.over].nunique() >= LEAST_POINTS}
    return {name: rows.assign(test_error=rows.value / largest_mean(rows, along.over)) for name, rows in whole.items()}


def largest_mean(rows: pd.DataFrame, over: str) -> float:
    """By which an answer's values are divided before they are judged; 1 for errors and shares."""
    if rows.unit.iloc[0] != RELATIVE:
        return 1.0
    return float(rows.groupby(over).value.mean().abs().max()) or 1.0


def scale_of(groups: dict[str, pd.DataFrame]) -> Scale:
    """That of errors, or where others are among the answers one by which no run counts as failed."""
    errors = all(rows.unit.iloc[0] == ERROR for rows in groups.values())
    return OF_ERRORS if errors else OF_ERRORS._replace(far=np.inf)


def has_peak(own: Verdict, over: str) -> bool:
    """Whether the study's own errors have a peak for sure, whatever its guards say of it."""
    return f"peak_{over}" in own and own.get("D_low", 0.0) >= SMALLEST


def beside_peak(rows: pd.DataFrame, over: str, own: Verdict) -> dict[str, Any]:
    """Means of an answer at the valleys and the peak of the study's own errors, and how it changes between them.

    `change` is the value at the right valley less that at the peak, in the mean over the runs, with Student's 95 %
    interval and p. `heights` are those of each run at the peak above its value at the valley where the mean is higher,
    and `height` is their mean, with an interval. Runs without all three values have no part. Nothing where the study
    has no peak for sure.
    """
    by_run = rows.pivot(index="seed", columns=over, values="value")
    points = {place: own.get(f"{place}_{over}") for place in PLACES}
    if not has_peak(own, over) or not {*points.values()} <= {*by_run.columns}:
        return {}
    values = pd.DataFrame({place: by_run[point] for place, point in points.items()}).dropna()
    means = values.mean()
    found: dict[str, Any] = {f"at_{place}": float(means[place]) for place in PLACES}
    higher = "left" if means["left"] >= means["right"] else "right"
    heights, change = values["peak"] - values[higher], values["right"] - values["peak"]
    found |= {**mean_of("change", change), **mean_of("height", heights)}
    if len(change) > 1 and change.std() > 0:
        found["change_p"] = p_of_mean(change.to_numpy())
    return found | {"heights": {str(seed): float(height) for seed, height in heights.items()}}


def mean_of(name: str, values: pd.Series) -> dict[str, float]:
    """The mean under that name, and with LEAST_RUNS or more values the ends of Student's 95 % interval."""
    middle = float(values.mean())
    if len(values) < LEAST_RUNS:
        return {name: middle}
    half = half_width(values.to_numpy())
    return {name: middle, f"{name}_low": middle - half, f"{name}_high": middle + half}


def choice(lengths: pd.DataFrame, errors: pd.DataFrame, over: str) -> dict[str, Any]:
    """Does the point with the shortest description err least?

    `regret` is the test error at the point with the least mean length less the least mean test error, with a 95 %
    interval: quantiles over whole runs that are drawn anew, from both tables alike. The answer is yes where even its
    upper end is less than a point, no where even its lower end is more, and else undecided. So it is where there are
    fewer than LEAST_RUNS runs, or several points have the least length. Nothing where fewer than LEAST_POINTS points
    have all lengths and errors.
    """
    points = np.sort(lengths[over].unique())
    points = points[np.isin(points, errors[over].unique())]
    both = [table[table[over].isin(points) & table.seed.isin(lengths.seed)] for table in (lengths, errors)]
    bits, error = (table_of(table, over, column) for table, column in zip(both, ("value", "test_error"), strict=True))
    kept = ~np.isnan(bits).any(0) & ~np.isnan(error).any(0)
    bits, error, points = bits[:, kept], error[:, kept], points[kept]
    if len(points) < LEAST_POINTS:
        return {}
    mean = bits.mean(0)
    shortest, best = int(mean.argmin()), int(error.mean(0).argmin())
    regret = _regret(bits, error)
    found = {f"shortest_{over}": points[shortest].item(), f"best_{over}": points[best].item(), "regret": regret}
    if len(bits) < LEAST_RUNS:
        return found | {"chooses_best": UNDECIDED}
    drawn = np.random.default_rng(0).integers(len(bits), size=(DRAWS, len(bits)))
    regrets = [_regret(bits[runs], error[runs]) for runs in drawn]
    low, high = (float(end) for end in np.quantile(regrets, [0.025, 0.975]))
    sure = (mean == mean.min()).sum() == 1
    answer = YES if sure and high < SMALLEST else NO if sure and low > SMALLEST else UNDECIDED
    return found | {"chooses_best": answer, "regret_low": low, "regret_high": high}


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
    means = rows.groupby(along.over).value.mean()
    found |= {"first": float(means.iloc[0]), "last": float(means.iloc[-1]), "largest": float(means.max())}
    ends = [means.index[0], means.index[-1], means.idxmax()]
    found |= {f"{at}_{along.over}": float(point) for at, point in zip(ENDS, ends, strict=True)}
    if rows[column].iloc[0] == "simplex_possible":
        found["no_simplex_at"] = means.index[means < 1].tolist()
    if rows[column].iloc[0] in CHOOSING:
        errors = cells
        for option, value in place.items():
            errors = errors[errors[option] == value]
        found |= choice(rows, errors, along.over)
    return found


def guards_not_asked(reading: Reading, groups: dict[str, pd.DataFrame]) -> dict[str, tuple[str, ...]]:
    """An answer that is no error does not guess, and least squares in a sweep may: no training breaks down there."""
    sweeps = reading.measures == "sweep"
    return {name: ("above_chance",) for name, rows in groups.items() if sweeps or rows.unit.iloc[0] != ERROR}


def references(table: pd.DataFrame, column: str) -> dict[str, list[float]]:
    """The values of each reference, ascending."""
    of_reference = table[table.unit == REFERENCE]
    return {str(name): sorted(values.unique()) for name, values in of_reference.groupby(column, sort=False).value}


def finding(
    reading: Reading, along: Along, verdicts: dict[str, Verdict], beside: Mapping[str, list[float]] | None = None
) -> str:
    """The question, which answers peak, and what else the numbers say, a sentence each; `beside` are references."""
    changes = _changes(verdicts) or _ranges(verdicts, along.over)
    said = [reading.asks, _peaks(verdicts), *_heights(verdicts), *changes, *_choices(verdicts, along)]
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
    """The name of an answer without the word for what it is, such as "width 200, lasso"; a number keeps its word."""
    group, _, answer = name.rpartition(", ")
    of_what = answer.partition(" ")[2]
    answer = answer if of_what.replace(".", "").isdecimal() else of_what
    return f"{group}, {answer}" if group else answer


def _heights(verdicts: dict[str, Verdict]) -> list[str]:
    """How high errors rise where those of the study peak, and how much less than the first, a sentence a group."""
    together: dict[str, dict[str, Verdict]] = {}
    for name, found in verdicts.items():
        if found["unit"] == ERROR and "height" in found:
            group, _, answer = plain(name).rpartition(", ")
            together.setdefault(group, {})[answer] = found
    said = []
    for group, answers in together.items():
        (first, own), *others = answers.items()
        parts = [f"{first} {_of(own, 'height')}"]
        for answer, found in others:
            both = [seed for seed in own["heights"] if seed in found["heights"]]
            less = pd.Series([own["heights"][seed] - found["heights"][seed] for seed in both])
            parts.append(f"{answer} {_of(found, 'height')}, {_of(mean_of('less', less), 'less')} less")
        where = f" at {group}" if group else ""
        said.append(
            f"Where the study's error peaks{where}, it stands above the higher of its valleys by, in points: "
            f"{'; '.join(parts)}."
        )
    return said


def _of(numbers: Verdict, name: str) -> str:
    return with_interval(numbers[name], numbers.get(f"{name}_low"), numbers.get(f"{name}_high"))


def _changes(verdicts: dict[str, Verdict]) -> list[str]:
    """What rises or falls most surely between the peak of the errors and the valley beyond it.

    A change is sure if its p, times the number of answers (Bonferroni), is below SIGNIFICANCE.
    """
    known = {name: found for name, found in verdicts.items() if "change_p" in found and found["unit"] != ERROR}
    if not known:
        return []
    sure = {name: found for name, found in known.items() if found["change_p"] * len(known) < SIGNIFICANCE}
    changed = [
        f"{plain(name)} from {number(sure[name]['at_peak'])} to {number(sure[name]['at_right'])} "
        f"({said_of_change(sure[name])})"
        for name in sorted(sure, key=lambda name: float(sure[name]["change_p"]))[:MOST_CHANGES]
    ]
    if not changed:
        return ["From the peak of the test error to the valley beyond it none changes for sure."]
    rest = f", and {len(sure) - len(changed)} others" if len(sure) > len(changed) else ""
    return [f"From the peak of the test error to the valley beyond it change for sure: {'; '.join(changed)}{rest}."]


def _ranges(verdicts: dict[str, Verdict], over: str) -> list[str]:
    """Between which values answers lie, where the study has no peak to compare them at."""
    ranges = [
        f"{plain(name)} from {number(found['first'])} at {over} {axis_value(found[f'first_{over}'])} to "
        f"{number(found['last'])} at {axis_value(found[f'last_{over}'])}, at most {number(found['largest'])} at "
        f"{axis_value(found[f'largest_{over}'])}"
        for name, found in verdicts.items()
        if found["unit"] == RELATIVE
    ]
    return [f"In the mean over the runs go: {'; '.join(ranges[:MOST_CHANGES])}."] if ranges else []


def number(value: float) -> str:
    """Three significant digits, such as 0.0123 or 95,400."""
    return f"{float(f'{value:.3g}'):,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def said_of_change(found: Verdict) -> str:
    """Such as "-0.12 [-0.15, -0.09]"."""
    if "change_low" not in found:
        return number(found["change"])
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
            shortest, best = (axis_value(found[f"{place}_{along.over}"]) for place in ("shortest", "best"))
            where = f"at {group} " if group else ""
            worse = f"which errs {_of(found, 'regret')} points more than {along.over} {best}"
            if shortest == best:
                worse = f"the best, to within {_of(found, 'regret')} points"
            parts.append(f"{found['chooses_best']} {where}(it chooses {along.over} {shortest}, {worse})")
        text = "; ".join(parts)
        said.append(f"Does the least {answer} choose the {along.over} that errs least? {text[0].upper()}{text[1:]}.")
    return said


def _simplex(name: str, found: Verdict, over: str) -> str:
    group = plain(name).rpartition(", ")[0]
    where = f"{f'{group}, ' if group else ''}{over} {listed([axis_value(point) for point in found['no_simplex_at']])}"
    return f"At {where} some networks have fewer live units than a simplex needs, and cannot form one."


def words(verdicts: dict[str, Verdict], over: str) -> pd.DataFrame:
    """A line of words an answer."""
    lines = []
    for name, found in verdicts.items():
        peak = said_of(found[f"peak_{over}"]) if f"peak_{over}" in found else "-"
        places = ("first", *(f"at_{place}" for place in ("left", "peak", "right")), "last")
        beside = [number(found[at]) if at in found else "-" for at in places]
        change = said_of_change(found) if "change" in found else "-"
        about = [plain(name), KINDS[found["unit"]]]
        lines.append([*about, *beside, change, peak, d_with_interval(found), answer_with_reason(found)])
    columns = ["answer", "kind", "first", "left valley", "peak of the error", "right valley", "last"]
    columns += ["change to the right [95 %]", f"own peak at {over}", "D [95 %]", "own peak?"]
    return pd.DataFrame(lines, columns=columns)


def headline(verdicts: dict[str, Verdict]) -> dict[str, str]:
    """A reading's two columns of `dvc exp show`: how many of its answers peak, and the highest D."""
    said = [found["answer"] for found in verdicts.values()]
    counts = listed([f"{said.count(answer)} {answer}" for answer in (YES, UNDECIDED, NO) if answer in said])
    return {"own peaks": counts, "highest D": d_with_interval(highest_of(verdicts))}


def summary(asks: Mapping[str, str], verdicts: Mapping[str, dict[str, Verdict]]) -> pd.DataFrame:
    """A line of words a reading: its question, how many of its answers peak, and which one most."""
    lines = []
    for name, found in verdicts.items():
        most = max(found, key=lambda answer: (found[answer]["answer"] == YES, found[answer]["D"]))
        highest = f"{plain(most)}: {d_with_interval(found[most])}, {found[most]['answer']}"
        lines.append([f"[{name}](RESULTS.md#{name})", asks[name], headline(found)["own peaks"], highest])
    return pd.DataFrame(
        lines,
        columns=[
            "reading",
            "question",
            "answers with a peak of their own",
            "highest D, of a yes if there is one [95 %]",
        ],
    )
