"""Refitted last layers of each kind, at the strength that an honest rule names.

A network's training images cannot name it, not even some that the heads do not see: the hidden layer has learned their
labels, wrong ones among them, and a weak penalty looks best. So half of the test images choose, and errors are those on
the other half.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from stages.linear.heads import Features, Head, errors, lasso, logistic, one_hot, ridge

KINDS: dict[str, Callable[[Features, Tensor, Tensor], Head]] = {
    "ridge": lambda features, y, strengths: ridge(features, y, strengths)[0],
    "lasso": lasso,
    "logistic": logistic,
}


def halves(values: Tensor) -> tuple[Tensor, Tensor]:
    """Those of the test images (n, ...) that choose, at even places, and those that errors are measured on."""
    return values[::2], values[1::2]


def chosen(
    features: Features, labels: Tensor, test_labels: Tensor, classes: int, strengths: Sequence[float]
) -> dict[str, float]:
    """Test error of each kind of head, fitted to the training features (n, d) with labels (n,).

    Of strengths with the same error on the images that choose, the largest counts. A feature that is constant in the
    training set, such as a dead unit, has no part.
    """
    descending = torch.tensor(sorted(strengths, reverse=True))
    sides = list(zip(halves(features.test), halves(test_labels), strict=True))
    found = {}
    for kind, fitted in KINDS.items():
        head = fitted(features, one_hot(labels, classes), descending)
        choosing, measured = (errors(head, seen, true) for seen, true in sides)  # (K,)
        found[kind] = float(measured[choosing.argmin()])
    return found
