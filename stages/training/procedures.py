"""The ways to train, by name: from a data set, options and seeds to arrays, one entry a run along the first axis.

This room imports nothing of ours. What it computes depends on its code, the arguments, torch and the kind of device
alone, so a digest of this folder is the part of a cell's fingerprint that speaks of code.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from stages.training.bits import same_bits
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.options import OWN_IMAGES, Common, Options, PruneOptions
from stages.training.pruning import prune
from stages.training.runs import CHUNK, Arrays, joined
from stages.training.sets import training_sets

Report = Callable[[float], None]


class DataSet(NamedTuple):
    train: Images  # of which every run has its training set
    test: Images
    classes: int

    @classmethod
    def of(cls, arrays: Arrays, classes: int, device: str) -> "DataSet":
        """From the arrays of a prepared data set: {train,test}_pixels (N, D) and {train,test}_labels (N,)."""
        on_device = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        train, test = (Images(on_device[f"{part}_pixels"], on_device[f"{part}_labels"]) for part in ("train", "test"))
        return cls(train, test, classes)


def promises(data: DataSet, one: Common, alphas: int, seeds: int) -> bool:
    """Whether this machine computes runs of so many alphas and seeds side by side as it computes each alone.

    On a GPU nothing is promised, and the answer is yes.
    """
    if data.train.pixels.device.type != "cpu":
        return True
    count = data.train.per_run if one.images is None else one.images
    shape = (data.train.pixels.shape[1], one.width, data.classes, one.depth)
    if not all(same_bits(*shape, alphas, seeds, size, step=True) for size in sizes(count, one.batch_size)):
        return False
    for images, shared in ((count, one.redraw not in OWN_IMAGES), (data.test.per_run, True)):
        for beside in (1, alphas):  # before the first epoch, and later
            sharing = (beside * seeds, 1) if shared else (beside, seeds)
            if not all(same_bits(*shape, *sharing, size, step=False) for size in sizes(images, CHUNK)):
                return False
    return True


def sizes(count: int, size: int) -> set[int]:
    """Of the parts, when so many images are taken `size` at a time."""
    return {min(count, size), count % size} - {0}


def blocks(data: DataSet, one: Common, alphas: range, seeds: range) -> list[tuple[range, range]]:
    """Blocks of alphas and seeds to train at once, halved until this machine keeps the promise of `same_bits`."""
    if len(alphas) == len(seeds) == 1 or promises(data, one, len(alphas), len(seeds)):
        return [(alphas, seeds)]
    if len(alphas) > 1:
        half = len(alphas) // 2
        return blocks(data, one, alphas[:half], seeds) + blocks(data, one, alphas[half:], seeds)
    half = len(seeds) // 2
    return blocks(data, one, alphas, seeds[:half]) + blocks(data, one, alphas, seeds[half:])


def fitted(data: DataSet, options: Sequence[Options], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """One cell for each of the options, which differ in alpha alone, with all the seeds: trained as one batch."""
    one = options[0]
    train, _ = training_sets(data.train, one, seeds, data.classes)
    order = sorted(range(len(options)), key=lambda place: options[place].alpha)
    alphas = [options[place].alpha for place in order]
    whole = fit(train, data.test, one, classes=data.classes, alphas=alphas, seeds=seeds, report=report)
    curves = {name: values.T for name, values in whole.curves._asdict().items() if name != "epochs"}
    by_run = {
        "stopped": whole.stopped,
        "learning_distance": whole.learning_distance,
        "diverged": whole.diverged,
        "train_error_averaged": whole.train_error_averaged,
        "test_error_averaged": whole.test_error_averaged,
        "test_error_last": whole.test_error_last,
        **curves,
        **whole.net.named(),
    }
    found: list[Arrays] = [{} for _ in options]
    for rank, place in enumerate(order):
        own = {name: values[rank :: len(options)] for name, values in by_run.items()}  # (S, ...)
        arrays = {name: np.ascontiguousarray(values.numpy()) for name, values in own.items()}
        found[place] = {"epochs": whole.curves.epochs.numpy(), **arrays}
    return found


def pruned(data: DataSet, options: Sequence[PruneOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with all the seeds; every measure is (S, levels + 1)."""
    (one,) = options
    train, wrong = training_sets(data.train, one, seeds, data.classes)
    measures = prune(train, data.test, wrong, one, classes=data.classes, seeds=seeds, report=report)
    return [{name: np.ascontiguousarray(values.T.numpy()) for name, values in measures.items()}]


class Procedure(NamedTuple):
    options: type[Common]
    run: Callable[[DataSet, Any, Sequence[int], Report], list[Arrays]]
    together: bool  # whether the cells of one call are trained at once


PROCEDURES = {
    "fit": Procedure(Options, fitted, together=True),
    "prune": Procedure(PruneOptions, pruned, together=False),
}


def train(
    procedure: str,
    data: DataSet,
    options: Sequence[dict[str, Any]],
    seeds: Sequence[int],
    report: Report = lambda share: None,
) -> list[Arrays]:
    """Train every cell with every seed; the options of one call must suit one batch, see the procedure.

    One thread does all the work, so that the bytes do not depend on the number of cores. `report` is told which share
    of the work is done.
    """
    torch.set_num_threads(1)
    kind, run, together = PROCEDURES[procedure]
    cells, every = [kind(**one) for one in options], range(len(options))
    todo = []
    for places in [every] if together else [every[place : place + 1] for place in every]:
        todo += blocks(data, cells[places[0]], places, range(len(seeds)))
    parts: list[list[Arrays]] = [[] for _ in cells]
    done = 0
    for places, of_seeds in todo:
        size = len(places) * len(of_seeds)

        def told(share: float, done: int = done, size: int = size) -> None:
            report((done + share * size) / (len(cells) * len(seeds)))

        made = run(data, [cells[place] for place in places], [seeds[place] for place in of_seeds], told)
        for place, arrays in zip(places, made, strict=True):
            parts[place].append(arrays)
        done += size
    return [joined(of_cell) for of_cell in parts]
