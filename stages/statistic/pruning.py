"""What a person is told of the pruning study: a verdict on every cell, one sentence, and plot data."""

import pandas as pd

from stages.statistic.findings import Verdict, because_of, d_with_interval
from stages.statistic.verdict import FITTED, peaks, verdicts

CELL = ["method", "retraining"]


def on_the_way(cell: pd.DataFrame) -> dict[str, float]:
    """Mean test errors of a cell before pruning, at the peak, at the best round after it and at the end, with their
    sparsities; and the sparsity from which on the training set is not fitted."""
    means = cell.groupby("round").mean(numeric_only=True)
    error, sparsity = means.test_error.to_numpy(), means.sparsity.to_numpy()
    peak = int(peaks(error[None])[0])
    best = peak + int(error[peak:].argmin())
    unfitted = sparsity[means.train_error > FITTED]
    return {
        "dense_error": error[0],
        "peak_error": error[peak],
        "peak_sparsity": sparsity[peak],
        "best_error": error[best],
        "best_sparsity": sparsity[best],
        "last_error": error[-1],
        **({"unfitted_sparsity": unfitted[0]} if len(unfitted) else {}),
    }


def of_cells(table: pd.DataFrame) -> dict[str, Verdict]:
    """Of every cell, the verdict over the rounds of pruning, and where things happen on the way."""
    cells = {"_".join(map(str, name)): cell for name, cell in table.groupby(CELL, sort=False)}
    found = verdicts(cells, "round")
    return {name: verdict | on_the_way(cells[name]) for name, verdict in found.items()}


def finding(found: dict[str, Verdict], noise: float) -> str:
    """The answers in one sentence, from the verdicts on the cells."""

    def percent(share: float) -> str:
        return f"{100 * share:.1f} %"

    said = []
    for name, v in found.items():
        because = f", {why}" if (why := because_of(v)) else ""
        stages = ", ".join(
            f"{percent(v[f'{stage}_error'])} at {percent(v[f'{stage}_sparsity'])}" for stage in ("peak", "best")
        )
        errors = f"{percent(v['dense_error'])} dense, {stages} sparsity, {percent(v['last_error'])} at the end"
        leaves = f"leaves zero at {percent(v['unfitted_sparsity'])}" if "unfitted_sparsity" in v else "stays at zero"
        said.append(
            f"{name.replace('_', ' ')}: {v['answer']}, D = {d_with_interval(v)} points{because} (test error {errors}; "
            f"training error {leaves})"
        )
    question = f"Is there a double descent over pruning, with {percent(noise)} of the labels wrong?"
    return f"{question} {'; '.join(said)}."


def points(table: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: a row a cell and round; in %, test error with its band of one standard deviation."""
    groups = table.assign(series=table.method + ", " + table.retraining).groupby(["series", "round"], sort=False)
    mean, spread = 100 * groups.test_error.mean(), 100 * groups.test_error.std().fillna(0)
    left = 100 * (1 - groups.sparsity.mean())
    return pd.DataFrame({"left": left, "test_error": mean, "low": mean - spread, "high": mean + spread}).reset_index()
