"""Stage `prune_report`: the pruning study's cells as tables, one figure, and a sentence; is there a double descent?

Which cells there are is read from prune/params.yaml, never from the folder.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.cells.cell import prune_cell, read
from stages.figures import pruning as figures
from stages.figures.outputs import write_study
from stages.statistic import pruning as statistic
from stages.statistic.protocol import redrawn
from stages.statistic.tables import as_written, axis_value
from stages.training.runs import Arrays

MEASURES = ["train_error", "test_error", "train_loss", "test_loss", "noise_fitted", "learning_distance"]


def rows(dataset: str, method: str, retraining: str, runs: Arrays) -> pd.DataFrame:
    """One row per round of pruning and seed of a cell."""
    seeds, levels = runs["density"].shape
    head = {"dataset": dataset, "method": method, "retraining": retraining}
    index = {"round": np.repeat(range(levels), seeds), "seed": np.tile(range(seeds), levels)}
    in_order = {name: runs[name].T.flatten() for name in ("density", *MEASURES)}
    sparsity = 1 - in_order["density"]
    return pd.DataFrame({**head, **index, "sparsity": sparsity, **{name: in_order[name] for name in MEASURES}})


def main(data: Path, cells: Path, metrics: Path, plots: Path) -> None:
    shared, params = files.read_params().data, files.read_prune_params()
    grid, config = params.grid, params.prune
    _, about = files.read_tensors(data, "dvc repro -f prepare", "train_pixels")
    dataset = about["dataset"]
    tables = []
    for method in grid.method:
        for retraining in grid.retraining:
            cell = prune_cell(shared, config, method, retraining, cells)
            runs = read(cell, about["digest"], "dvc repro -f prune/dvc.yaml:prune")
            tables.append(rows(dataset, method, retraining, runs))
    table = as_written(pd.concat(tables, ignore_index=True))
    noise = axis_value(round(100 * config.label_noise, 9))
    training = f"lr {axis_value(config.lr)}, {config.epochs} epochs a round"
    network = f"width {config.width}" + (f", {config.depth} hidden layers" if config.depth > 1 else "")
    drawn = redrawn(shared.redraw, config.label_noise)
    label = f"{dataset}, {noise} % label noise, {drawn}, {network}, {config.seeds} seeds"
    found = statistic.of_cells(table)
    write_study(
        "prune",
        metrics,
        plots,
        tables={"prune": table},
        numbers={dataset: found},
        sentence=statistic.finding(found, config.label_noise),
        figure=figures.over_weights_left(table, found, f"{label}; {training}"),
        points=statistic.points(table).assign(run=label),
    )


if __name__ == "__main__":
    run(main)
