"""From the arrays of a cell to tables: a row a run, and a row an evaluated epoch."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from stages.measure import ensemble, sparsity
from stages.training.images import Images
from stages.training.mlp import Net, weights
from stages.training.runs import COMMON, Arrays

Place = Mapping[str, str | int | float]  # what tells a cell from the others, by column


def last_of_parity(runs: Arrays, parity: int) -> Tensor:
    """Test error (S,) at the last evaluated epoch that is odd (1) or even (0)."""
    last = (runs["epochs"] % 2 == parity).nonzero()[0][-1]
    return torch.from_numpy(runs["test_error"][:, last])


def table(
    place: Place,
    runs: Arrays,
    training: Sequence[tuple[sparsity.Seen, Tensor]],
    test: Images,
    loss: str = "cross_entropy",
) -> pd.DataFrame:
    """As `rows`, of runs that share their training images, or of which each has its own: images and labels.

    With what the runs make together, see `ensemble`, and test_error_early, the error at the evaluated epoch where the
    mean over the runs is lowest.
    """
    if len(training) == 1:
        found = rows(place, runs, *training[0])
    else:
        own = []
        for run, (images, labels) in enumerate(training):
            alone = {name: values if name in COMMON else values[run : run + 1] for name, values in runs.items()}
            own.append(rows(place, alone, images, labels))
        found = pd.concat(own, ignore_index=True)
    net = Net.from_named({name: torch.from_numpy(values) for name, values in runs.items()})
    together = ensemble.columns(ensemble.outputs(net, test, loss), test.labels)
    early = runs["test_error"][:, runs["test_error"].mean(0).argmin()]
    found = found.assign(seed=range(len(found)), test_error_early=early)
    return pd.concat([found, pd.DataFrame({name: values.numpy() for name, values in together.items()})], axis=1)


def rows(place: Place, runs: Arrays, images: sparsity.Seen, labels: Tensor) -> pd.DataFrame:
    """One row a run: errors, losses and sparsity. What an inf or nan in the weights leaves undefined is empty.

    `images` and `labels`, (n,) or (S, n), are the training set, on which live units and prunable weights are counted.
    """
    of = {name: torch.from_numpy(values) for name, values in runs.items()}
    net = Net.from_named(of)
    whole = ~of["diverged"]
    magnitudes = weights(net).abs()
    ascending = magnitudes.sort(1).values
    measures = {
        "zero_fraction": sparsity.zero_fraction(net),
        "near_zero_fraction": sparsity.near_zero_fraction(net),
        "gini": sparsity.gini(ascending),
        "hoyer": sparsity.hoyer(magnitudes),
        "live_units": sparsity.live_units(net, images),
        "effective_sparsity": sparsity.effective_sparsity(net),
        "prunable_fraction": sparsity.prunable_fraction(net, ascending, images, labels, of["train_error"][:, -1]),
        "learning_distance": of["learning_distance"],
    }
    at_the_end = {
        f"{split}_{what}": of[f"{split}_{what}"][:, -1] for what in ("error", "loss") for split in ("test", "train")
    }
    return pd.DataFrame(
        {
            **place,
            "seed": range(len(whole)),
            **at_the_end,
            "test_error_odd": last_of_parity(runs, 1),
            "test_error_even": last_of_parity(runs, 0),
            "epochs": of["stopped"],
            "diverged": ~whole,
            **{name: values.where(whole, torch.nan) for name, values in measures.items()},
            "test_error_averaged": of["test_error_averaged"],
            "train_error_averaged": of["train_error_averaged"],
            "test_error_last": of["test_error_last"],
        }
    )


def curve_table(place: Place, runs: Arrays) -> pd.DataFrame:
    """A row an evaluated epoch: mean and standard deviation over the runs of losses and errors."""
    by_epoch = epochs(place, runs).groupby([*place, "epoch"], sort=False)
    measures = ["train_loss", "train_error", "test_error"]
    curves = by_epoch[measures].agg(["mean", "std"], skipna=False)
    curves.columns = pd.Index([name + end for name in measures for end in ("", "_sd")])
    return curves.reset_index()


def epochs(place: Place, runs: Arrays) -> pd.DataFrame:
    """A row a run and evaluated epoch: errors and the training loss."""
    of_run, count = runs["test_error"].shape
    index = {"seed": np.repeat(range(of_run), count), "epoch": np.tile(runs["epochs"], of_run)}
    measures = {name: runs[name].ravel() for name in ("test_error", "train_error", "train_loss")}
    return pd.DataFrame({**place, **index, **measures})


ROUND_MEASURES = ("train_error", "test_error", "train_loss", "test_loss", "noise_fitted", "learning_distance")


def count_of_weights(inputs: int, width: int, classes: int, depth: int) -> int:
    """Of a network without its biases."""
    return width * (inputs + classes) + (depth - 1) * width**2


def rounds(place: Place, runs: Arrays, weights: int) -> pd.DataFrame:
    """A row a round of pruning and run, of networks with so many weights; `weights` are those that are kept."""
    seeds, levels = runs["density"].shape
    index = {"round": np.repeat(range(levels), seeds), "seed": np.tile(range(seeds), levels)}
    in_order = {name: runs[name].T.flatten() for name in ("density", *ROUND_MEASURES)}
    kept = {"sparsity": 1 - in_order["density"], "weights": (weights * in_order["density"]).round().astype(int)}
    return pd.DataFrame({**place, **index, **kept, **{name: in_order[name] for name in ROUND_MEASURES}})


SCORES = tuple(f"{split}_{what}" for what in ("error", "loss") for split in ("test", "train"))
GROWN = (
    *SCORES,
    "test_error_averaged",
    "test_error_last",
    "learning_distance",
    "diverged",
)


def grown(place: Place, runs: Arrays, widths: Sequence[int]) -> pd.DataFrame:
    """A row a width and run of networks that grow; `epochs` is the last epoch that counts."""
    seeds = len(runs["test_error"])
    index = {"width": np.repeat(widths, seeds), "seed": np.tile(range(seeds), len(widths))}
    in_order = {name: runs[name].T.flatten() for name in ("stopped", *GROWN)}
    return pd.DataFrame({**place, **index, "epochs": in_order["stopped"], **{name: in_order[name] for name in GROWN}})


def at_the_end(place: Place, runs: Arrays) -> pd.DataFrame:
    """A row a run, of cells that hold one number a run of everything that was measured."""
    others = sorted(runs.keys() - set(SCORES))
    return pd.DataFrame(
        {**place, "seed": range(len(runs[SCORES[0]])), **{name: runs[name] for name in (*SCORES, *others)}}
    )
