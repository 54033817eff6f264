"""Stage `judge@NAME`: the cells of a study as tables, and the answer to its question."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from stages.base import files
from stages.base.console import console, run
from stages.base.params import Prune
from stages.base.studies import INNER, Point, points
from stages.base.tensors import Array
from stages.cells.cell import drawing, read, study_cell
from stages.figures.study import study as figure
from stages.figures.style import save
from stages.measure.images import seen_in_training, training_images
from stages.measure.runs import epochs, rounds, table
from stages.measure.sparsity import Seen
from stages.statistic import study as statistic
from stages.statistic.protocol import studied
from stages.statistic.tables import as_written, to_csv, to_json, to_records
from stages.statistic.verdict import described, judged

Training = list[tuple[Seen, torch.Tensor]]


def measured(
    grid: list[Point], cells: Path, arrays: dict[str, Array], about: dict[str, Any], remedy: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a run, and a row a run and epoch or round, of all cells of a study."""
    rows, curves = [], []
    chosen: dict[str, Any] = {}
    training: Training = []
    classes = about["classes"]
    for point in grid:
        runs = read(study_cell(point, classes, cells), about["digest"], remedy)
        place = {"dataset": about["dataset"], **point.place}
        if isinstance(point.train, Prune):
            curves.append(rounds(place, runs))
            rows.append(curves[-1][curves[-1]["round"] == point.train.levels])
            continue
        if (how := drawing(point.data, classes, point.train.images)) != chosen:
            images = training_images(arrays, classes, how, range(point.train.seeds))
            training, chosen = seen_in_training(images), how
        rows.append(table(place, runs, training))
        curves.append(epochs(place, runs))
    return as_written(pd.concat(rows, ignore_index=True)), as_written(pd.concat(curves, ignore_index=True))


def main(name: str, data: Path, cells: Path, verdicts: Path, out: Path) -> None:
    torch.set_num_threads(1)  # so that numbers do not depend on the cores
    remedy = f"dvc repro -f studies/dvc.yaml:study@{name}"
    arrays, about = files.read_tensors(data, f"dvc repro -f studies/dvc.yaml:images@{name}", "train_pixels")
    studies = files.read_studies()
    study, grid = studies.studies[name], points(studies, name)
    rows, curves = measured(grid, cells, arrays, about, remedy)
    groups = statistic.groups(
        curves if study.over in INNER else rows, [option for option in study.grid if option != study.over]
    )
    cases = judged(groups, study.over, statistic.not_asked(grid[0]), about["classes"])
    found = {group: described(case) for group, case in cases.items()}
    sentence, caption = statistic.finding(study.asks, found), studied(grid[0])
    files.write(out / "cells.csv", to_csv(rows))
    files.write(out / "curves.csv", to_csv(curves))
    files.write(out / "finding.md", f"{sentence}\n".encode())
    files.write(out / "points.json", to_records(statistic.points(cases, f"{name}: {caption}")))
    files.write(verdicts / f"{name}.json", to_json({name: found}))
    save(out / "figure.png", figure(cases, found, study.asks, caption))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
