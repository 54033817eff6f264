"""The ways to train, by name: from a data set, options and seeds to arrays, one entry a run along the first axis.

This room imports nothing of ours. What it computes depends on its code, the arguments, torch and the kind of device
alone, so a digest of this folder is the part of a cell's fingerprint that speaks of code.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from stages.training.fit import fit
from stages.training.images import Images
from stages.training.labels import with_noise
from stages.training.options import Options, PruneOptions
from stages.training.pruning import prune
from stages.training.runs import Arrays

Report = Callable[[float], None]
NOISE_SEED = 0  # draws the wrong labels of pruning, the same for all seeds


class DataSet(NamedTuple):
    train: Images
    test: Images
    classes: int

    @classmethod
    def of(cls, arrays: Arrays, classes: int, device: str) -> "DataSet":
        """From the arrays of a prepared data set: {train,test}_pixels (N, D) and {train,test}_labels (N,)."""
        on_device = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        train, test = (Images(on_device[f"{part}_pixels"], on_device[f"{part}_labels"]) for part in ("train", "test"))
        return cls(train, test, classes)


def fitted(data: DataSet, options: Sequence[Options], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """One cell for each of the options, which differ in alpha alone, with all the seeds: trained as one batch."""
    runs = [(one.alpha, seed) for one in options for seed in seeds]
    alphas, of_runs = zip(*runs, strict=True)
    whole = fit(data.train, data.test, options[0], classes=data.classes, alphas=alphas, seeds=of_runs, report=report)
    curves = {name: values.T for name, values in whole.curves._asdict().items() if name != "epochs"}
    by_run = {
        "stopped": whole.stopped,
        "learning_distance": whole.learning_distance,
        "diverged": whole.diverged,
        **curves,
        **whole.net._asdict(),
    }
    found = []
    for place in range(len(options)):
        own = slice(place * len(seeds), (place + 1) * len(seeds))
        arrays = {name: np.ascontiguousarray(values[own].numpy()) for name, values in by_run.items()}
        found.append({"epochs": whole.curves.epochs.numpy(), **arrays})
    return found


def pruned(data: DataSet, options: Sequence[PruneOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """One cell for each of the options, one after another; every measure is (S, levels + 1).

    The labels get their noise here, so that pruning shares the prepared data of the grid.
    """
    found = []
    for place, one in enumerate(options):
        clean = data.train.labels
        noisy = with_noise(clean.cpu(), one.label_noise, NOISE_SEED, data.classes).to(clean.device)
        train = data.train._replace(labels=noisy)
        measures = prune(
            train,
            data.test,
            noisy != clean,
            one,
            classes=data.classes,
            seeds=seeds,
            report=lambda share, place=place: report((place + share) / len(options)),  # type: ignore[misc]
        )
        found.append({name: np.ascontiguousarray(values.T.numpy()) for name, values in measures.items()})
    return found


PROCEDURES: dict[str, tuple[type, Callable[[DataSet, Any, Sequence[int], Report], list[Arrays]]]] = {
    "fit": (Options, fitted),
    "prune": (PruneOptions, pruned),
}


def train(
    procedure: str,
    data: DataSet,
    options: Sequence[dict[str, Any]],
    seeds: Sequence[int],
    report: Report = lambda share: None,
) -> list[Arrays]:
    """Train every cell with every seed; the options of one call must suit one batch, see the procedure.

    One thread does all the work, so that the bytes do not depend on the number of cores.
    """
    torch.set_num_threads(1)
    kind, run = PROCEDURES[procedure]
    return run(data, [kind(**one) for one in options], seeds, report)
