"""How far training was from lazy: what became of the weights, the hidden layer and the tangent kernel.

A network is lazy while it does not move away from its linearisation at the start (Chizat, Oyallon & Bach 2019, "On lazy
training in differentiable programming"). Its tangent kernel then stays what it was.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from stages.linear.heads import one_hot
from stages.linear.tangent import tangent_kernel
from stages.training import mlp
from stages.training.mlp import Net, forward


def start_of(net: Net, seeds: Sequence[int]) -> Net:
    """The networks that `fit.fit` with these seeds, one for each of the networks, begins from."""
    width, inputs = net.layers[0].weight.shape[1:]
    classes = net.layers[-1].weight.shape[1]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return mlp.init(inputs, width, classes, generators, len(net.layers) - 1)


def relative_change(net: Net, start: Net) -> Tensor:
    """|theta_T - theta_0| / |theta_0|, (S,), over all weights and biases, L2 norms."""
    now, before = (torch.cat([p.double().flatten(1) for p in one.parameters()], 1) for one in (net, start))  # (S, d)
    change: Tensor = (now - before).norm(dim=1) / before.norm(dim=1)
    return change


def centred(kernel: Tensor) -> Tensor:
    """The kernels (..., n, n) of features (n, ...) less their mean over the images, float64."""
    k = kernel.double()
    return k - k.mean(-1, keepdim=True) - k.mean(-2, keepdim=True) + k.mean((-2, -1), keepdim=True)


def alignment(kernel: Tensor, other: Tensor) -> Tensor:
    """Centred kernel alignment of kernels (..., n, n), in [0, 1]; nan where one of them is constant.

    Cortes, Mohri & Rostamizadeh (2012), "Algorithms for learning kernels based on centered alignment", section 2. Of
    the Gram matrices of two layers it is linear CKA (Kornblith et al. 2019, "Similarity of neural network
    representations revisited", section 3), which neither rotations nor a scale of either layer change.
    """
    a, b = centred(kernel), centred(other)
    cosine: Tensor = (a * b).sum((-2, -1)) / (a.norm(dim=(-2, -1)) * b.norm(dim=(-2, -1)))
    return cosine


def hidden_gram(net: Net, pixels: Tensor) -> Tensor:
    """Gram matrices (S, n, n), float64, of the last hidden layer on pixels (n, D)."""
    hidden = forward(net, pixels.T[None])[0][-1].double()  # (S, H, n)
    return hidden.mT @ hidden


def columns(
    net: Net, start: Net, pixels: Tensor, labels: Tensor, classes: int, true: Tensor | None = None
) -> dict[str, Tensor]:
    """A value a run, (S,), float64, of trained networks and those that they started from, on images (n, D).

    The labels are (n,), or (S, n) where each run has its own.

    weight_change: see `relative_change`.
    hidden_cka: linear CKA of the last hidden layer at the end with that at the start.
    tangent_cka: alignment of the tangent kernel at the end with that at the start.
    tangent_alignment: alignment of the tangent kernel at the end with the kernel of the labels, which is 1 for two
        images of one class and 0 for others.
    tangent_alignment_start: the same of the tangent kernel at the start.
    tangent_alignment_true: that at the end, with the true labels, shaped like the others, where they are given.

    All but the first are nan where a kernel is constant, as that of a network is whose hidden units are all dead.
    """
    end, before = (tangent_kernel(one, pixels, pixels) for one in (net, start))  # (S, n, n)
    of_labels = label_kernel(labels, classes)
    found = {
        "weight_change": relative_change(net, start),
        "hidden_cka": alignment(hidden_gram(net, pixels), hidden_gram(start, pixels)),
        "tangent_cka": alignment(end, before),
        "tangent_alignment": alignment(end, of_labels),
        "tangent_alignment_start": alignment(before, of_labels),
    }
    if true is not None:
        found["tangent_alignment_true"] = alignment(end, label_kernel(true, classes))
    return found


def label_kernel(labels: Tensor, classes: int) -> Tensor:
    """Y Y^T (..., n, n) of the one-hot labels (..., n)."""
    y = one_hot(labels, classes)
    return y @ y.mT
