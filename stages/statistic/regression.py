"""What a person is told of the regressions: each method's peak over the features, one sentence, and plot data."""

from typing import Any

import numpy as np
import pandas as pd

from stages.base.params import Lasso
from stages.linear.regression import ROUNDING
from stages.statistic.descent import descent, earlier, heights
from stages.statistic.verdict import SIGNIFICANCE

LEAST_FACTOR = 1.1  # by which a peak must exceed the higher of its valleys to be one


def log10_mse(mse: pd.Series) -> pd.Series:
    """The logarithm, where an error of at most ROUNDING counts as ROUNDING."""
    return pd.Series(np.log10(mse.clip(lower=ROUNDING)))


def peak(rows: pd.DataFrame) -> dict[str, Any]:
    """One method's D of the log10 test MSE over features, with runs as seeds; where its peak is, if there is one."""
    table = rows.assign(error=log10_mse(rows.test_mse)).pivot(index="run", columns="features", values="error")
    errors, features = table.to_numpy(), table.columns.to_numpy(np.float64)
    result = descent(errors, features)
    assert result, "params.py asks for three values of n_features or more"
    found = {f"D_log10{end}": value for end, value in zip(("", "_low", "_high"), result[:3], strict=True)}
    found["p_value"] = result.p_value
    if result.low < np.log10(LEAST_FACTOR) or result.p_value >= SIGNIFICANCE:
        return found
    place = heights(errors.mean(0, keepdims=True), earlier(features)).argmax()
    return found | {"peak_features": int(features[place])}


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
    methods = {str(method).replace(" ", "_"): peak(rows) for method, rows in table.groupby("method", sort=False)}
    return {"published": of_published, **methods}


def finding(numbers: dict[str, Any], config: Lasso) -> str:
    """One sentence, from the numbers of `summary`."""
    published = numbers["published"]
    can = "cannot" if published["components"] < published["rows"] else "can"
    said = []
    for name, found in list(numbers.items())[1:]:
        method = name.replace("_", " ")
        if "peak_features" not in found:
            said.append(f"{method} has no peak")
            continue
        factor, low, high = (10 ** found[f"D_log10{end}"] for end in ("", "_low", "_high"))
        where = f"peaks at {found['peak_features']} features"
        said.append(f"{method} {where}, {factor:.1f} [{low:.1f}, {high:.1f}] times the higher valley")
    return (
        f"As published, the LASSO's test R² goes from {published['first_r2']:.2f} to {published['last_r2']:.2f} and "
        f"never falls by more than {published['largest_fall_of_r2']:.4f}; its {published['components']} components "
        f"{can} fit its {published['rows']:,} rows. With {config.n_train} rows {'; '.join(said)}."
    )


def points(table: pd.DataFrame, config: Lasso) -> pd.DataFrame:
    """For `dvc plots`: median and quartiles over runs of log10 test MSE."""
    logs = table.assign(log10_test_mse=log10_mse(table.test_mse)).rename(columns={"method": "series"})
    quartiles = (
        logs.groupby(["series", "features"], sort=False).log10_test_mse.quantile(np.array([0.25, 0.5, 0.75])).unstack()
    )
    named = quartiles.set_axis(["low", "log10_test_mse", "high"], axis=1).reset_index()
    return named.assign(run=f"{config.n_train} rows, {config.runs} runs")
