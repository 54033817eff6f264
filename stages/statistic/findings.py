"""What a person is told of the numbers: tables of words, sentences, and the few numbers that sum up an experiment."""

from typing import Any, NamedTuple

import pandas as pd

from stages.base.params import LEAST_POINTS
from stages.statistic.guards import GUARDS, Guard
from stages.statistic.judge import NO, SIGNIFICANCE, SMALLEST, UNDECIDED, YES
from stages.statistic.sentences import LACKS, listed, with_interval
from stages.statistic.tables import axis_value, cell_means

OVER_ALPHA = [
    "width",
    "best accuracy, % (alpha)",
    "worst, % (alpha)",
    "largest alpha, %",
    "most exact zeros",
    "D, points [95 %]",
    "D settled",
    "double descent?",
    "from the paper, points",
]
OVER_WIDTH = ["width", "test error, %", "training error, %", "epochs"]
ALL = "all"  # the one group of a study whose grid has no other option than its axis
NO_PEAK = "no peak of a point or more"
Verdict = dict[str, Any]  # of one group along one axis, as in verdict.json


class Reason(NamedTuple):
    """Why a verdict is not a yes: in few words, for a table, and as the end of a sentence. Both are empty for a yes."""

    short: str
    long: str


def reason(verdict: Verdict) -> Reason:
    if verdict["answer"] == YES:
        return Reason("", "")
    if verdict["answer"] == NO:
        whys = "; ".join(guard.why for guard in _against(verdict))
        long = f"the peak is there, but {whys}" if does_not_count(verdict) else NO_PEAK
        return Reason(", ".join(causes(verdict)), long)
    if "lacks" in verdict:
        short, why, _ = LACKS[verdict["lacks"]]
        return Reason(short, why)
    if _is_sure(verdict):  # and a guard cannot tell
        names = [name for name, said in verdict["guards"].items() if said == UNDECIDED]
        short = " ".join(f"{name.replace('_', ' ')}?" for name in names)
        return Reason(short, " and ".join(f"it is not sure whether {GUARDS[name].unsure}" for name in names))
    if count := runs_needed(verdict):
        needed = f"about {count} runs"
        return Reason(needed, f"{needed} would probably decide it")
    return Reason("no affordable number of runs", "no affordable number of runs would decide it")


def does_not_count(verdict: Verdict) -> bool:
    """Whether there is a peak for sure, and a guard says no of it."""
    return bool(verdict["answer"] == NO and verdict["D_high"] >= SMALLEST)


def causes(verdict: Verdict) -> list[str]:
    """What a no is due to, in few words each; nothing for another answer."""
    if verdict["answer"] != NO:
        return []
    return [guard.no for guard in _against(verdict)] if does_not_count(verdict) else ["no peak"]


def _against(verdict: Verdict) -> list[Guard]:
    return [GUARDS[name] for name, said in verdict["guards"].items() if said == NO]


def runs_needed(verdict: Verdict) -> int | None:
    """About how many runs would decide what is undecided, if more runs would and so many can be afforded."""
    if verdict["answer"] != UNDECIDED or "lacks" in verdict or _is_sure(verdict):
        return None
    return verdict.get("runs_needed")


def _is_sure(verdict: Verdict) -> bool:
    return bool(verdict["D_low"] >= SMALLEST and verdict["p_holm"] < SIGNIFICANCE)


def answer_with_reason(verdict: Verdict) -> str:
    """The answer, and in few words what it is due to, such as "no: not sparse"."""
    if not verdict:
        return UNDECIDED
    return f"{verdict['answer']}: {short}" if (short := reason(verdict).short) else str(verdict["answer"])


def d_with_interval(verdict: Verdict, digits: int = 1, name: str = "D") -> str:
    """D in points with its 95 % interval, if it has one; or a dash."""
    if name not in verdict:
        return "-"
    return with_interval(verdict[name], verdict.get(f"{name}_low"), verdict.get(f"{name}_high"), digits)


def with_spread(mean: pd.Series, sd: pd.Series) -> list[str]:
    return [f"{m:.1f} ± {s:.1f}" if pd.notna(s) else f"{m:.1f}" for m, s in zip(mean, sd, strict=True)]


def by_width(verdict: dict[str, Any]) -> dict[int, Verdict]:
    """The verdicts of the widths alone."""
    return {int(name.removeprefix("width_")): v for name, v in verdict.items() if name.startswith("width_")}


