"""What all ways to train have in common: their data, and which runs go side by side.

This folder imports nothing of ours from outside it. What a procedure computes depends on its code, the arguments, torch
and the kind of device alone. So a digest of its module, and of what that imports, is the part of a cell's fingerprint
that speaks of code.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import torch

from stages.training.bits import same_bits
from stages.training.images import Images
from stages.training.options import OWN_IMAGES, Common
from stages.training.runs import CHUNK, Arrays, joined

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
    return all(_promises(data, one, width, alphas, seeds) for width in one.widths_trained)


def _promises(data: DataSet, one: Common, width: int, alphas: int, seeds: int) -> bool:
    count = data.train.per_run if one.images is None else one.images
    shape = (data.train.pixels.shape[1], width, data.classes, one.depth)
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


class Procedure(NamedTuple):
    """A way to train: from a data set, options and seeds to arrays, one entry a run along the first axis."""

    options: type[Common]
    run: Callable[[DataSet, Any, Sequence[int], Report], list[Arrays]]  # a cell for each of the options
    together: Literal["cells", "seeds", "nothing"]  # what of one call is computed as one batch


def train(
    procedure: Procedure,
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
    cells, every, runs = [procedure.options(**one) for one in options], range(len(options)), range(len(seeds))
    alone = [every[place : place + 1] for place in every]
    match procedure.together:
        case "cells":
            todo = blocks(data, cells[0], every, runs)
        case "seeds":
            todo = [block for place in alone for block in blocks(data, cells[place[0]], place, runs)]
        case "nothing":
            todo = [(place, runs[run : run + 1]) for place in alone for run in runs]
    parts: list[list[Arrays]] = [[] for _ in cells]
    done = 0
    for places, of_seeds in todo:
        size = len(places) * len(of_seeds)

        def told(share: float, done: int = done, size: int = size) -> None:
            report((done + share * size) / (len(cells) * len(seeds)))

        made = procedure.run(data, [cells[place] for place in places], [seeds[place] for place in of_seeds], told)
        for place, arrays in zip(places, made, strict=True):
            parts[place].append(arrays)
        done += size
    return [joined(of_cell) for of_cell in parts]
