"""Stage `prune_report`: the pruning study's cells as tables, one figure, and a sentence; is there a double descent?

Which cells there are is read from prune/params.yaml, never from the folder.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.params import PruneParams
from stages.figures import pruning as figures
from stages.figures.outputs import write_study
from stages.statistic import pruning as statistic
from stages.statistic.tables import as_written, axis_value

MEASURES = ["train_error", "test_error", "train_loss", "test_loss", "noise_fitted", "learning_distance"]


def rows(folder: str, method: str, retraining: str, params: PruneParams) -> pd.DataFrame:
    """One row per round of pruning and seed of a cell."""
    name = f"{method}-{retraining}"
    remedy = f"dvc repro -f prune/dvc.yaml:prune@{name}"
    path = Path(folder) / f"{name}.pt"
    cell = files.read_tensors(path, remedy, "made_from")
    if cell["made_from"].get("prune") != params.prune.model_dump():
        raise files.UserError(f"{path} was made with other parameters than are here now; to make it: {remedy}")
    levels, seeds = cell["density"].shape
    head = {"dataset": cell["dataset"], "method": method, "retraining": retraining}
    index = {"round": np.repeat(range(levels), seeds), "seed": np.tile(range(seeds), levels)}
    sparsity = 1 - cell["density"].flatten().numpy()
    return pd.DataFrame({**head, **index, "sparsity": sparsity, **{m: cell[m].flatten().numpy() for m in MEASURES}})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", required=True)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    params = files.read_prune_params()
    grid, config = params.grid, params.prune
    names = [(method, retraining) for method in grid.method for retraining in grid.retraining]
    table = as_written(pd.concat([rows(args.cells, *name, params) for name in names], ignore_index=True))
    dataset = str(table.dataset[0])
    noise = axis_value(round(100 * config.label_noise, 9))
    training = f"lr {axis_value(config.lr)}, {config.epochs} epochs a round"
    label = f"{dataset}, {noise} % label noise, width {config.width}, {config.seeds} seeds"
    caption = f"{label}; {training}"
    found = statistic.verdicts(table)
    write_study(
        "prune",
        Path(args.metrics),
        Path(args.plots),
        tables={"prune": table},
        numbers={dataset: found},
        sentence=statistic.finding(table, found, config.label_noise),
        figure=figures.over_weights_left(table, caption),
        points=statistic.points(table).assign(run=label),
    )


if __name__ == "__main__":
    run(main)
