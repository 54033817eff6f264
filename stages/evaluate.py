"""Stage `evaluate`: every cell's errors and sparsity as tables, and a small summary to compare experiments by.

Which cells there are is read from params.yaml, never from the folder: a cell's file may outlive its place in the grid.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import torch

from stages.base import files
from stages.base.console import console, run
from stages.base.machine import refuse_too_large, threads
from stages.cells.cell import drawing, read_fit
from stages.measure.images import seen_in_training, test_images, training_images
from stages.measure.runs import curve_table, table
from stages.statistic.protocol import is_as_published
from stages.statistic.tables import against_paper, summary, to_csv, to_json

COPIES = 10  # of a cell's file in memory while it is measured, about


def main(data: Path, models: Path, paper: Path, out: Path) -> None:
    params = files.read_params()
    arrays, about = files.read_tensors(data, "dvc repro -f prepare", "train_pixels")
    classes = about["classes"]
    how = drawing(params.data, classes, params.train.images)
    images = training_images(arrays, classes, how, range(params.train.seeds))
    if images.chosen is not None:
        needed = 4 * params.train.seeds * images.per_run * images.pixels.shape[1]
        refuse_too_large("evaluate", "fewer train.seeds or images", needed)
    training, test = seen_in_training(images), test_images(arrays)
    torch.set_num_threads(1)  # cells side by side, each on one thread, so that numbers do not depend on the cores

    def evaluate(point: tuple[int, float]) -> tuple[pd.DataFrame, pd.DataFrame]:
        width, alpha = point
        runs = read_fit(params, width, alpha, models, about)
        place = {"dataset": about["dataset"], "width": width, "alpha": alpha}
        return table(place, runs, training, test, params.train.loss), curve_table(place, runs)

    largest = max((path.stat().st_size for path in models.glob("*/*")), default=0)
    with ThreadPoolExecutor(threads(COPIES * largest)) as pool:
        done = list(pool.map(evaluate, params.grid.cells()))
    cells, curves = (pd.concat(tables, ignore_index=True) for tables in zip(*done, strict=True))
    files.write(out / "cells.csv", to_csv(cells))
    files.write(out / "curves.csv", to_csv(curves))
    published = files.read_table(paper, "test_accuracy_percent")
    comparable = published if is_as_published(params) else published[:0]
    files.write(out / "paper.csv", to_csv(against_paper(cells, comparable)))
    files.write(out / "summary.json", to_json(summary(cells)))
    diverged = int(cells.diverged.sum())
    console.print(f"{len(cells)} models of {params.data.dataset} in {out}/cells.csv, {diverged} diverged")


if __name__ == "__main__":
    run(main)
