"""Stage `lasso`: the paper's first experiment, LASSO regression, and the regime in which regression can interpolate."""

from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits

from stages.base import files
from stages.base.console import run
from stages.base.machine import refuse_too_large
from stages.figures import regression as figures
from stages.figures.outputs import write_study
from stages.linear.mdl import LENGTHS, over_dimensions
from stages.linear.regression import memory_of_regression, over_components, over_features, published_sample
from stages.statistic import regression as statistic
from stages.statistic.tables import as_written


def main(metrics: Path, plots: Path) -> None:
    config = files.read_params().lasso
    needed = memory_of_regression(config.samples, config.features, config.n_train, max(config.n_features))
    refuse_too_large("lasso", "fewer lasso.samples, features, n_train or n_features", needed)
    noise = config.interpolation_noise
    sample = published_sample(config.samples, config.features, config.informative, config.noise, config.seed)
    with threadpool_limits(1):  # so that the numbers do not depend on the cores
        components = over_components(sample, config.alpha, config.seed)
        runs = [
            row
            for i in range(config.runs)
            for row in over_features(config.n_features, config.n_train, noise, config.ridge, i)
        ]
        lengths = [
            row
            for i in range(config.runs if noise else 0)  # without noise a description has no finite length
            for row in over_dimensions(config.n_features, config.n_train, noise, i)
        ]
    published, table = as_written(pd.DataFrame(components)), as_written(pd.DataFrame(runs))
    described = as_written(pd.DataFrame(lengths, columns=["run", "features", *LENGTHS]))
    numbers = statistic.summary(published, table) | statistic.lengths(described, config.n_train)
    write_study(
        "lasso",
        metrics,
        plots,
        tables={"lasso": published, "interpolation": table, "mdl": described},
        numbers=numbers,
        sentence=statistic.finding(numbers, config),
        figure=figures.over_features(published, table, config),
        points=statistic.points(table, config),
    )


if __name__ == "__main__":
    run(main)
