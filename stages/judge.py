"""Stage `judge@NAME`: the cells of a study as tables, and the answer to its question."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from stages.base import files
from stages.base.console import console, run
from stages.base.params import Grow, Prune, Train
from stages.base.studies import Point, Study, points
from stages.base.tensors import Array
from stages.cells.cell import drawing, read, study_cell
from stages.figures.study import study as figure
from stages.figures.style import save
from stages.measure.images import seen_in_training, test_images, training_images
from stages.measure.infinite import ends
from stages.measure.runs import at_the_end, count_of_weights, epochs, grown, rounds, table
from stages.measure.sparsity import Seen
from stages.statistic import study as statistic
from stages.statistic.protocol import studied
from stages.statistic.tables import as_written, to_csv, to_json, to_records
from stages.statistic.verdict import judged

SIGNS = 2  # classes that a smoother tells apart
Training = list[tuple[Seen, torch.Tensor]]


def measured(
    grid: list[Point], cells: Path, arrays: dict[str, Array], about: dict[str, Any], remedy: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row a run, and a row a run and epoch or round, of all cells of a study."""
    rows, curves = [], []
    test = test_images(arrays)
    chosen: tuple[dict[str, Any], int] = {}, 0
    training: Training = []
    classes = about["classes"]
    for point in grid:
        runs = read(study_cell(point, classes, cells), about["digest"], remedy)
        place = {"dataset": about["dataset"], **point.place}
        match point.trains, point.train:
            case "fit", Train() as train:
                how = drawing(point.data, classes, train.images)
                if (how, train.seeds) != chosen:
                    images = training_images(arrays, classes, how, range(train.seeds))
                    training, chosen = seen_in_training(images), (how, train.seeds)
                rows.append(table(place, runs, training, test, train.loss))
                curves.append(epochs(place, runs))
            case "prune", Prune() as train:
                inputs = arrays["train_pixels"].shape[1]
                count = count_of_weights(inputs, train.width, classes, train.depth)
                curves.append(rounds(place, runs, count))
                rows.append(curves[-1][curves[-1]["round"] == train.levels])
            case "grow", Grow() as train:
                curves.append(grown(place, runs, train.widths))
                rows.append(curves[-1][curves[-1]["width"] == train.widths[-1]])
            case _:
                rows.append(at_the_end(place, {name: values for name, values in runs.items() if values.ndim == 1}))
                curves.append(rows[-1][:0])  # a run passes through nothing
    return as_written(pd.concat(rows, ignore_index=True)), as_written(pd.concat(curves, ignore_index=True))


def at_infinite_width(
    study: Study, grid: list[Point], arrays: dict[str, Array], classes: int
) -> dict[str, dict[str, float]]:
    """Of each group of a study of plain training over width, the errors of networks of infinite width.

    They belong to training without a penalty on images that are not shifted.
    """
    found: dict[str, dict[str, float]] = {}
    known: dict[str, dict[str, float]] = {}  # groups may share a training set and a depth
    for point in grid:
        if study.trains != "fit" or study.over != "width" or not isinstance(point.train, Train):
            continue
        if point.train.shift == 0 and (point.train.penalty == "none" or point.grid.model_dump()["alpha"] == [0.0]):
            how = drawing(point.data, classes, point.train.images)
            key = f"{how} {point.train.depth}"
            if key not in known:
                known[key] = ends(arrays, classes, how, point.train.depth)
            found[statistic.group_of(study, point)] = known[key]
    return found


def main(name: str, data: Path, cells: Path, verdicts: Path, out: Path) -> None:
    torch.set_num_threads(1)  # so that numbers do not depend on the cores
    remedy = f"dvc repro -f studies/dvc.yaml:study@{name}"
    arrays, about = files.read_tensors(data, f"dvc repro -f studies/dvc.yaml:images@{name}", "train_pixels")
    studies = files.read_studies()
    study, grid = studies.studies[name], points(studies, name)
    rows, curves = measured(grid, cells, arrays, about, remedy)
    groups = statistic.groups(curves if study.within_a_run else rows, study.by)
    classes = SIGNS if study.trains == "smooth" else about["classes"]
    cases = judged(groups, study.over, statistic.not_asked(study, grid), classes)
    infinite = at_infinite_width(study, grid, arrays, about["classes"])
    found = {group: statistic.described(case, infinite.get(group)) for group, case in cases.items()}
    sentence, caption = statistic.finding(study.asks, found, study.over), studied(grid[0])
    files.write(out / "cells.csv", to_csv(rows))
    files.write(out / "curves.csv", to_csv(curves))
    files.write(out / "finding.md", f"{sentence}\n".encode())
    files.write(out / "headline.json", to_json({f"study {name}": statistic.headline(found)}))
    files.write(out / "points.json", to_records(statistic.points(cases, name, caption)))
    files.write(verdicts / f"{name}.json", to_json({name: found}))
    save(out / "figure.png", figure(cases, found, study.asks, caption))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
