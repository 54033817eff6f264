"""Regression of one-hot labels on a kernel, and the tangent kernel of a network as a rival of the network itself."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.linear.heads import one_hot
from stages.linear.kernels import infinite_width
from stages.linear.tangent import tangent_kernel
from stages.training.images import Images
from stages.training.mlp import Net, forward

Row = dict[str, str | float]


class Outputs(NamedTuple):
    train: Tensor  # (n, C)
    test: Tensor  # (m, C)


def regress(kernel: Tensor, to_test: Tensor, targets: Tensor, ridge: float) -> Outputs:
    """Kernel ridge regression with targets (n, C) around their mean; kernels (n, n), and (m, n) of the test images.

    The ridge is a share of the kernel's mean diagonal. The root of the dtype's eps is added to it: a smaller ridge
    would let rounding through where the kernel lacks full rank, a larger one would be seen where it does not. With
    ridge 0 this alone is left, and where the kernel has full rank the fit interpolates. torch.linalg.LinAlgError where
    the kernel is not positive semidefinite.
    """
    total = (ridge + torch.finfo(kernel.dtype).eps ** 0.5) * float(kernel.diagonal().mean())
    shifted = kernel.clone()
    shifted.diagonal().add_(total)
    mean = targets.mean(0)
    centred = targets - mean
    coefficients = torch.cholesky_solve(centred, torch.linalg.cholesky(shifted))  # (n, C)
    return Outputs(targets - total * coefficients, to_test @ coefficients + mean)


def error(outputs: Tensor, labels: Tensor) -> float:
    """Share of images (n,) whose label does not have the largest output (n, C)."""
    return float((outputs.argmax(1) != labels).double().mean())


def errors(
    kernel: Tensor,
    to_test: Tensor,
    labels: Tensor,
    test_labels: Tensor,
    classes: int,
    ridges: Sequence[float],
    said: Tensor | None = None,
) -> list[Row]:
    """Training and test error of `regress` on the labels, a row for each ridge.

    Where classes (m,) that somebody else said of the test images are given, `agreement` is the share of the images of
    which the regression says the same. The kernels have double precision. One factorisation for each ridge takes less
    time than one eigendecomposition would.
    """
    rows: list[Row] = []
    for ridge in ridges:
        found = regress(kernel, to_test, one_hot(labels, classes), ridge)
        row: Row = {
            "ridge": ridge,
            "train_error": error(found.train, labels),
            "test_error": error(found.test, test_labels),
        }
        rows.append(row if said is None else row | {"agreement": 1 - error(found.test, said)})
    return rows


def at_infinite_width(
    pixels: Tensor, labels: Tensor, test: Images, classes: int, ridges: Sequence[float], depth: int = 1
) -> list[Row]:
    """Rows as of `errors`, with a `kernel`: nngp and ntk of so many hidden layers, on pixels (n, D)."""
    within, to_test = infinite_width(pixels, pixels, depth), infinite_width(test.pixels, pixels, depth)
    return [
        {"kernel": name, **row}
        for name, kernel, of_test in zip(within._fields, within, to_test, strict=True)
        for row in errors(kernel, of_test, labels, test.labels, classes, ridges)
    ]


def answers(net: Net, pixels: Tensor) -> Tensor:
    """The class (n,) to which the one network gives each of the images (n, D)."""
    return forward(net, pixels.T[None])[1][0].argmax(0)


def on_tangent_kernel(
    net: Net, pixels: Tensor, labels: Tensor, test: Images, classes: int, ridges: Sequence[float], said: Tensor
) -> list[Row]:
    """Rows as of `errors`, of the tangent kernel of the one network, fitted to images (n, D) and their labels (n,).

    `said`, (m,), are the `answers` of the trained network. The kernel is that of this network, or of the one that it
    started from. In theory, for the squared loss and outputs that start near 0, a network whose kernel has its final
    shape before the outputs grow ends as regression on its final kernel (Atanasov, Bordelon & Pehlevan 2022, "Neural
    networks as kernel learners: the silent alignment effect"), and a lazy one as regression on the kernel of its start.
    """
    double, points = net.map(Tensor.double), pixels.double()
    within, to_test = tangent_kernel(double, points, points), tangent_kernel(double, test.pixels.double(), points)[0]
    return errors(within[0], to_test, labels, test.labels, classes, ridges, said)
