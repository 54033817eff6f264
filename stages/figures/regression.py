"""The figure of the regressions."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.base.params import Lasso
from stages.figures.style import OKABE_ITO, add_legend, add_title, band, colours, log_axis, panels
from stages.linear.regression import LIMIT


def as_published(ax: Axes, published: pd.DataFrame) -> None:
    """Errors of the paper's regression, and R^2 on the right, over the components."""
    ax.plot(published.features, published.test_mse, color=OKABE_ITO[0], label="test MSE")
    ax.plot(published.features, published.train_mse, color=OKABE_ITO[0], linestyle=":", label="training MSE")
    twin = ax.twinx()
    twin.plot(published.features, published.test_r2, color=OKABE_ITO[1], label="test R²")
    twin.set(ylabel="test R²", ylim=(0, 1.02))
    twin.grid(visible=False)
    ax.set(title=f"as published: {published['rows'].iloc[0]:,} rows", xlabel="principal components", ylabel="MSE")
    lines = [*ax.get_lines(), *twin.get_lines()]
    ax.legend(lines, [str(line.get_label()) for line in lines], loc="center right")


def over_features(published: pd.DataFrame, table: pd.DataFrame, config: Lasso) -> Figure:
    """As published; then, with so few rows that a fit can interpolate, test error over the features and over the
    effective parameters at test rows, and how many parameters are at work."""
    figure, (first, over_p, over_p_eff, counted) = panels(4, columns=2, size=(4.6, 3.4))
    as_published(first, published)
    n = config.n_train
    for method, colour in colours(table.method.unique()).items():
        groups = table[table.method == method].groupby("features")
        low, median, high = (groups.test_mse.quantile(q) for q in (0.25, 0.5, 0.75))
        band(over_p, median.index, median, low, high, method, color=colour, marker="o")
        if method == LIMIT:
            counted.plot(median.index, groups.nonzeros.mean(), color=colour, marker="o")
            continue
        of_test, of_train = groups.p_eff_test.median(), groups.p_eff_train.median()
        over_p_eff.plot(of_test, median, color=colour, marker="o", linewidth=0.8, markerfacecolor="none")
        over_p_eff.plot(of_test.loc[:n], median.loc[:n], "o", color=colour)
        counted.plot(median.index, of_train, color=colour, marker="o")
        counted.plot(median.index, of_test, color=colour, linestyle=":")
    for ax in (over_p, counted):
        ax.axvline(n, color="0.4", linestyle="--", linewidth=0.8)
        log_axis(ax, [config.n_features[0], max(n // 4, 1), n // 2, n, 2 * n, config.n_features[-1]])
        ax.set(yscale="log", xlabel=f"features (dashed: {n}, the rows)")
    over_p.set(title=f"{n} rows: it can interpolate", ylabel="test MSE")
    over_p_eff.set(xscale="log", yscale="log", title="the same, counted as Curth et al. (2023) do")
    over_p_eff.set(xlabel="effective parameters at test rows", ylabel="test MSE")
    over_p_eff.plot([], [], "o", color="0.3", label=f"at most {n} features")
    over_p_eff.plot([], [], "o", color="0.3", markerfacecolor="none", label=f"more than {n} features")
    counted.set(title="parameters at work", ylabel="number")
    counted.plot([], [], "o-", color="0.3", label="effective at training rows; LASSO: nonzeros")
    counted.plot([], [], ":", color="0.3", label="effective at test rows")
    over_p_eff.legend()
    counted.set_ylim(top=50 * counted.get_ylim()[1])  # room for the legend
    counted.legend(loc="upper left")
    add_legend(figure, axes=[over_p])
    title = f"Regression on synthetic data; on the right and below, median and quartiles of {config.runs} runs"
    add_title(figure, title)
    return figure
