"""How many bits the labels of a training set take, if they are sent in blocks and each block teaches the next code.

Blier & Ollivier, "The description length of deep learning models" (NeurIPS 2018), section 3.3: sender and receiver know
the images and the way to train. The first block of labels is sent by the uniform code. Then both train a network on all
labels sent so far, and -log2 of the probability that it gives to a label is what that label costs in the next block.
Blocks double what has been sent. The labels are those that the run is trained on, wrong ones included. They are sent in
an order that the run draws, because the images of a training set lie class after class.

A network that has fitted wrong labels is sure of what it says, also where the next label is a wrong one, and then one
label costs many times the uniform code. That length, `description_bits`, is the paper's. It is large where networks are
overconfident, however well they tell the classes apart. `description_bits_calibrated` is therefore given as well: the
sender divides the logits of each block by the one of TEMPERATURES that makes the block shortest (Guo et al. 2017, "On
calibration of modern neural networks", section 4.2), and names it first, by log2 of their number. The receiver can read
this code, since nothing is used that was not sent. An infinite temperature is the uniform code. So no block costs more
than the uniform code and the name, and overconfidence alone does not decide which training has the shorter description.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from stages.training import mlp
from stages.training.batch import DataSet, Procedure, Report, blocks
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.mlp import Net
from stages.training.options import OWN_IMAGES, Options
from stages.training.runs import Arrays
from stages.training.sets import generator, training_sets

ORDER = 3  # what a run draws here, beside what it may draw in `sets`
TEMPERATURES = (*(2.0 ** (place / 2) for place in range(-4, 11)), math.inf)  # 1/4, 0.35, 1/2, ..., 32, infinity


@dataclass(frozen=True, kw_only=True)
class PrequentialOptions(Options):
    """Every network is trained by these options; the loss has to be cross-entropy."""

    first_block: int  # images whose labels are sent by the uniform code


def ends(images: int, first: int) -> list[int]:
    """How many labels have been sent at the end of each block: first, 2 first, 4 first, ..., and at last all images."""
    found = [min(first, images)]
    while found[-1] < images:
        found.append(min(2 * found[-1], images))
    return found


def bits_by_temperature(logits: Tensor, labels: Tensor) -> Tensor:
    """The sum of -log2 p of the labels (B,) at each of TEMPERATURES, (T,), float64; logits (C, B)."""
    temperatures = torch.tensor(TEMPERATURES, dtype=torch.float64)
    cooled = logits.double() / temperatures[:, None, None]  # (T, C, B)
    nats = mlp.cross_entropy(cooled, labels.expand(len(temperatures), -1))  # (T, B)
    return nats.sum(1) / math.log(2)


def chosen(train: Images, places: Tensor) -> Images:
    """These of each run's images, (S, k), in that order."""
    rows, labels = train.at(places)
    return Images(train.pixels, labels, rows)


def bits_of_block(net: Net, block: Images) -> tuple[Tensor, Tensor]:
    """The plain and the calibrated length (S, A) of each run's block (S, B), coded by its network of N = S * A.

    The networks compute one after the other, so that a run's length does not depend on the runs beside it.
    """
    runs = len(block.labels)
    alphas = len(net.layers[0].weight) // runs
    networks = zip(*(parameter.split(1) for parameter in net.parameters()), strict=True)
    lengths = []
    for place, parameters in enumerate(networks):
        pixels, labels = block.of_run(place // alphas)
        logits = mlp.forward(Net.of(parameters), pixels.cpu().T[None])[1]  # (1, C, B)
        lengths.append(bits_by_temperature(logits[0], labels.cpu()))
    bits = torch.stack(lengths).view(runs, alphas, len(TEMPERATURES))
    return bits[:, :, TEMPERATURES.index(1.0)], bits.amin(2) + math.log2(len(TEMPERATURES))


def code(
    data: DataSet,
    train: Images,
    one: Options,
    first: int,
    alphas: Sequence[float],
    seeds: Sequence[int],
    report: Report,
) -> tuple[Tensor, Tensor, Tensor]:
    """The plain and the calibrated length of each run's labels, and whether one of its networks diverged, (S, A).

    The alphas ascend. A length is nan where a network diverged. Networks are trained side by side only where that does
    not change a bit of any, see `batch.blocks`.
    """
    images, device = train.per_run, train.pixels.device
    orders = [torch.randperm(images, generator=generator(one.data_seed, seed, ORDER)) for seed in seeds]
    order = torch.stack(orders).to(device)  # (S, n)
    sent = ends(images, first)
    plain = torch.full((len(seeds), len(alphas)), sent[0] * math.log2(data.classes), dtype=torch.float64)
    calibrated, diverged = plain.clone(), torch.zeros(plain.shape, dtype=torch.bool)
    for begin, end in pairwise(sent):
        own = replace(one, images=begin, redraw=OWN_IMAGES[0])  # every run's images are its own
        for ranks, runs in blocks(data, own, range(len(alphas)), range(len(seeds))):
            rows, columns = slice(runs.start, runs.stop), slice(ranks.start, ranks.stop)
            known, following = (chosen(train, places[rows]) for places in (order[:, :begin], order[:, begin:end]))
            strengths, own_seeds = alphas[columns], seeds[rows]
            trained = fit(known, following, one, classes=data.classes, alphas=strengths, seeds=own_seeds)
            for total, more in zip((plain, calibrated), bits_of_block(trained.net, following), strict=True):
                total[rows, columns] += more
            diverged[rows, columns] |= trained.diverged.view(len(runs), -1)
        report(end / images)
    return plain, calibrated, diverged


def cells(data: DataSet, options: Sequence[PrequentialOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """One cell for each of the options, which differ in alpha alone, with all the seeds; every measure is (S,).

    Beside the lengths it has what `fit` measures of the networks trained on all images, which are those that `fit`
    trains. Their training takes about as long as that of all the others.
    """
    one = options[0]
    train, _ = training_sets(data.train, one, seeds, data.classes)
    order = sorted(range(len(options)), key=lambda place: options[place].alpha)
    alphas = [options[place].alpha for place in order]
    plain, calibrated, diverged = code(
        data, train, one, one.first_block, alphas, seeds, report=lambda share: report(share / 2)
    )
    whole = fit(
        train,
        data.test,
        one,
        classes=data.classes,
        alphas=alphas,
        seeds=seeds,
        report=lambda share: report((1 + share) / 2),
    )
    by_run = {
        "description_bits": plain.flatten(),
        "description_bits_calibrated": calibrated.flatten(),
        **{name: curve[-1] for name, curve in whole.curves._asdict().items() if name != "epochs"},
        **whole.at_the_end(),
        "diverged": whole.diverged | diverged.flatten(),
    }
    found: list[Arrays] = [{} for _ in options]
    for rank, place in enumerate(order):
        own = {name: values[rank :: len(options)] for name, values in by_run.items()}  # (S,)
        found[place] = {name: np.ascontiguousarray(values.numpy()) for name, values in own.items()}
    return found


PROCEDURE = Procedure(PrequentialOptions, cells, together="cells")
