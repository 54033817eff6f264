"""Stage `evaluate`: every cell's errors and sparsity as tables, and a small summary to compare experiments by.

Which cells there are is read from params.yaml, never from the folder: a cell's file may outlive its place in the grid.
"""

import argparse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from stages.base import files
from stages.base.console import console, run
from stages.base.machine import threads
from stages.base.params import Params, cell_name
from stages.base.tensors import digest
from stages.measure import sparsity
from stages.statistic.tables import against_paper, curve_table, summary, to_csv, to_json
from stages.training.mlp import Net

COPIES = 10  # of a cell's file in memory while it is measured, about


def read_cell(folder: str, width: int, alpha: float, params: Params, data: str) -> dict[str, Any]:
    name = cell_name(width, alpha)
    remedy = f"dvc repro -f train@{name}"
    path = Path(folder) / f"{name}.pt"
    cell = files.read_tensors(path, remedy, "made_from")
    expected = {"width": width, "alpha": float(alpha), "train": params.train.model_dump(), "data": data}
    different = [key for key, value in expected.items() if cell["made_from"].get(key) != value]
    if different:
        raise files.UserError(f"{path} was made from another {different[0]} than is here now; to make it: {remedy}")
    return cell


def last_of_parity(cell: dict[str, Any], parity: int) -> Tensor:
    """Test error (S,) at the last evaluated epoch that is odd (1) or even (0)."""
    error: Tensor = cell["test_error"][(cell["epochs"] % 2 == parity).nonzero()[-1, 0]]
    return error


def rows(cell: dict[str, Any], images: sparsity.Seen, labels: Tensor) -> pd.DataFrame:
    """One row per seed of a cell; what an inf or nan in the weights leaves undefined is empty."""
    net = Net(*(cell[part] for part in Net._fields))
    whole = ~cell["diverged"]
    magnitudes = sparsity.weights(net).abs()
    ascending = magnitudes.sort(1).values
    measures = {
        "zero_fraction": sparsity.zero_fraction(net),
        "near_zero_fraction": sparsity.near_zero_fraction(net),
        "gini": sparsity.gini(ascending),
        "hoyer": sparsity.hoyer(magnitudes),
        "live_units": sparsity.live_units(net, images),
        "effective_sparsity": sparsity.effective_sparsity(net),
        "prunable_fraction": sparsity.prunable_fraction(net, ascending, images, labels, cell["train_error"][-1]),
        "learning_distance": cell["learning_distance"],
    }
    return pd.DataFrame(
        {
            "dataset": cell["dataset"],
            "width": cell["made_from"]["width"],
            "alpha": cell["made_from"]["alpha"],
            "seed": range(len(whole)),
            **{
                f"{split}_{what}": cell[f"{split}_{what}"][-1]
                for what in ("error", "loss")
                for split in ("test", "train")
            },
            "test_error_odd": last_of_parity(cell, 1),
            "test_error_even": last_of_parity(cell, 0),
            "epochs": cell["stopped"],
            "diverged": ~whole,
            **{name: values.where(whole, torch.nan) for name, values in measures.items()},
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--paper", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    params = files.read_params()
    data = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")

    data_digest = digest(Path(args.data).read_bytes())
    images = sparsity.Seen.of(data["train_pixels"])
    torch.set_num_threads(1)  # cells side by side, each on one thread, so that numbers do not depend on the cores

    def evaluate(cell: tuple[int, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
        content = read_cell(args.models, *cell, params, data_digest)
        return rows(content, images, data["train_labels"]), curve_table(content)

    largest = max((path.stat().st_size for path in Path(args.models).glob("*.pt")), default=0)
    with ThreadPoolExecutor(threads(COPIES * largest)) as pool:
        done = list(pool.map(evaluate, params.grid.cells()))
    cells, curves = (pd.concat(tables, ignore_index=True) for tables in zip(*done, strict=True))
    out = Path(args.out)
    files.write(out / "cells.csv", to_csv(cells))
    files.write(out / "curves.csv", to_csv(curves))
    paper = files.read_table(args.paper, "test_accuracy_percent")
    files.write(out / "paper.csv", to_csv(against_paper(cells, paper if params.data.is_the_papers() else paper[:0])))
    files.write(out / "summary.json", to_json(summary(cells)))
    console.print(f"{len(cells)} models of {params.data.name} in {out}/cells.csv, {int(cells.diverged.sum())} diverged")


if __name__ == "__main__":
    run(main)
