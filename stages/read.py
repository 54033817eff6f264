"""Stage `read@NAME`: what the networks of a study answer, a row for each run, point and name of an answer.

Nothing is trained. Points are read side by side, each on one thread, so that numbers do not depend on the cores.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from stages.base import files
from stages.base.console import console, run
from stages.base.machine import refuse_too_large, threads
from stages.base.params import Prune
from stages.base.readings import SWEPT, Reading
from stages.base.studies import Point, points_read
from stages.base.tensors import Array
from stages.cells.cell import drawing, read, study_cell
from stages.linear.finetuned import COUNTS, IMAGES
from stages.measure.images import test_images, training_images
from stages.measure.reading import KINDS, Answers, Asked
from stages.statistic.tables import to_csv
from stages.training.runs import COMMON

COPIES = 20  # of a cell's file in memory while its networks are asked, about


def asked(reading: Reading, point: Point, runs: dict[str, Array], arrays: dict[str, Array], classes: int) -> Asked:
    """The first so many runs of the point's cell, with their training sets and the test images."""
    own_noise = point.train.label_noise if isinstance(point.train, Prune) else point.data.label_noise
    images = None if isinstance(point.train, Prune) else point.train.images
    how = drawing(point.data.model_copy(update={"label_noise": own_noise}), classes, images)
    seeds = range(reading.seeds or point.train.seeds)
    true = training_images(arrays, classes, {**how, "label_noise": 0.0}, seeds).labels
    return Asked(
        runs={name: torch.from_numpy(values[: len(seeds)]) for name, values in runs.items() if name not in COMMON},
        seeds=seeds,
        train=training_images(arrays, classes, how, seeds),
        true=true,
        test=test_images(arrays),
        classes=classes,
        loss=getattr(point.train, "loss", "cross_entropy"),
        strength=reading.strength,
    )


def states(reading: Reading, point: Point, runs: Asked) -> Iterator[tuple[dict[str, Any], Asked]]:
    """What is asked here: pruned networks in every round, features by their number, else the runs as they are."""
    if reading.measures == "sweep":
        if runs.train.per_run < IMAGES:
            raise ValueError(f"a sweep is fitted to {IMAGES} images, and a run has {runs.train.per_run}")
        for count in COUNTS:
            yield {SWEPT: count}, runs._replace(features=count)
        return
    if not isinstance(point.train, Prune):
        yield {}, runs
        return
    for level in range(point.train.levels + 1):
        yield {"round": level}, runs._replace(runs={name: values[:, level] for name, values in runs.runs.items()})


def rows_of(
    place: dict[str, Any], seeds: Sequence[int], column: str, answers: Answers, units: dict[str, str]
) -> pd.DataFrame:
    """A row a run and answer."""
    parts = [
        pd.DataFrame({**place, "seed": seeds, column: name, "unit": units[name], "value": values.numpy()})
        for name, values in answers.items()
    ]
    return pd.concat(parts, ignore_index=True)


def answered(reading: Reading, point: Point, runs: Asked, dataset: str) -> pd.DataFrame:
    """All rows of one point."""
    kind, tables = KINDS[reading.measures], []
    for of_state, one in states(reading, point, runs):
        found = kind.ask(one)
        units = {name: kind.units.get(name, kind.unit) for name in found}
        tables.append(rows_of({"dataset": dataset, **point.place, **of_state}, one.seeds, kind.column, found, units))
    return pd.concat(tables, ignore_index=True)


def memory_of(measures: str, train: int, test: int) -> int:
    """Bytes that a thread needs for so many training and test images, besides copies of a cell's file, estimated."""
    if measures == "kernels":
        return 8 * (4 * train * train + 2 * train * test)  # in double precision
    return 4 * (train + test) * 2000  # activations, and features of heads


def main(name: str, data: Path, cells: Path, out: Path) -> None:
    torch.set_num_threads(1)
    studies = files.read_studies()
    reading = studies.readings[name]
    grid = points_read(studies, name)
    remedy = f"dvc repro -f studies/dvc.yaml:{{}}@{reading.reads}"
    arrays, about = files.read_tensors(data, remedy.format("images"), "train_pixels")

    def table(point: Point) -> pd.DataFrame:
        runs = read(study_cell(point, about["classes"], cells), about["digest"], remedy.format("study"))
        whole = asked(reading, point, runs, arrays, about["classes"])
        return answered(reading, point, whole, about["dataset"])

    largest = max(study_cell(point, about["classes"], cells).path.stat().st_size for point in grid)
    counted = {name: len(array) for name, array in arrays.items()}
    needed = COPIES * largest + memory_of(reading.measures, counted["train_labels"], counted["test_labels"])
    refuse_too_large(f"reading {name}", "read a study with fewer images", needed)
    try:
        with threadpool_limits(1), ThreadPoolExecutor(threads(needed)) as pool:
            found = pd.concat(list(pool.map(table, grid)), ignore_index=True)
    except ValueError as error:  # of the measures, in words for the person who gets them
        raise files.UserError(f"studies/params.yaml: readings.{name}: {error}") from None
    files.write(out, to_csv(found))
    console.print(f"{name}: {len(found)} answers of {len(grid)} cells in {out}")


if __name__ == "__main__":
    run(main)
