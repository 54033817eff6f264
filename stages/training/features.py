"""Least squares on random ReLU features, by singular value decomposition: no step size, no epoch, no stopping.

Belkin, Hsu, Ma & Mandal (PNAS 2019) show test error over the number of features, with a peak where it equals the number
of training images. The features are the hidden layer of an untrained network, divided by the root of their number, so
that a ridge means the same at every width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from stages.training import mlp
from stages.training.batch import DataSet, Procedure, Report
from stages.training.options import Common
from stages.training.runs import CHUNK, Arrays
from stages.training.sets import training_sets


@dataclass(frozen=True, kw_only=True)
class FeatureOptions(Common):
    """`width` features; batch_size has no part in it."""

    ridge: float = 0.0  # of |y - F w|^2 + ridge |w|^2, summed over images and classes; 0: the solution of least norm


def solution(features: Tensor, targets: Tensor, ridge: float) -> Tensor:
    """Coefficients (N, C) from features (n, N) and targets (n, C) in double precision.

    Without a ridge they have the least norm of all that fit best; singular values are taken for 0 as
    `numpy.linalg.matrix_rank` does it.
    """
    left, values, right = torch.linalg.svd(features, full_matrices=False)
    kept = values > values[0] * max(features.shape) * torch.finfo(features.dtype).eps
    shrunk = torch.where(kept, values / (values.square() + ridge), 0.0)
    coefficients: Tensor = right.mT @ (shrunk[:, None] * (left.mT @ targets))
    return coefficients


def hidden(net: mlp.Net, pixels: Tensor) -> Tensor:
    """Features (n, N), double precision, of the one network with N units on pixels (n, D)."""
    layer = net.layers[0]
    units = torch.relu(pixels.double() @ layer.weight[0].double().mT + layer.bias[0, :, 0].double())
    scaled: Tensor = units / units.shape[1] ** 0.5
    return scaled


def cells(data: DataSet, options: Sequence[FeatureOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with the one seed; every measure is (1,).

    An error is a share of images. A loss is the squared distance to the one-hot label, summed over classes, in the mean
    over images.
    """
    (one,), (seed,) = options, seeds
    train, _ = training_sets(data.train, one, seeds, data.classes)
    generator = torch.Generator().manual_seed(seed)
    net = mlp.init(data.train.pixels.shape[1], one.width, data.classes, [generator])
    pixels, labels = train.of_run(0)
    coefficients = solution(hidden(net, pixels.cpu()), _one_hot(labels, data.classes), one.ridge)
    found = {"norm": coefficients.norm()}
    for name, seen, true in (("train", pixels, labels), ("test", data.test.pixels, data.test.labels)):
        outputs = torch.cat([hidden(net, part) @ coefficients for part in seen.cpu().split(CHUNK)])
        found[f"{name}_error"] = (outputs.argmax(1) != true.cpu()).double().mean()
        found[f"{name}_loss"] = (outputs - _one_hot(true, data.classes)).square().sum(1).mean()
    report(1.0)
    return [{name: value[None].numpy() for name, value in found.items()}]


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    return torch.nn.functional.one_hot(labels.cpu(), classes).double()


PROCEDURE = Procedure(FeatureOptions, cells, together="nothing")
