"""What a person is told of the pruning study: a verdict on every cell, one sentence, and plot data."""

from typing import Any

import pandas as pd

from stages.base.params import LEAST_SEEDS
from stages.statistic.descent import LEAST_POINTS, descent, holm
from stages.statistic.findings import NO_SEEDS, d_with_interval
from stages.statistic.verdict import FITTED, SIGNIFICANCE, SMALLEST, peaks

CELL = ["method", "retraining"]


def verdict(cell: pd.DataFrame) -> dict[str, Any]:
    """D of a cell's test error over sparsity, without the grid's guards, and where things happen on the way."""
    means = cell.groupby("round").mean(numeric_only=True)
    error, sparsity = means.test_error.to_numpy(), means.sparsity.to_numpy()
    peak = int(peaks(error[None], sparsity)[0])
    best = peak + int(error[peak:].argmin())
    unfitted = sparsity[means.train_error > FITTED]
    found: dict[str, Any] = {
        "dense_error": error[0],
        "peak_error": error[peak],
        "peak_sparsity": sparsity[peak],
        "best_error": error[best],
        "best_sparsity": sparsity[best],
        "last_error": error[-1],
        **({"unfitted_sparsity": unfitted[0]} if len(unfitted) else {}),
    }
    errors = cell.pivot(index="seed", columns="round", values="test_error").to_numpy()
    result = descent(errors, sparsity) if len(errors) >= LEAST_SEEDS else None
    if result is None:
        return found
    return found | {"D": result.height, "D_low": result.low, "D_high": result.high, "p_value": result.p_value}


def verdicts(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of every cell, with Holm's correction over the cells; without `double_descent` where there are too few seeds or
    rounds."""
    found = {"_".join(map(str, name)): verdict(cell) for name, cell in table.groupby(CELL, sort=False)}
    judged = [v for v in found.values() if "D" in v]
    for v, p_value in zip(judged, holm([v["p_value"] for v in judged]), strict=True):
        v |= {"p_holm": p_value, "double_descent": bool(v["D_low"] >= SMALLEST and p_value < SIGNIFICANCE)}
    return found


def finding(table: pd.DataFrame, found: dict[str, dict[str, Any]], noise: float) -> str:
    """One sentence, from the verdicts on the cells of a table."""

    def percent(share: float) -> str:
        return f"{100 * share:.1f} %"

    few = table.seed.nunique() < LEAST_SEEDS
    said = []
    for name, v in found.items():
        answer = f"no verdict, {NO_SEEDS if few else f'fewer than {LEAST_POINTS} rounds'}"
        if "D" in v:
            answer = "a double descent" if v["double_descent"] else "no double descent"
            answer += f", D = {d_with_interval(v)} points"
        stages = ", ".join(
            f"{percent(v[f'{stage}_error'])} at {percent(v[f'{stage}_sparsity'])}" for stage in ("peak", "best")
        )
        errors = f"{percent(v['dense_error'])} dense, {stages} sparsity, {percent(v['last_error'])} at the end"
        leaves = f"leaves zero at {percent(v['unfitted_sparsity'])}" if "unfitted_sparsity" in v else "stays at zero"
        said.append(f"{name.replace('_', ' ')}: {answer} (test error {errors}; training error {leaves})")
    return f"Pruned with {percent(noise)} of the labels wrong, {'; '.join(said)}."


def points(table: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: a row a cell and round; in %, test error with its band of one standard deviation."""
    groups = table.assign(series=table.method + ", " + table.retraining).groupby(["series", "round"], sort=False)
    mean, spread = 100 * groups.test_error.mean(), 100 * groups.test_error.std().fillna(0)
    left = 100 * (1 - groups.sparsity.mean())
    return pd.DataFrame({"left": left, "test_error": mean, "low": mean - spread, "high": mean + spread}).reset_index()
