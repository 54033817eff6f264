"""How sparse trained networks are. Biases are no part of any measure here: d counts the weights of all layers.

All functions take S networks at once and return one number per network, (S,), float64.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.images import Images
from stages.training.mlp import Layer, Net, forward, scores, weights


def zero_fraction(net: Net) -> Tensor:
    """Share of weights that are exactly zero, 1 - |w|_0 / d."""
    return (weights(net) == 0).double().mean(1)


def near_zero_fraction(net: Net, relative: float = 1e-3) -> Tensor:
    """Share of weights with |w| <= relative * max |w| of their own matrix."""
    matrices = [layer.weight.abs() for layer in net.layers]
    small = [w <= relative * w.amax((1, 2), keepdim=True) for w in matrices]
    return torch.cat([s.flatten(1) for s in small], 1).double().mean(1)


def gini(ascending: Tensor) -> Tensor:
    """Gini index of magnitudes sorted ascending (S, d): 0 for equal ones, 1 - 1/d for a single nonzero, 0 for none.

    Hurley & Rickard (2009), "Comparing measures of sparsity", eq. 1.
    """
    d = ascending.shape[1]
    rank = torch.arange(d, 0, -1, dtype=torch.float64) - 0.5  # d - k + 1/2 for k = 1, ..., d
    total = ascending.sum(1, dtype=torch.float64)
    index = 1 - 2 * (ascending.double() @ rank) / (total * d)
    return torch.where(total > 0, index, total)


def hoyer(w: Tensor) -> Tensor:
    """(sqrt(d) - |w|_1 / |w|_2) / (sqrt(d) - 1) of each row (S, d): 0 for equal magnitudes, 1 for a single nonzero.

    Hoyer (2004), "Non-negative matrix factorization with sparseness constraints", section 3.1; 0 for no nonzero.
    """
    root = w.shape[1] ** 0.5
    l1, l2 = w.abs().sum(1, dtype=torch.float64), torch.linalg.vector_norm(w, dim=1, dtype=torch.float64)
    return torch.where(l2 > 0, (root - l1 / l2) / (root - 1), l2)


class Seen(NamedTuple):
    """Images without the pixels that are the same in all of them: the latter act as one more bias.

    Measuring thousands of networks on MNIST takes a sixth less time so; `fold` is to be applied to their weights.
    """

    pixels: Tensor  # (N, D') those that vary
    varying: Tensor  # (D,) bool: which these are
    constant: Tensor  # (D - D', 1) the others' values

    @classmethod
    def of(cls, images: Tensor) -> "Seen":
        varying = images.amax(0) != images.amin(0)
        return cls(images[:, varying].contiguous(), varying, images[0, ~varying, None])

    def fold(self, net: Net) -> Net:
        first, *rest = net.layers
        bias = first.bias + first.weight[:, :, ~self.varying] @ self.constant
        return Net((Layer(first.weight[:, :, self.varying], bias), *rest))


def live_units(net: Net, images: Seen, chunk: int = 1000) -> Tensor:
    """Number of hidden units, in all layers, that fire (pre-activation > 0) on at least one of the images."""
    folded = images.fold(net)
    fires = [torch.zeros(layer.bias.shape[:2], dtype=torch.bool) for layer in net.layers[:-1]]
    for x in images.pixels.split(chunk):
        for fired, hidden in zip(fires, forward(folded, x.T[None])[0][1:], strict=True):
            fired |= (hidden > 0).any(2)
    return torch.cat(fires, 1).sum(1).double()


def effective_sparsity(net: Net) -> Tensor:
    """Share of weights on no input-to-output path of nonzero weights: the zeros and all that they cut off.

    Vysogorets & Kempe (2021), "Connectivity matters: neural network pruning through the lens of effective sparsity".
    """
    links = [layer.weight != 0 for layer in net.layers]  # (S, out, in)
    reached = [torch.ones_like(links[0][:, 0])]  # (S, in): which units an input has a path to
    for link in links[:-1]:
        reached.append((link & reached[-1][:, None, :]).any(2))
    heard = [torch.ones_like(links[-1][:, :, 0])]  # (S, out): which units have a path to an output
    for link in links[:0:-1]:
        heard.append((link & heard[-1][:, :, None]).any(1))
    alive = torch.stack(
        [
            (link & before[:, None, :] & after[:, :, None]).sum((1, 2))
            for link, before, after in zip(links, reached, heard[::-1], strict=True)
        ]
    ).sum(0)
    return 1 - alive.double() / sum(link[0].numel() for link in links)


def pruned(net: Net, threshold: Tensor) -> Net:
    """The networks without the weights of magnitude <= threshold (S,), over all layers alike."""
    t = threshold[:, None, None]
    return Net(tuple(layer._replace(weight=layer.weight * (layer.weight.abs() > t)) for layer in net.layers))


def prunable_fraction(
    net: Net,
    ascending: Tensor,
    images: Seen,
    labels: Tensor,
    error: Tensor,
    tolerance: float = 0.005,
    halvings: int = 5,
) -> Tensor:
    """Largest share of weights that global magnitude pruning removes with at most `tolerance` more error.

    `ascending` are the sorted magnitudes (S, d), `error` (S,) the unpruned networks' on these images, meant to be
    the training set. Their labels are (n,), or (S, n) where each network was trained on others. Found by bisection
    between the share of exact zeros and 1, so to 2**-halvings of that interval.
    """
    d = ascending.shape[1]
    allowed = error + tolerance + 1e-9
    bias_alone = net.layers[-1].bias.argmax(1)  # (S, 1): what is answered once every weight is gone
    nothing_left = (labels != bias_alone).double().mean(1) <= allowed
    low, high = zero_fraction(net), torch.ones(len(bias_alone), dtype=torch.float64)
    low = torch.where(nothing_left, high, low)
    if nothing_left.all():
        return low
    for _ in range(halvings):
        middle = (low + high) / 2
        last = (middle * d).long().clamp(1, d) - 1
        threshold = ascending.gather(1, last[:, None])[:, 0]
        fine = scores(images.fold(pruned(net, threshold)), Images(images.pixels, labels))[1] <= allowed
        low, high = torch.where(fine, middle, low), torch.where(fine, high, middle)
    return low
