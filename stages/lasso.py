"""Stage `lasso`: the paper's first experiment, LASSO regression, and the regime in which regression can interpolate."""

import argparse
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from threadpoolctl import threadpool_limits

from stages.base import files
from stages.base.console import console, run
from stages.base.machine import refuse_too_large
from stages.base.params import Lasso
from stages.figures.style import OKABE_ITO, STYLE, panels, save
from stages.linear.regression import (
    LIMIT,
    ROUNDING,
    memory_of_regression,
    over_components,
    over_features,
    published_sample,
)
from stages.statistic.descent import descent, earlier, heights
from stages.statistic.tables import to_csv, to_json, to_records
from stages.statistic.verdict import SIGNIFICANCE

LEAST_FACTOR = 1.1  # by which a peak must exceed the higher of its valleys to be one


def log10_mse(mse: pd.Series) -> pd.Series:
    """With an error of 0 at the largest that counts as one."""
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
        said.append(f"{name.replace('_', ' ')} has no peak")
        if "peak_features" in found:
            factor, low, high = (10 ** found[f"D_log10{end}"] for end in ("", "_low", "_high"))
            where = f"peaks at {found['peak_features']} features"
            said[-1] = f"{name.replace('_', ' ')} {where}, {factor:.1f} [{low:.1f}, {high:.1f}] times the higher valley"
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


def figure(published: pd.DataFrame, table: pd.DataFrame, config: Lasso) -> Figure:
    whole, (first, over_p, over_p_eff, counted) = panels(4, columns=2, size=(4.6, 3.4))
    first.plot(published.features, published.test_mse, color=OKABE_ITO[0], label="test MSE")
    first.plot(published.features, published.train_mse, color=OKABE_ITO[0], linestyle=":", label="training MSE")
    twin = first.twinx()
    twin.plot(published.features, published.test_r2, color=OKABE_ITO[1], label="test R²")
    twin.set(ylabel="test R²", ylim=(0, 1.02))
    twin.grid(visible=False)
    first.set(title=f"as published: {published['rows'].iloc[0]:,} rows", xlabel="principal components", ylabel="MSE")
    lines = [*first.get_lines(), *twin.get_lines()]
    first.legend(lines, [str(line.get_label()) for line in lines], loc="center right")

    n = config.n_train
    for method, colour in zip(table.method.unique(), cycle(OKABE_ITO), strict=False):
        groups = table[table.method == method].groupby("features")
        low, median, high = (groups.test_mse.quantile(q) for q in (0.25, 0.5, 0.75))
        over_p.plot(median.index, median, color=colour, marker="o", label=method)
        over_p.fill_between(median.index, low, high, color=colour, alpha=0.25, linewidth=0)
        if method == LIMIT:
            counted.plot(median.index, groups.nonzeros.mean(), color=colour, marker="o")
            continue
        of_test, of_train = groups.p_eff_test.median(), groups.p_eff_train.median()
        over_p_eff.plot(of_test, median, color=colour, marker="o", linewidth=0.8, markerfacecolor="none")
        over_p_eff.plot(of_test.loc[:n], median.loc[:n], "o", color=colour)
        counted.plot(median.index, of_train, color=colour, marker="o")
        counted.plot(median.index, of_test, color=colour, linestyle=":")
    ticks = sorted({config.n_features[0], n // 4, n // 2, n, 2 * n, config.n_features[-1]})
    for ax in (over_p, counted):
        ax.axvline(n, color="0.4", linestyle="--", linewidth=0.8)
        ax.set(xscale="log", yscale="log", xlabel=f"features (dashed: {n}, the rows)")
        ax.set_xticks(ticks, [str(tick) for tick in ticks])
        ax.set_xticks([], minor=True)
    over_p.set(title=f"{n} rows: it can interpolate", ylabel="test MSE")
    over_p.legend()
    over_p_eff.set(xscale="log", yscale="log", title="the same, counted as Curth et al. (2023) do")
    over_p_eff.set(xlabel="effective parameters at test rows", ylabel="test MSE")
    over_p_eff.plot([], [], "o", color="0.3", label=f"at most {n} features")
    over_p_eff.plot([], [], "o", color="0.3", markerfacecolor="none", label=f"more than {n} features")
    counted.set(title="parameters at work, colours as above", ylabel="number")
    counted.plot([], [], "o-", color="0.3", label="effective at training rows; LASSO: nonzeros")
    counted.plot([], [], ":", color="0.3", label="effective at test rows")
    over_p_eff.legend()
    counted.legend(loc="upper left")
    whole.suptitle(f"Regression on synthetic data; on the right and below, median and quartiles of {config.runs} runs")
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    config = files.read_params().lasso
    needed = memory_of_regression(config.samples, config.features, config.n_train, max(config.n_features))
    refuse_too_large("lasso", "fewer lasso.samples, features, n_train or n_features", needed)
    sample = published_sample(config.samples, config.features, config.informative, config.noise, config.seed)
    with threadpool_limits(1):  # so that the numbers do not depend on the cores
        published = pd.DataFrame(over_components(sample, config.alpha, config.seed))
        table = pd.DataFrame(
            row
            for i in range(config.runs)
            for row in over_features(config.n_features, config.n_train, config.interpolation_noise, config.ridge, i)
        )
    numbers = summary(published, table)
    sentence = finding(numbers, config)
    plt.style.use(STYLE)
    metrics, plots = Path(args.metrics), Path(args.plots)
    files.write(metrics / "lasso.csv", to_csv(published))
    files.write(metrics / "interpolation.csv", to_csv(table))
    files.write(metrics / "lasso.json", to_json(numbers))
    files.write(metrics / "lasso.md", f"{sentence}\n".encode())
    save(plots / "lasso.png", figure(published, table, config))
    files.write(plots / "lasso.json", to_records(points(table, config)))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
