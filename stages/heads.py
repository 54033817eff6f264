"""Stage `heads`: the heads of every width, beside those on raw pixels and on a pretrained backbone, as one table."""

import argparse
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import Tensor

from stages.base import files
from stages.base.console import console, run
from stages.base.params import Heads
from stages.cells.cell import read_fit
from stages.figures.style import OKABE_ITO, STYLE, panels, save
from stages.linear.heads import COLUMNS, MEASURED, Features, measure
from stages.linear.refit import of_cells
from stages.statistic.tables import to_csv, to_json, to_records

HEADS = ["ridge", "lasso", "logistic"]


def whole_images(
    config: Heads, pixels: tuple[Tensor, Tensor], about: dict[str, Any]
) -> dict[str, tuple[Tensor, Tensor]]:
    """Features whose dimension is no parameter: training and test images."""
    found = {"pixels": pixels} if "pixels" in config.features else {}
    if "pretrained" in config.features:
        from stages.linear import backbone

        network, transform = backbone.load(config.backbone)
        network = backbone.penultimate(network)
        train, test = (backbone.features(network, transform, part, about["mean"], about["std"]) for part in pixels)
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
        errors = ", ".join(f"{head} {100 * v[f'{head}_error']:.1f} %" for head in HEADS if f"{head}_error" in v)
        own = f", the networks' own last layer {100 * v['own_error']:.1f} %" if "own_error" in v else ""
        said.append(f"{features} ({v['dimension']} of them): {errors}{own}")
    return f"Smallest test error of a refitted last layer over the strength of its penalty: {'; '.join(said)}."


def points(table: pd.DataFrame, caption: str) -> pd.DataFrame:
    """For `dvc plots`: mean test error in % over strength, of the refitted heads at each kind's largest dimension."""
    largest = table.groupby("features").dimension.transform("max")
    rows = table[(table.dimension == largest) & (table["head"] != "own")]
    errors = rows.groupby(["head", "features", "strength"], sort=False).test_error
    mean, sd = 100 * errors.mean(), 100 * errors.std().fillna(0)
    found = pd.DataFrame({"test_error": mean, "low": mean - sd, "high": mean + sd}).reset_index()
    return found.rename(columns={"features": "series"}).assign(run=found["head"] + ", " + caption)


def at_work(rows: pd.DataFrame, head: str) -> pd.Series:
    """Effective parameters for ridge, for the others the share of weights that are not zero in %."""
    return rows.p_eff_train if head == "ridge" else 100 * rows.nonzeros


def figure(table: pd.DataFrame, chosen: pd.DataFrame, caption: str) -> Figure:
    """One column a head. Over the penalty's strength at each kind's largest dimension, then over the dimension at the
    best strength: test error, and how much is at work."""
    kinds = list(dict.fromkeys(table.features))
    colours = dict(zip(kinds, cycle(OKABE_ITO), strict=False))
    whole, axes = panels(4 * len(HEADS), columns=len(HEADS), size=(3.9, 2.4))
    for column, head in enumerate(HEADS):
        error, work, error_over, work_over = axes[column :: len(HEADS)]
        for kind in kinds:
            rows = table[(table["head"] == head) & (table.features == kind)]
            best_rows = chosen[(chosen["head"] == head) & (chosen.features == kind)].sort_values("dimension")
            style: Any = {"color": colours[kind], "marker": "o", "markersize": 3}
            largest = rows[rows.dimension == rows.dimension.max()].groupby("strength")
            means, sd = largest.mean(numeric_only=True), 100 * largest.test_error.std().fillna(0)
            mean = 100 * means.test_error
            error.plot(means.index, mean, label=f"{kind} ({rows.dimension.max()})", **style)
            error.fill_between(means.index, mean - sd, mean + sd, color=colours[kind], alpha=0.25, linewidth=0)
            work.plot(means.index, at_work(means, head), **style)
            if head == "ridge":
                work.plot(means.index, means.p_eff_test, color=colours[kind], linestyle=":")
            error_over.plot(best_rows.dimension, 100 * best_rows.test_error, **style)
            work_over.plot(best_rows.dimension, at_work(best_rows, head), **style)
        error.set(title=head, ylim=(0, 90), ylabel="test error, %", xscale="log")
        work.set(xscale="log", xlabel="strength of the penalty")
        error_over.set(xscale="log", ylim=(0, 90), ylabel="test error, %")
        work_over.set(xscale="log", xlabel="dimension, at the best strength")
        for ax in (work, work_over):
            ax.set(ylabel="effective parameters" if head == "ridge" else "weights not zero, %")
            ax.set(**({"yscale": "log"} if head == "ridge" else {"ylim": (0, 105)}))
    whole.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(kinds))
    whole.suptitle(
        "Last layers refitted on different features (of that dimension), mean and standard deviation over seeds;\n"
        f"effective parameters at training images, dotted at test images\n{caption}"
    )
    return whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)  # so that the numbers do not depend on the cores
    params = files.read_params()
    arrays, about = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")
    data = {name: torch.from_numpy(array) for name, array in arrays.items()}
    pixels, labels = ((data[f"train_{what}"], data[f"test_{what}"]) for what in ("pixels", "labels"))
    config, alpha = params.head, params.grid.alpha[0]
    cells = {}
    for width in params.grid.width:
        runs = read_fit(params.train, width, alpha, args.models, about["digest"])
        cells[width] = {name: torch.from_numpy(values) for name, values in runs.items()}
    refitted = of_cells(cells, pixels, labels, config.features, config.seeds, config.strength)
    rows = [{"alpha": alpha, **row} for row in refitted]
    for name, features in whole_images(config, pixels, about).items():
        of = Features.of(*features)
        head = {"features": name, "dimension": of.train.shape[1], "seed": 0}
        rows += [{**head, **row} for row in measure(of, *labels, strengths=config.strength)]
    if not rows:
        raise files.UserError(
            "every network of the first of grid.alpha diverged and head.features names no other features: "
            "no last layer to refit; add random, pca or pixels to head.features, or put a smaller alpha first"
        )
    table = pd.DataFrame(rows, columns=[*COLUMNS, *MEASURED]).assign(dataset=about["dataset"])
    chosen = best(table)
    found = summary(chosen)
    sentence = finding(found)
    few = f"{about['dataset']}, {table.seed.nunique()} seeds"
    trained_at = ", ".join(f"{alpha:g}" for alpha in table.alpha.dropna().unique())
    caption = f"{few}, hidden layers trained at alpha {trained_at}" if trained_at else few
    plt.style.use(STYLE)
    metrics, plots = Path(args.metrics), Path(args.plots)
    files.write(metrics / "heads.csv", to_csv(table))
    files.write(metrics / "heads.json", to_json({about["dataset"]: found}))
    files.write(metrics / "heads.md", f"{sentence}\n".encode())
    save(plots / "heads.png", figure(table, chosen, caption))
    files.write(plots / "heads.json", to_records(points(table, few)))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
