"""What a person is told of the regressions: each method's peak over the features, one sentence, and plot data."""

from typing import Any

import numpy as np
import pandas as pd

from stages.base.params import Lasso
from stages.linear.regression import ROUNDING
from stages.statistic.judge import NO, YES, Scale, judge_all

LEAST_FACTOR = 1.1  # by which a peak must exceed the higher of its valleys to be one
DESCRIPTION = "description"
BITS = Scale(smallest=0.05, far=np.inf)  # of a target, of which a peak is no rounding
LOG10 = Scale(smallest=float(np.log10(LEAST_FACTOR)), far=np.inf)  # a large error near the threshold is no failure


def log10_mse(mse: pd.Series) -> pd.Series:
    """The logarithm, where an error of at most ROUNDING counts as ROUNDING."""
    return pd.Series(np.log10(mse.clip(lower=ROUNDING)))


def judged(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of every method, the judgement of its log10 test MSE over features; where its peak is, if there is one."""
    methods = {str(name).replace(" ", "_"): rows for name, rows in table.groupby("method", sort=False)}
    tables = [
        rows.assign(error=log10_mse(rows.test_mse)).pivot(index="run", columns="features", values="error")
        for rows in methods.values()
    ]
    found = judge_all([one.to_numpy() for one in tables], scale=LOG10)
    return {
        name: {"answer": one.answer, "D_log10": one.d}
        | ({} if one.low is None else {"D_log10_low": one.low, "D_log10_high": one.high, "p_holm": one.p_holm})
        | ({} if one.peak is None else {"peak_features": int(of_method.columns[one.peak])})
        for name, of_method, one in zip(methods, tables, found, strict=True)
    }


def summary(published: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """For metrics/lasso.json: R^2 as published and its largest fall, and every method's peak."""
    r2 = published.test_r2
    of_published = {
        "rows": int(published["rows"].iloc[0]),
        "components": len(published),
        "first_r2": r2.iloc[0],
        "last_r2": r2.iloc[-1],
        "largest_fall_of_r2": float((r2.cummax() - r2).max()),
    }
    return {"published": of_published, **judged(table)}


def finding(numbers: dict[str, Any], config: Lasso) -> str:
    """One sentence, from the numbers of `summary`."""
    published = numbers["published"]
    can = "cannot" if published["components"] < published["rows"] else "can"
    said = []
    for name, found in numbers.items():
        if name in ("published", DESCRIPTION):
            continue
        method = name.replace("_", " ")
        if found["answer"] == NO:
            said.append(f"{method} has no peak")
            continue
        height = f"{10 ** found['D_log10']:.1f}"
        if "D_log10_low" in found:
            height += f" [{10 ** found['D_log10_low']:.1f}, {10 ** found['D_log10_high']:.1f}]"
        height += " times the higher valley"
        if found["answer"] == YES:
            said.append(f"{method} peaks at {found['peak_features']} features, {height}")
        else:
            said.append(f"whether {method} has a peak is undecided, {height}")
    return (
        f"As published, the LASSO's test R² goes from {published['first_r2']:.2f} to {published['last_r2']:.2f} and "
        f"never falls by more than {published['largest_fall_of_r2']:.4f}; its {published['components']} components "
        f"{can} fit its {published['rows']:,} rows. With {config.n_train} rows {'; '.join(said)}.{_of_lengths(numbers)}"
    )


def lengths(table: pd.DataFrame, rows: int) -> dict[str, Any]:
    """How the length of a description grows with the features, under the name DESCRIPTION; nothing of no rows.

    Of MDL-COMP with the lambdas (see `linear.mdl`), in bits a target: its judgement over features, the share of the
    mean's variance that a line explains up to as many features as rows, and beyond that how it grows as they double.
    """
    if not len(table):
        return {}
    values = table.pivot(index="run", columns="features", values="mdl_comp_with_lambdas")
    features, mean = values.columns.to_numpy(np.float64), values.mean().to_numpy()
    (found,) = judge_all([values.to_numpy()], scale=BITS)
    below, above = features <= rows, features >= rows
    numbers: dict[str, Any] = {"answer": found.answer, "D_bits": found.d}
    if found.low is not None:
        numbers |= {"D_bits_low": found.low, "D_bits_high": found.high}
    if below.sum() > 2:
        numbers["linear_below"] = float(np.corrcoef(features[below], mean[below])[0, 1] ** 2)
        numbers["bits_a_feature_below"] = float(np.polyfit(features[below], mean[below], 1)[0])
    if above.sum() > 1:
        numbers["bits_a_doubling_above"] = float(np.polyfit(np.log2(features[above]), mean[above], 1)[0])
    return {DESCRIPTION: numbers}


def _of_lengths(numbers: dict[str, Any]) -> str:
    if DESCRIPTION not in numbers:
        return ""
    found = numbers[DESCRIPTION]
    height = f"{found['D_bits']:.2f}"
    if "D_bits_low" in found:
        height += f" [{found['D_bits_low']:.2f}, {found['D_bits_high']:.2f}]"
    said = " Does the length of their description (MDL-COMP) peak? "
    said += f"{found['answer'].capitalize()} (D = {height} bits a row)"
    if {"linear_below", "bits_a_doubling_above"} <= {*found}:
        said += (
            f": it grows by {found['bits_a_feature_below']:.3f} bits a feature up to as many features as rows, "
            f"where a line explains {100 * found['linear_below']:.1f} % of it, and beyond that by "
            f"{found['bits_a_doubling_above']:.2f} bits as the features double"
        )
    return f"{said}."


def points(table: pd.DataFrame, config: Lasso) -> pd.DataFrame:
    """For `dvc plots`: median and quartiles over runs of log10 test MSE."""
    logs = table.assign(log10_test_mse=log10_mse(table.test_mse)).rename(columns={"method": "series"})
    quartiles = (
        logs.groupby(["series", "features"], sort=False).log10_test_mse.quantile(np.array([0.25, 0.5, 0.75])).unstack()
    )
    named = quartiles.set_axis(["low", "log10_test_mse", "high"], axis=1).reset_index()
    return named.assign(run=f"{config.n_train} rows, {config.runs} runs")
