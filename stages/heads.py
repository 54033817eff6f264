"""Stage `heads`: the heads of every width, beside those on raw pixels and on a pretrained backbone, as one table."""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from stages import files
from stages.console import console, run
from stages.core.heads import Features, measure
from stages.core.params import Heads
from stages.core.tables import to_csv, to_json, to_records
from stages.figures import OKABE_ITO, STYLE, panels, to_png

HEADS = ["ridge", "lasso", "logistic"]


def whole_images(config: Heads, data: dict[str, Any]) -> dict[str, tuple[Tensor, Tensor]]:
    """Features whose dimension is no parameter: training and test images."""
    pixels = data["train_pixels"], data["test_pixels"]
    found = {"pixels": pixels} if "pixels" in config.features else {}
    if "pretrained" in config.features:
        from stages import backbone

        network, transform = backbone.load(config.backbone)
        network = backbone.penultimate(network)
        train, test = (backbone.features(network, transform, part, data["dataset"]) for part in pixels)
        found["pretrained"] = train, test
    return found


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Per features, dimension and head: mean over seeds at the strength with the smallest mean test error."""
    means = (
        table.groupby(["features", "dimension", "head", "strength"], sort=False).mean(numeric_only=True).reset_index()
    )
    return means.loc[means.groupby(["features", "dimension", "head"], sort=False).test_error.idxmin()]


def summary(chosen: pd.DataFrame) -> dict[str, Any]:
    """For metrics/heads.json: per features the best head of the largest dimension."""
    found: dict[str, Any] = {}
    for features, rows in chosen.groupby("features", sort=False):
        largest = rows[rows.dimension == rows.dimension.max()].set_index("head")
        found[str(features)] = {"dimension": int(largest.dimension.iloc[0])} | {
            f"{head}_error": float(error) for head, error in largest.test_error.items()
        }
    return found


def finding(found: dict[str, Any]) -> str:
    """One sentence, from the numbers of `summary`."""
    said = []
    for features, v in found.items():
        errors = ", ".join(f"{head} {100 * v[f'{head}_error']:.1f} %" for head in HEADS)
        own = f", the networks' own last layer {100 * v['own_error']:.1f} %" if "own_error" in v else ""
        said.append(f"{features} ({v['dimension']} of them): {errors}{own}")
    return f"Smallest test error of a refitted last layer over the strength of its penalty: {'; '.join(said)}."


def points(table: pd.DataFrame, caption: str) -> pd.DataFrame:
    """For `dvc plots`: mean test error over strength, of the refitted heads at each kind's largest dimension."""
    largest = table.groupby("features").dimension.transform("max")
    rows = table[(table.dimension == largest) & (table["head"] != "own")]
    errors = rows.groupby(["head", "features", "strength"], sort=False).test_error
    mean, sd = errors.mean(), errors.std().fillna(0)
    found = pd.DataFrame({"test_error": mean, "low": mean - sd, "high": mean + sd}).reset_index()
    return found.rename(columns={"features": "series"}).assign(run=found["head"] + ", " + caption)


def figure(table: pd.DataFrame, chosen: pd.DataFrame, caption: str) -> Figure:
    """Per head, over strength at the largest dimension: test error above, weights at work below; at the right, over
    dimension at the best strength."""
    kinds = list(dict.fromkeys(table.features))
    colours = dict(zip(kinds, OKABE_ITO, strict=False))
    whole, axes = panels(8, columns=4, size=(3.3, 2.9))
    for column, head in enumerate(HEADS):
        top, bottom = axes[column], axes[4 + column]
        for kind in kinds:
            rows = table[(table["head"] == head) & (table.features == kind)]
            groups = rows[rows.dimension == rows.dimension.max()].groupby("strength")
            mean, sd = 100 * groups.test_error.mean(), 100 * groups.test_error.std().fillna(0)
            top.plot(mean.index, mean, color=colours[kind], marker="o", markersize=3, label=kind)
            top.fill_between(mean.index, mean - sd, mean + sd, color=colours[kind], alpha=0.25, linewidth=0)
            at_work = groups.p_eff_train.mean() if head == "ridge" else 100 * groups.nonzeros.mean()
            bottom.plot(at_work.index, at_work, color=colours[kind], marker="o", markersize=3)
        top.set(xscale="log", title=f"{head}, largest dimension", ylabel="test error, %", ylim=(0, 60))
        ylabel = "effective parameters" if head == "ridge" else "weights not zero, %"
        bottom.set(xscale="log", xlabel="strength of the penalty", ylabel=ylabel)
        if head == "ridge":
            bottom.set(yscale="log")
    for ax, head in ((axes[3], "logistic"), (axes[7], "ridge")):
        for kind in kinds:
            rows = chosen[(chosen["head"] == head) & (chosen.features == kind)].sort_values("dimension")
            if len(rows) > 1:
                ax.plot(rows.dimension, 100 * rows.test_error, color=colours[kind], marker="o", markersize=3)
            else:
                ax.axhline(100 * rows.test_error.iloc[0], color=colours[kind], linestyle="--")
        ax.set(title=f"{head}, best strength", xlabel="dimension", ylabel="test error, %", ylim=(0, None))
    whole.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds))
    whole.suptitle(f"Last layers refitted on different features, mean and standard deviation over seeds\n{caption}")
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)  # so that the numbers do not depend on the cores
    params = files.read_params()
    data = files.read_tensors(args.data, "dvc repro -f prepare")
    parts = [pd.read_csv(Path(args.heads) / f"{width}.csv") for width in params.grid.width]
    for name, features in whole_images(params.head, data).items():
        of = Features.of(*features)
        rows = measure(of, data["train_labels"], data["test_labels"], params.head.strength)
        head = {"dataset": data["dataset"], "features": name, "dimension": of.train.shape[1], "seed": 0}
        parts.append(pd.DataFrame([{**head, **row} for row in rows]))
    table = pd.concat(parts, ignore_index=True)
    chosen = best(table)
    found = summary(chosen)
    sentence = finding(found)
    caption = f"{data['dataset']}, {table.seed.nunique()} seeds, hidden layers trained at alpha {table.alpha[0]:g}"
    plt.rcParams.update(STYLE)
    metrics, plots = Path(args.metrics), Path(args.plots)
    files.write(metrics / "heads.csv", to_csv(table))
    files.write(metrics / "heads.json", to_json({data["dataset"]: found}))
    files.write(metrics / "heads.md", f"{sentence}\n".encode())
    files.write(plots / "heads.png", to_png(figure(table, chosen, caption)))
    files.write(plots / "heads.json", to_records(points(table, caption)))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