def of_widths(verdict: dict[str, Any]) -> dict[str, Verdict]:
    """The same, by the names that widths have as groups."""
    return {f"width {width}": found for width, found in by_width(verdict).items()}


def over_alpha(means: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any]) -> list[list[str]]:
    """One line a width: accuracies are means and standard deviations over seeds; the distance from the paper is the
    median of |difference| over the alphas that both have."""
    found = []
    for width, cells in means.groupby("width"):
        cells = cells.set_index("alpha").sort_index()
        accuracy = 100 * (1 - cells.test_error)
        at = dict(zip(cells.index, with_spread(accuracy, 100 * cells.test_error_sd), strict=True))
        best, worst, last = accuracy.idxmax(), accuracy.idxmin(), cells.index[-1]
        judged = verdict.get(f"width_{width}", {})
        theirs = paper[paper.width == width].difference.abs()
        found.append(
            [
                str(width),
                f"{at[best]} ({axis_value(best)})",
                f"{at[worst]} ({axis_value(worst)})",
                at[last],
                f"{100 * cells.zero_fraction.max():.1f} %",
                d_with_interval(judged),
                d_with_interval(judged, name="D_settled"),
                answer_with_reason(judged),
                f"{theirs.median():.2f} ({len(theirs)} cells)" if len(theirs) else "-",
            ]
        )
    return found


def over_width(means: pd.DataFrame) -> list[list[str]]:
    """One line a width, for cells of one alpha: errors with their spread, and the epochs that the runs took."""
    means = means.sort_values("width")
    test, train = (with_spread(100 * means[f"{s}_error"], 100 * means[f"{s}_error_sd"]) for s in ("test", "train"))
    epochs = [f"{epochs:.0f}" for epochs in means.epochs]
    return [list(row) for row in zip(means.width.astype(str), test, train, epochs, strict=True)]


def table(cells: pd.DataFrame, paper: pd.DataFrame, verdict: dict[str, Any]) -> pd.DataFrame:
    """One line of words a width; an experiment of one alpha is read over width."""
    means = cell_means(cells)
    if cells.alpha.nunique() == 1:
        return pd.DataFrame(over_width(means), columns=OVER_WIDTH)
    return pd.DataFrame(over_alpha(means, paper, verdict), columns=OVER_ALPHA)


def finding(cells: pd.DataFrame, verdict: dict[str, Any]) -> str:
    """The answer in one sentence for every group of widths of which the same is to be said."""
    if cells.alpha.nunique() == 1:
        return finding_over_width(verdict.get("over_width", {}))
    return f"Is there a sparse double descent over alpha? {said_of_groups(of_widths(verdict), 'alpha')}"


def finding_over_width(verdict: Verdict) -> str:
    """The answer over width in one sentence, and where the training set begins to be fitted."""
    question = "Is there a double descent over width?"
    threshold = verdict.get("threshold")
    fits = f"Width {threshold} is the first that fits" if threshold else "No width fits"
    if "answer" not in verdict:
        return f"{question} Undecided: a peak needs {LEAST_POINTS} widths. {fits} its training set."
    peak = f", at width {verdict['peak_width']}" if verdict["answer"] == YES else ""
    said = f"{verdict['answer'].capitalize()}: D = {d_with_interval(verdict)} points{peak}"
    because = f", {why}" if (why := reason(verdict).long) else ""
    return f"{question} {said}{because}. {fits} its training set."


def said_of_groups(groups: dict[str, Verdict], axis: str) -> str:
    """Of groups by name that were judged along the axis, a sentence for those with the same answer for the same reason.

    A yes comes first.
    """
    together: dict[tuple[str, str], dict[str, Verdict]] = {}
    for name, found in groups.items():
        together.setdefault((found["answer"], reason(found).long), {})[name] = found
    said = []
    for (answer, because), found in sorted(together.items(), key=lambda item: [YES, UNDECIDED, NO].index(item[0][0])):
        every = answer != NO or GUARDS["settled"].why in because
        where = f" at {_with_heights(found, every)}" if ALL not in found else f" ({_height(found[ALL])})"
        said.append(f"{answer.capitalize()}{where}{f': {because}' if because else ''}.")
    return " ".join([*said, *(_left_out(name, found, axis) for name, found in groups.items() if "failed" in found)])


