"""Last layers refitted on the hidden layer of one trained network, each kind at the strength that an honest rule names.

A network's training images cannot name it, not even some that the heads do not see: the hidden layer has learned their
labels, wrong ones among them, and a weak penalty looks best. So the images that choose are no training images of the
network, and no test images either.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from stages.linear.heads import Features, Head, errors, hidden, lasso, logistic, one_hot, ridge
from stages.training.images import Images
from stages.training.mlp import Layer, Net

KINDS: dict[str, Callable[[Features, Tensor, Tensor], Head]] = {
    "ridge": lambda features, y, strengths: ridge(features, y, strengths)[0],
    "lasso": lasso,
    "logistic": logistic,
}


def chosen_heads(
    net: Net,
    pixels: Tensor,
    labels: Tensor,
    choosing: Images,
    test: Images,
    classes: int,
    strengths: Sequence[float],
) -> list[dict[str, str | float]]:
    """Heads of the one network, fitted to its training images (n, D) with labels (n,): two rows for each kind.

    `rule` is weakest, the smallest strength, or chosen, the one with the least error on the images that choose, of
    equal ones the largest. Errors are shares of images, and nonzeros are the share of weights that are not zero. The
    network is finite; one that is pruned has zeros among its weights. A unit that is dead on the training images has
    no part in a head.
    """
    layers = [Layer(weight[0], bias[0]) for weight, bias in net.layers[:-1]]
    seen, of_choosing, of_test = (hidden(layers, part) for part in (pixels, choosing.pixels, test.pixels))
    features, others = Features.of(seen, of_test), Features.of(seen, of_choosing)
    descending = sorted(strengths, reverse=True)
    rows: list[dict[str, str | float]] = []
    for kind, fitted in KINDS.items():
        head = fitted(features, one_hot(labels, classes), torch.tensor(descending))
        measured = {
            "test_error": errors(head, features.test, test.labels),
            "train_error": errors(head, features.train, labels),
            "nonzeros": (head.weights != 0).double().mean((1, 2)),
        }
        places = {"weakest": -1, "chosen": int(errors(head, others.test, choosing.labels).argmin())}
        for rule, place in places.items():
            values = {name: float(of_strengths[place]) for name, of_strengths in measured.items()}
            rows.append({"head": kind, "rule": rule, "strength": descending[place], **values})
    return rows
