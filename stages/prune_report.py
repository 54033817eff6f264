"""Stage `report` of the pruning study: its cells as tables, one figure, and a sentence; is there a double descent?

Which cells there are is read from params.yaml, never from the folder.
"""

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages.base import files
from stages.base.console import console, run
from stages.cells.cell import prune_cell, read
from stages.figures.style import OKABE_ITO, STYLE, panels, save
from stages.statistic.descent import descent, holm
from stages.statistic.findings import d_with_interval
from stages.statistic.tables import to_csv, to_json, to_records
from stages.statistic.verdict import SIGNIFICANCE, SMALLEST, peaks
from stages.training.runs import Arrays

MEASURES = ["train_error", "test_error", "train_loss", "test_loss", "noise_fitted", "learning_distance"]
FITTED = 0.01  # training error up to which the labels, wrong ones included, count as fitted


def rows(dataset: str, method: str, retraining: str, runs: Arrays) -> pd.DataFrame:
    """One row per round of pruning and seed of a cell."""
    seeds, levels = runs["density"].shape
    head = {"dataset": dataset, "method": method, "retraining": retraining}
    index = {"round": np.repeat(range(levels), seeds), "seed": np.tile(range(seeds), levels)}
    in_order = {name: runs[name].T.flatten() for name in ("density", *MEASURES)}
    sparsity = 1 - in_order["density"]
    return pd.DataFrame({**head, **index, "sparsity": sparsity, **{name: in_order[name] for name in MEASURES}})


def verdict(cell: pd.DataFrame) -> dict[str, Any]:
    """D of a cell's test error over sparsity, without the grid's guards, and where things happen on the way."""
    means = cell.groupby("round").mean(numeric_only=True)
    error, sparsity = means.test_error.to_numpy(), means.sparsity.to_numpy()
    peak = int(peaks(error[None], sparsity)[0])
    best = peak + int(error[peak:].argmin())
    unfitted = sparsity[means.train_error > FITTED]
    found: dict[str, Any] = {
        "dense_error": error[0],
        "peak_error": error[peak],
        "peak_sparsity": sparsity[peak],
        "best_error": error[best],
        "best_sparsity": sparsity[best],
        "last_error": error[-1],
        **({"unfitted_sparsity": unfitted[0]} if len(unfitted) else {}),
    }
    errors = cell.pivot(index="seed", columns="round", values="test_error").to_numpy()
    result = descent(errors, sparsity) if len(errors) >= 4 else None
    if result is None:
        return found
    return found | {"D": result.height, "D_low": result.low, "D_high": result.high, "p_value": result.p_value}


