"""Stage `heads`: the heads of every width, beside those on raw pixels and on a pretrained backbone, as one table."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from stages.base import files
from stages.base.console import run
from stages.base.params import Heads
from stages.figures import heads as figures
from stages.figures.outputs import write_study
from stages.linear.heads import Features, measure
from stages.statistic import heads as statistic
from stages.statistic.protocol import trained
from stages.statistic.tables import as_written, axis_value


def whole_images(config: Heads, data: dict[str, Any]) -> dict[str, tuple[Tensor, Tensor]]:
    """Features whose dimension is no parameter: training and test images."""
    pixels = data["train_pixels"], data["test_pixels"]
    found = {"pixels": pixels} if "pixels" in config.features else {}
    if "pretrained" in config.features:
        from stages.linear import backbone

        network, transform = backbone.load(config.backbone)
        network = backbone.penultimate(network)
        train, test = (backbone.features(network, transform, part, data["mean"], data["std"]) for part in pixels)
        found["pretrained"] = train, test
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)  # so that the numbers do not depend on the cores
    params = files.read_params()
    data = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")
    parts = [files.read_table(Path(args.heads) / f"{width}.csv", "features") for width in params.grid.width]
    for name, features in whole_images(params.head, data).items():
        of = Features.of(*features)
        rows = measure(of, data["train_labels"], data["test_labels"], params.head.strength)
        head = {
            "dataset": data["dataset"],
            "alpha": float("nan"),
            "features": name,
            "dimension": of.train.shape[1],
            "seed": 0,
        }
        parts.append(pd.DataFrame([{**head, **row} for row in rows]))
    parts = [part for part in parts if len(part)]
    if not parts:
        raise files.UserError(
            "every network of the first of grid.alpha diverged and head.features names no other features: "
            "no last layer to refit; add random, pca or pixels to head.features, or put a smaller alpha first"
        )
    table = as_written(pd.concat(parts, ignore_index=True))
    chosen = statistic.best(table)
    numbers = statistic.summary(chosen)
    few = f"{data['dataset']}, {table.seed.nunique()} seeds"
    alphas = ", ".join(axis_value(alpha) for alpha in table.alpha.dropna().unique())
    caption = f"{few}; hidden layers trained at alpha {alphas}: {trained(params)}" if alphas else few
    write_study(
        "heads",
        Path(args.metrics),
        Path(args.plots),
        tables={"heads": table},
        numbers={data["dataset"]: numbers},
        sentence=statistic.finding(numbers),
        figure=figures.over_strength(table, chosen, caption),
        points=statistic.points(table, few),
    )


if __name__ == "__main__":
    run(main)
