"""The figure of the regressions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.base.params import Lasso
from stages.figures.style import add_legend, add_panel_title, add_title, band, lines, log_axis, panels
from stages.linear.regression import LIMIT


def as_published(ax: Axes, published: pd.DataFrame) -> None:
    """Errors of the paper's regression, and R^2 on the right, over the components."""
    ax.plot(published.features, published.test_mse, color="black", label="test MSE")
    ax.plot(published.features, published.train_mse, color="black", linestyle=":", label="training MSE")
    twin = ax.twinx()
    twin.plot(published.features, published.test_r2, color="0.6", label="test R²")
    twin.set(ylabel="test R²", ylim=(0, 1.02))
    twin.grid(visible=False)
    add_panel_title(ax, f"as published: {published['rows'].iloc[0]:,} rows, one run")
    ax.set(xlabel="principal components", ylabel="MSE")


def over_features(published: pd.DataFrame, table: pd.DataFrame, config: Lasso) -> Figure:
    """As published; then, with so few rows that a fit can interpolate, test error over the features and over the
    effective parameters at test rows, and how many parameters are at work."""
    figure, (first, over_p, over_p_eff, counted) = panels(4, height=2.8)
    as_published(first, published)
    n = config.n_train
    for method, style in lines(table.method.unique()).items():
        groups = table[table.method == method].groupby("features")
        low, median, high = (groups.test_mse.quantile(q) for q in (0.25, 0.5, 0.75))
        band(over_p, median.index, median, low, high, method, marker="o", **style)
        if method == LIMIT:
            counted.plot(median.index, groups.nonzeros.mean(), marker="o", **style)
            continue
        of_test, of_train = groups.p_eff_test.median(), groups.p_eff_train.median()
        over_p_eff.plot(of_test, median, marker="o", linewidth=0.8, markerfacecolor="none", **style)
        over_p_eff.plot(of_test.loc[:n], median.loc[:n], "o", color=style["color"])
        counted.plot(median.index, of_train, marker="o", **style)
        counted.plot(median.index, of_test, color=style["color"], linestyle=":")
    for ax in (over_p, counted):
        ax.axvline(n, color="0.4", linestyle="--", linewidth=0.8)
        log_axis(ax, [config.n_features[0], max(n // 4, 1), n // 2, n, 2 * n, config.n_features[-1]])
        ax.set(yscale="log", xlabel=f"features (dashed: {n}, the rows)")
    add_panel_title(over_p, f"{n} rows: it can interpolate")
    add_panel_title(over_p_eff, f"counted as Curth et al. (2023) do (open: more than {n} features)")
    add_panel_title(counted, "effective parameters (dotted: at test rows; LASSO: nonzeros)")
    over_p.set(ylabel="test MSE")
    over_p_eff.set(xscale="log", yscale="log", xlabel="effective parameters at test rows", ylabel="test MSE")
    counted.set(ylabel="number")
    add_legend(figure)
    said = f"but for the first panel, median and quartiles of {config.runs} runs, each with data of its own"
    add_title(figure, "Regression on synthetic data", said)
    return figure
