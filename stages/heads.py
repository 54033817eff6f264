"""Stage `heads`: the heads of every width, beside those on raw pixels and on a pretrained backbone, as one table."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from stages.base import files
from stages.base.console import run
from stages.base.params import Heads
from stages.cells.cell import drawing, read_fit
from stages.figures import heads as figures
from stages.figures.outputs import write_study
from stages.linear.heads import COLUMNS, MEASURED
from stages.linear.refit import of_all
from stages.measure.images import test_images, training_images
from stages.statistic import heads as statistic
from stages.statistic.guards import chance
from stages.statistic.protocol import redrawn, trained
from stages.statistic.tables import as_written, axis_value


def whole_images(config: Heads, train: Tensor, test: Tensor, about: dict[str, Any]) -> dict[str, tuple[Tensor, Tensor]]:
    """Features whose dimension is no parameter: of training and test images, whose pixels are given."""
    pixels = train, test
    found = {"pixels": pixels} if "pixels" in config.features else {}
    if "pretrained" in config.features:
        from stages.linear import backbone

        network, transform = backbone.load(config.backbone)
        network = backbone.penultimate(network)
        of_train, of_test = (backbone.features(network, transform, p, about["mean"], about["std"]) for p in pixels)
        found["pretrained"] = of_train, of_test
    return found


def main(models: Path, data: Path, metrics: Path, plots: Path) -> None:
    torch.set_num_threads(1)  # so that the numbers do not depend on the cores
    params = files.read_params()
    arrays, about = files.read_tensors(data, "dvc repro -f prepare", "train_pixels")
    classes = about["classes"]
    how = drawing(params.data, classes, params.train.images)
    train = training_images(arrays, classes, how, range(params.train.seeds))
    test = test_images(arrays)
    config, alpha = params.head, params.grid.alpha[0]
    cells = {}
    for width in params.grid.width:
        runs = read_fit(params, width, alpha, models, about)
        cells[width] = {name: torch.from_numpy(values) for name, values in runs.items()}
    whole = whole_images(config, train.of_run(0)[0], test.pixels, about)
    refitted = of_all(cells, train, test, classes, config.features, config.seeds, config.strength, whole)
    rows = [{"alpha": alpha, **row} if "width" in row else row for row in refitted]
    if not rows:
        raise files.UserError(
            "every network of the first of grid.alpha diverged and head.features names no other features: "
            "no last layer to refit; add random, pca or pixels to head.features, or put a smaller alpha first"
        )
    dataset = about["dataset"]
    table = as_written(pd.DataFrame(rows, columns=[*COLUMNS, *MEASURED]).assign(dataset=dataset))
    chosen = statistic.best(table)
    numbers = statistic.summary(chosen)
    seeds = f"{table.seed.nunique()} seeds"
    few = f"{dataset}, {redrawn(params.data.redraw, params.data.label_noise)}, {seeds}"
    alphas = ", ".join(axis_value(alpha) for alpha in table.alpha.dropna().unique())
    caption = f"{seeds}; hidden layers trained at alpha {alphas}: {trained(params)}" if alphas else few
    write_study(
        "heads",
        metrics,
        plots,
        tables={"heads": table},
        numbers={dataset: numbers},
        sentence=statistic.finding(numbers),
        figure=figures.over_strength(table, chosen, caption, chance(classes)),
        points=statistic.points(table, few),
    )


if __name__ == "__main__":
    run(main)
