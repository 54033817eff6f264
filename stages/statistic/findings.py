"""What a person is told of the numbers: tables of words, sentences, and the few numbers that sum up an experiment."""

from typing import Any

import pandas as pd

from stages.base.params import LEAST_SEEDS
from stages.statistic.descent import LEAST_POINTS
from stages.statistic.tables import axis_value, cell_means
from stages.statistic.verdict import SIGNIFICANCE, SMALLEST

OVER_ALPHA = [
    "width",
    "best accuracy, % (alpha)",
    "worst, % (alpha)",
    "largest alpha, %",
    "most exact zeros",
    "D, points [95 %]",
    "double descent?",
    "from the paper, points",
]
OVER_WIDTH = ["width", "test error, %", "training error, %", "epochs"]


NO_SEEDS = f"fewer than {LEAST_SEEDS} seeds"


def too_few(cells: pd.DataFrame, axis: str) -> str:
    """Why cells whose verdict has no D have none along that axis, "alpha" or "width"."""
    return NO_SEEDS if cells.seed.nunique() < LEAST_SEEDS else f"fewer than {LEAST_POINTS} {axis}s"


def answer(verdict: dict[str, Any]) -> str:
    """Whether a width's verdict says double descent; if not, why: D may be under SMALLEST, or guards fail.

    A verdict is empty where there are too few seeds, and without D where there are too few alphas.
    """
    if "D" not in verdict:
        return f"no verdict: {f'fewer than {LEAST_POINTS} alphas' if verdict else NO_SEEDS}"
    if verdict.get("double_descent"):
        return "yes"
    if verdict["D_low"] < SMALLEST:
        return "no: no sure peak"
    failed = [name.replace("_", " ") for name, holds in verdict["guards"].items() if not holds]
    return f"no: fails {', '.join(failed or [f'p < {SIGNIFICANCE}'])}"


def d_with_interval(verdict: dict[str, Any], digits: int = 1) -> str:
    """D in points with its 95 % interval, or a dash."""
    if "D" not in verdict:
        return "-"
    d, low, high = (round(100 * verdict[key], digits) + 0.0 for key in ("D", "D_low", "D_high"))  # + 0.0: no -0
    return f"{d:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def with_spread(mean: pd.Series, sd: pd.Series) -> list[str]:
    return [f"{m:.1f} ± {s:.1f}" if pd.notna(s) else f"{m:.1f}" for m, s in zip(mean, sd, strict=True)]


def by_width(verdict: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """The verdicts of the widths alone."""
    return {int(name.removeprefix("width_")): v for name, v in verdict.items() if name.startswith("width_")}


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
                answer(judged),
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
    """The verdict in one sentence."""
    if cells.alpha.nunique() == 1:
        of_width = verdict.get("over_width", {})
        return finding_over_width(of_width) if "D" in of_width else f"No verdict over width: {too_few(cells, 'width')}."
    judged = {width: v for width, v in by_width(verdict).items() if "D" in v}
    if not judged:
        return f"No verdict over alpha: {too_few(cells, 'alpha')}."
    shown = [width for width, v in judged.items() if v["double_descent"]]
    if shown:
        heights = ", ".join(f"{d_with_interval(judged[width])} points at width {width}" for width in shown)
        return f"Test error over alpha: a sparse double descent at {len(shown)} of {len(judged)} widths, D = {heights}."
    highest = max(judged, key=lambda width: judged[width]["D"])
    height = f"the highest peak, D = {d_with_interval(judged[highest])} points at width {highest}"
    why = answer(judged[highest]).removeprefix("no: ").replace("no sure peak", "is no sure one")
    return f"Test error over alpha: no sparse double descent at any of {len(judged)} widths; {height}, {why}."


def finding_over_width(verdict: dict[str, Any]) -> str:
    """One sentence on the test error over width, from a verdict with D."""
    height = f"Test error over width: D = {d_with_interval(verdict)} points, p = {verdict['p_value']:.3f}"
    peak = f"a peak at width {verdict['peak_width']}" if verdict["double_descent"] else "no double descent"
    threshold = verdict.get("threshold")
    fitted = f"width {threshold} is the first that fits" if threshold else "no width fits"
    return f"{height}: {peak}; {fitted} its training set."


def agreement(paper: pd.DataFrame) -> str:
    """How many cells lie near the paper's; where its chaos begins, between alpha 1 and 500, a run is a draw."""
    near = (paper.difference.abs() <= 2) | (paper.difference_in_sd.abs() <= 2)
    steady = (paper.width >= 25) & ((paper.alpha <= 1) | (paper.alpha >= 500))
    return (
        f"Within 2 points of the paper's accuracy or within 2 of our standard deviations: {near.sum()} of {len(paper)} "
        f"cells; at widths from 25 and alphas to 1 and from 500, {(near & steady).sum()} of {steady.sum()}."
    )


def headline(cells: pd.DataFrame, verdict: dict[str, Any]) -> dict[str, float]:
    """Six numbers or fewer, named in plain words, for a narrow `dvc exp show`."""
    means = cell_means(cells)
    best = means.iloc[int(means.test_error.argmin())]
    found = {
        "lowest test error, %": 100 * float(best.test_error),
        "its width": int(best.width),
        "its alpha": float(best.alpha),
    }
    zeros = means.zero_fraction.max()
    if pd.notna(zeros):
        found["most exact zeros, %"] = 100 * float(zeros)
    single = cells.alpha.nunique() == 1
    judged = [verdict.get("over_width", {})] if single else list(by_width(verdict).values())
    judged = [v for v in judged if "D" in v]
    if judged:
        found["highest D, points"] = 100 * max(v["D"] for v in judged)
        found["double descents"] = sum(v["double_descent"] for v in judged)
    return found
