"""How sparse trained networks are. Biases are no part of any measure here: d counts the entries of w1 and w2.

All functions take S networks at once and return one number per network, (S,), float64.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.mlp import Net, forward_shared, scores, weights


def zero_fraction(net: Net) -> Tensor:
    """Share of weights that are exactly zero, 1 - |w|_0 / d."""
    return (weights(net) == 0).double().mean(1)


def near_zero_fraction(net: Net, relative: float = 1e-3) -> Tensor:
    """Share of weights with |w| <= relative * max |w| of their own matrix."""
    small = [w.abs() <= relative * w.abs().amax((1, 2), keepdim=True) for w in (net.w1, net.w2)]
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
        return net._replace(w1=net.w1[:, :, self.varying], b1=net.b1 + net.w1[:, :, ~self.varying] @ self.constant)


def live_units(net: Net, images: Seen, chunk: int = 1000) -> Tensor:
    """Number of hidden units that fire (pre-activation > 0) on at least one of the images."""
    fires = torch.zeros(net.b1.shape[:2], dtype=torch.bool)
    for x in images.pixels.split(chunk):
        fires |= (forward_shared(images.fold(net), x.T)[0] > 0).any(2)
    return fires.sum(1).double()


def effective_sparsity(net: Net) -> Tensor:
    """Share of weights on no input-to-output path of nonzero weights: the zeros and all that they cut off.

    Vysogorets & Kempe (2021), "Connectivity matters: neural network pruning through the lens of effective sparsity".
    """
    first, second = net.w1 != 0, net.w2 != 0  # (S, H, D), (S, C, H)
    reached, heard = first.any(2), second.any(1)  # (S, H)
    alive = (first & heard[:, :, None]).sum((1, 2)) + (second & reached[:, None, :]).sum((1, 2))
    return 1 - alive.double() / (first[0].numel() + second[0].numel())


def pruned(net: Net, threshold: Tensor) -> Net:
    """The networks without the weights of magnitude <= threshold (S,), over both matrices alike."""
    t = threshold[:, None, None]
    return net._replace(w1=net.w1 * (net.w1.abs() > t), w2=net.w2 * (net.w2.abs() > t))


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
    the training set. Found by bisection between the share of exact zeros and 1, so to 2**-halvings of that interval.
    """
    d = ascending.shape[1]
    allowed = error + tolerance + 1e-9
    bias_alone = net.b2.argmax(1)  # (S, 1): what is answered once every weight is gone
    nothing_left = (labels != bias_alone).double().mean(1) <= allowed
    low, high = zero_fraction(net), torch.ones(len(net.w1), dtype=torch.float64)
    low = torch.where(nothing_left, high, low)
    if nothing_left.all():
        return low
    for _ in range(halvings):
        middle = (low + high) / 2
        last = (middle * d).long().clamp(1, d) - 1
        threshold = ascending.gather(1, last[:, None])[:, 0]
        fine = scores(images.fold(pruned(net, threshold)), images.pixels, labels)[1] <= allowed
        low, high = torch.where(fine, middle, low), torch.where(fine, high, middle)
    return low