def _left_out(name: str, verdict: Verdict, axis: str) -> str:
    where = "" if name == ALL else f" at {name}"
    runs = listed([f"seed {seed} at {axis} {axis_value(point)}" for seed, point in verdict["failed"]])
    height = with_interval(verdict["D_with_failed"], None, None)
    return f"Left out{where}, because the error is far above that of the other runs: {runs}; with them D is {height}."


def _with_heights(groups: dict[str, Verdict], every: bool) -> str:
    """The groups by name, with the height of every one, or with the largest of them."""
    if every or len(groups) == 1:
        return listed([f"{name} ({_height(found)})" for name, found in groups.items()])
    highest = max(groups, key=lambda name: groups[name]["D"])
    return f"{names_of(list(groups))} ({_height(groups[highest])} at {highest}, the highest)"


def names_of(names: list[str]) -> str:
    """The names of groups in short, such as "widths 5 and 10", or "penalty l1 (widths 5 and 10) and penalty l2"."""
    options = {name.split(" ")[0] for name in names}
    if len(names) == 1 or len(options) > 1:
        return listed(names)
    option = options.pop()
    if all(name.count(" ") == 1 for name in names):
        plural = option if "_" in option else f"{option}s"  # label_noise is the name of an option, label_noises is none
        return f"{plural} {listed([name.split(' ')[1] for name in names])}"
    parts = [name.partition(", ") for name in names]
    together: dict[str, list[str]] = {}
    for first, _, rest in parts:
        together.setdefault(first, []).append(rest)
    if not all(rest for _, _, rest in parts):
        return listed(names)
    return listed([f"{first} ({names_of(rests)})" for first, rests in together.items()])


def _height(verdict: Verdict) -> str:
    """D, and where the guard speaks of it what is left when settled."""
    height = f"D = {d_with_interval(verdict)} points"
    if GUARDS["settled"].why not in reason(verdict).long:
        return height
    return f"{height}, settled {d_with_interval(verdict, name='D_settled')}"


def overall(verdicts: list[Verdict]) -> str:
    """YES if any of them is, NO if all are, else UNDECIDED."""
    answers = {verdict["answer"] for verdict in verdicts}
    return YES if YES in answers else NO if answers == {NO} else UNDECIDED


def agreement(paper: pd.DataFrame) -> str:
    """How many cells lie near the paper's; where its chaos begins, between alpha 1 and 500, a run is a draw."""
    near = near_paper(paper)
    steady = (paper.width >= 25) & ((paper.alpha <= 1) | (paper.alpha >= 500))
    return (
        f"{near.sum()} of {len(paper)} cells lie within 2 points of the paper's accuracy, or within 2 of our standard "
        f"deviations. Where a width of 25 or more meets an alpha of at most 1 or at least 500, {(near & steady).sum()} "
        f"of {steady.sum()} do."
    )


def near_paper(paper: pd.DataFrame) -> pd.Series:
    """Which cells lie within 2 points of the paper's accuracy or within 2 standard deviations over our seeds."""
    return (paper.difference.abs() <= 2) | (paper.difference_in_sd.abs() <= 2)


def headline(cells: pd.DataFrame, verdict: dict[str, Any]) -> dict[str, float | str]:
    """Is there a double descent, where is the highest peak, and where the lowest error? For a narrow `dvc exp show`."""
    single = cells.alpha.nunique() == 1
    judged = (
        {"": verdict.get("over_width", {})} if single else {f"width {w}, ": v for w, v in by_width(verdict).items()}
    )
    judged = {name: found for name, found in judged.items() if "answer" in found}
    said: dict[str, float | str] = {"double descent": overall(list(judged.values())) if judged else UNDECIDED}
    if judged:
        name = max(judged, key=lambda name: (judged[name]["answer"] == YES, judged[name]["D"]))
        axis = "width" if single else "alpha"
        peak = judged[name].get(f"peak_{axis}")
        said["D, points"] = 100 * judged[name]["D"]
        said["D is at"] = "-" if peak is None else f"{name}{axis} {axis_value(peak)}"
    means = cell_means(cells)
    best = means.iloc[int(means.test_error.argmin())]
    said["lowest test error, %"] = 100 * float(best.test_error)
    said["lowest is at"] = f"width {int(best.width)}, alpha {axis_value(best.alpha)}"
    zeros = means.zero_fraction.max()
    if pd.notna(zeros):
        said["most exact zeros, %"] = 100 * float(zeros)
    return said