def verdicts(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """Of every cell, with Holm's correction over the cells; without `double_descent` where there are too few seeds."""
    cells = table.groupby(["method", "retraining"], sort=False)
    found = {"_".join(map(str, name)): verdict(cell) for name, cell in cells}
    judged = [v for v in found.values() if "D" in v]
    for v, p_value in zip(judged, holm([v["p_value"] for v in judged]), strict=True):
        v |= {"p_holm": p_value, "double_descent": bool(v["D_low"] >= SMALLEST and p_value < SIGNIFICANCE)}
    return found


def finding(found: dict[str, dict[str, Any]], noise: float) -> str:
    """One sentence, from the numbers of `verdict`."""

    def percent(share: float) -> str:
        return f"{100 * share:.1f} %"

    said = []
    for name, v in found.items():
        answer = {True: "a double descent", False: "no double descent", None: "no verdict"}[v.get("double_descent")]
        stages = ", ".join(
            f"{percent(v[f'{stage}_error'])} at {percent(v[f'{stage}_sparsity'])}" for stage in ("peak", "best")
        )
        errors = f"{percent(v['dense_error'])} dense, {stages} sparsity, {percent(v['last_error'])} at the end"
        leaves = f"leaves zero at {percent(v['unfitted_sparsity'])}" if "unfitted_sparsity" in v else "stays at zero"
        head = f"{name.replace('_', ' ')}: {answer}, D = {d_with_interval(v)} points"
        said.append(f"{head} (test error {errors}; training error {leaves})")
    return f"Pruned with {percent(noise)} of the labels wrong, {'; '.join(said)}."


def figure(table: pd.DataFrame, caption: str) -> Figure:
    """Over what is left of the weights: errors, wrong labels fitted, learning distance; one column a cell."""
    cells = list(table.groupby(["method", "retraining"], sort=False))
    whole, axes = panels(2 * len(cells), columns=len(cells), size=(4.4, 3.0))
    for (name, cell), top, bottom in zip(cells, axes[: len(cells)], axes[len(cells) :], strict=True):
        groups = cell.assign(left=100 * (1 - cell.sparsity)).groupby("left")

        def line(ax: Any, column: str, label: str, colour: str, scale: float = 100, groups: Any = groups) -> None:
            mean, sd = scale * groups[column].mean(), scale * groups[column].std().fillna(0)
            ax.plot(mean.index, mean, color=colour, marker="o", markersize=3, label=label)
            ax.fill_between(mean.index, mean - sd, mean + sd, color=colour, alpha=0.25, linewidth=0)

        line(top, "test_error", "test error", OKABE_ITO[0])
        line(top, "train_error", "training error, wrong labels included", OKABE_ITO[1])
        top.set(title=", ".join(map(str, name)), ylabel="error, %", ylim=(0, 100))
        line(bottom, "noise_fitted", "wrong labels fitted, %", OKABE_ITO[2])
        bottom.set(ylabel="wrong labels fitted, %", ylim=(0, 105), xlabel="weights left, %")
        twin = bottom.twinx()
        line(twin, "learning_distance", "learning distance (right)", OKABE_ITO[3], scale=1)
        twin.set(ylabel="learning distance", ylim=(0, None))
        twin.grid(visible=False)
        for ax in (top, bottom):
            ax.set_xscale("log")
            ax.invert_xaxis()
        top.legend(loc="upper left")
        bottom.legend([*bottom.get_lines(), *twin.get_lines()], ["wrong labels fitted", "learning distance (right)"])
    whole.suptitle(f"Pruning and retraining, mean and standard deviation over seeds\n{caption}")
    return whole


def points(table: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: a row a cell and round; in %, test error with its band of one standard deviation."""
    groups = table.assign(series=table.method + ", " + table.retraining).groupby(["series", "round"], sort=False)
    mean, spread = 100 * groups.test_error.mean(), 100 * groups.test_error.std().fillna(0)
    left = 100 * (1 - groups.sparsity.mean())
    return pd.DataFrame({"left": left, "test_error": mean, "low": mean - spread, "high": mean + spread}).reset_index()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    params = files.read_prune_params()
    grid, config = params.grid, params.prune
    _, about = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")
    names = [(method, retraining) for method in grid.method for retraining in grid.retraining]
    cells = [prune_cell(config, *name, args.cells) for name in names]
    arrays = [read(one, about["digest"], "dvc repro -f prune/dvc.yaml:prune") for one in cells]
    tables = [rows(about["dataset"], *name, runs) for name, runs in zip(names, arrays, strict=True)]
    table = pd.concat(tables, ignore_index=True)
    found = verdicts(table)
    sentence = finding(found, config.label_noise)
    caption = (
        f"{table.dataset[0]}, {100 * config.label_noise:g} % label noise, width {config.width}, {config.seeds} seeds"
    )
    plt.style.use(STYLE)
    metrics, plots = Path(args.metrics), Path(args.plots)
    files.write(metrics / "prune.csv", to_csv(table))
    files.write(metrics / "prune.json", to_json({str(table.dataset[0]): found}))
    files.write(metrics / "prune.md", f"{sentence}\n".encode())
    save(plots / "prune.png", figure(table, caption))
    files.write(plots / "prune.json", to_records(points(table).assign(run=caption)))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
