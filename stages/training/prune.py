"""Iterative pruning with retraining, the setting in which He et al. (2022) define sparse double descent.

"Sparse double descent: where network pruning aggravates overfitting", ICML 2022. S networks at once, each with a mask
of its own; weights are pruned over both layers alike, biases are not. A pruned weight is zero and stays so.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stages.training import mlp
from stages.training.batch import DataSet, Procedure, Report
from stages.training.fit import descend_epoch_
from stages.training.images import Images
from stages.training.mlp import Factors, Net, add_gradient_, weights
from stages.training.options import Common
from stages.training.runs import CHUNK, Arrays
from stages.training.sets import training_sets


@dataclass(frozen=True, kw_only=True)
class PruneOptions(Common):
    """Iterative pruning with retraining, after He et al. (2022)."""

    method: str  # a name in prune.IMPORTANCE: which weights go first
    retraining: str  # a name in prune.RETRAINING: where training goes on after a round
    levels: int  # rounds of pruning and retraining
    share: float  # of the remaining weights, pruned in each round
    epochs: int  # in each round
    lr: float  # in the first half of a round's epochs; a tenth of it in the second
    keep_networks: bool = False  # of every round, not only what is measured of them


class Start(NamedTuple):
    """Where retraining starts after a round of pruning."""

    weights: str  # trained (as they are), initial (as before the first epoch) or fresh (drawn anew)
    whole_schedule: bool  # of the learning rate; else its last, smallest value throughout


RETRAINING = {
    "finetune": Start("trained", whole_schedule=False),
    "lr_rewind": Start("trained", whole_schedule=True),  # Renda, Frankle & Carbin 2020
    "rewind": Start("initial", whole_schedule=True),  # the lottery ticket's (Frankle & Carbin 2019)
    "scratch": Start("fresh", whole_schedule=True),
}


def masked_(net: Net, mask: Tensor) -> None:
    """Set to zero, in place, the weights that the mask (S, d) does not keep."""
    of_layers = mask.split([layer.weight[0].numel() for layer in net.layers], 1)
    for layer, kept in zip(net.layers, of_layers, strict=True):
        layer.weight.mul_(kept.view_as(layer.weight))


def masked_step_(net: Net, mask: Tensor, lr: float, factors: list[Factors], count: int) -> None:
    """One step of plain SGD along the mean gradient of `count` images, after which pruned weights are zero again."""
    for layer, of_layer in zip(net.layers, factors, strict=True):
        add_gradient_(layer, of_layer, -lr / count)
    masked_(net, mask)


def gradients(net: Net, images: Images, chunk: int = CHUNK) -> Tensor:
    """Of the mean cross-entropy on the images by the weights, (S, d)."""
    total = torch.zeros_like(weights(net))
    for x, labels in images.parts(chunk):
        factors = mlp.backpropagate(net, x, labels)
        total += weights(Net(tuple(map(mlp.gradient, factors))))
    return total / images.per_run


# how much each weight matters, (S, d); those that matter least are pruned first
IMPORTANCE: dict[str, Callable[[Net, Images, Sequence[torch.Generator]], Tensor]] = {
    "magnitude": lambda net, images, generators: weights(net).abs(),
    "random": lambda net, images, generators: torch.stack(
        [torch.rand(weights(net).shape[1], generator=g) for g in generators]
    ),
    "gradient": lambda net, images, generators: (weights(net) * gradients(net, images)).abs(),
}


def pruned(mask: Tensor, importance: Tensor, share: float) -> Tensor:
    """The mask (S, d) without round(share * kept) more weights of each network, as `torch.nn.utils.prune` counts."""
    count = round(share * int(mask[0].sum()))
    weakest = importance.where(mask > 0, torch.inf).argsort(dim=1, stable=True)[:, :count]
    return mask.scatter(1, weakest, 0.0)


def learning_rate(epoch: int, options: PruneOptions, whole_schedule: bool) -> float:
    """lr in the first half of the epochs and a tenth of it in the second; without the whole schedule, that tenth."""
    return options.lr if whole_schedule and epoch < options.epochs / 2 else options.lr / 10


def row(net: Net, start: Net, mask: Tensor, train: Images, test: Images, wrong: Tensor) -> dict[str, Tensor]:
    """What is measured of every network (S,) at the end of a round; `wrong` says which training labels are noise.

    learning_distance is |theta_T - theta_0|_2 over what is not pruned (He et al. 2022, section 5).
    """
    masked_(start, mask)
    pairs = zip(net.parameters(), start.parameters(), strict=True)
    moved = sum((w - w0).double().square().sum((1, 2)) for w, w0 in pairs)
    train_loss, train_error = mlp.scores(net, train)
    test_loss, test_error = mlp.scores(net, test)
    return {
        "density": mask.double().mean(1),
        "train_error": train_error,
        "test_error": test_error,
        "train_loss": train_loss,
        "test_loss": test_loss,
        "noise_fitted": 1 - mlp.scores(net, train.where(wrong))[1] if wrong.any() else test_error * torch.nan,
        "learning_distance": torch.as_tensor(moved).sqrt(),
    }


@torch.inference_mode()
def prune(
    train: Images,
    test: Images,
    wrong: Tensor,
    options: PruneOptions,
    *,
    classes: int,
    seeds: Sequence[int],
    report: Report = lambda share: None,
) -> dict[str, Tensor]:
    """Train, then prune and retrain `options.levels` times; every measure of `row` as (levels + 1, S).

    Where networks are kept, their parameters stand beside the measures, (levels + 1, S, out, in).

    `wrong`, (n,) or (S, n), says which training labels are noise, as many of each run. `report` is told after every
    epoch which share of all epochs is done.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def drawn() -> Net:
        net = mlp.init(train.pixels.shape[1], options.width, classes, generators, options.depth)
        return net.map(lambda p: p.to(train.pixels.device))

    start, how = drawn(), RETRAINING[options.retraining]
    net, mask = start.map(torch.clone), torch.ones_like(weights(start))
    rows = []
    for level in range(options.levels + 1):
        if level > 0:
            importance = IMPORTANCE[options.method](net, train, generators)
            mask = pruned(mask, importance.to(mask.device), options.share)
            if how.weights == "fresh":
                start = drawn()
            if how.weights != "trained":
                net = start.map(torch.clone)
            masked_(net, mask)
        for epoch in range(options.epochs):
            lr = learning_rate(epoch, options, how.whole_schedule or level == 0)
            step = partial(masked_step_, net, mask, lr)
            descend_epoch_(net, train, generators, options.batch_size, step)
            report((level + (epoch + 1) / options.epochs) / (options.levels + 1))
        measured = row(net, start.map(torch.clone), mask, train, test, wrong)
        rows.append({**measured, **(net.map(torch.clone).named() if options.keep_networks else {})})
    return {name: torch.stack([r[name] for r in rows]).cpu() for name in rows[0]}


def cells(data: DataSet, options: Sequence[PruneOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with all the seeds; every measure is (S, levels + 1), and so begin networks."""
    (one,) = options
    train, wrong = training_sets(data.train, one, seeds, data.classes)
    measures = prune(train, data.test, wrong, one, classes=data.classes, seeds=seeds, report=report)
    return [{name: np.ascontiguousarray(values.transpose(0, 1).numpy()) for name, values in measures.items()}]


PROCEDURE = Procedure(PruneOptions, cells, together="seeds")
