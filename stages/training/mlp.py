"""S independent two-layer ReLU networks as one batched network.

Everything is feature-major: a batch of B inputs is x (S, D, B), its hidden layer (S, H, B), its logits (S, C, B).
That order keeps every matrix product near the speed of a large one, also at small widths.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.runs import CHUNK


class Net(NamedTuple):
    """Weights of S networks: w1 (S, H, D), b1 (S, H, 1), w2 (S, C, H), b2 (S, C, 1)."""

    w1: Tensor
    b1: Tensor
    w2: Tensor
    b2: Tensor


def init(inputs: int, width: int, classes: int, generators: Sequence[torch.Generator]) -> Net:
    """One network per generator, drawn as `nn.Linear` does: weights and bias uniform in +-1/sqrt(fan_in)."""
    shapes = [(width, inputs), (width, 1), (classes, width), (classes, 1)]
    bounds = [inputs**-0.5, inputs**-0.5, width**-0.5, width**-0.5]
    nets = [
        [torch.empty(shape).uniform_(-k, k, generator=g) for shape, k in zip(shapes, bounds, strict=True)]
        for g in generators
    ]
    return Net(*(torch.stack(parts) for parts in zip(*nets, strict=True)))


def weights(net: Net) -> Tensor:
    """All weights of each network in one row, (S, d): the entries of w1 and then those of w2, without biases."""
    return torch.cat([net.w1.flatten(1), net.w2.flatten(1)], 1)


def forward(net: Net, x: Tensor) -> tuple[Tensor, Tensor]:
    """Hidden layer (S, H, B) and logits (S, C, B) of inputs x (S, D, B)."""
    hidden = torch.baddbmm(net.b1, net.w1, x).relu_()
    return hidden, torch.baddbmm(net.b2, net.w2, hidden)


def deltas(net: Net, hidden: Tensor, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the summed cross-entropy by the pre-activations: (S, H, B) and (S, C, B); labels (S, 1, B)."""
    out = torch.softmax(logits, 1)
    out.scatter_add_(1, labels, out.new_full((), -1.0).expand(labels.shape))
    return torch.bmm(net.w2.mT, out).mul_(hidden > 0), out


def descend_(net: Net, x: Tensor, hidden: Tensor, delta1: Tensor, delta2: Tensor, step: float) -> None:
    """One gradient step in place, given the layers' inputs and deltas; step is lr / B for the batch's mean loss."""
    net.w1.baddbmm_(delta1, x.mT, alpha=-step)
    net.b1.sub_(delta1.sum(2, keepdim=True), alpha=step)
    net.w2.baddbmm_(delta2, hidden.mT, alpha=-step)
    net.b2.sub_(delta2.sum(2, keepdim=True), alpha=step)


def forward_shared(net: Net, x: Tensor) -> tuple[Tensor, Tensor]:
    """As `forward`, with all networks looking at the same inputs x (D, B): one product for all first layers."""
    w1, b1 = net.w1.flatten(0, 1), net.b1.flatten(0, 1)  # (S * H, D), (S * H, 1)
    hidden = torch.addmm(b1, w1, x).relu_().view(*net.b1.shape[:2], -1)
    return hidden, torch.baddbmm(net.b2, net.w2, hidden)


def scores(net: Net, images: Tensor, labels: Tensor, chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy and error (S,), as float64, of every network on images (N, D) with labels (N,).

    An image counts as an error unless its label has the largest logit, so a network of nans errs on all but class 0.
    """
    loss = torch.zeros(len(net.w1), dtype=torch.float64, device=images.device)
    wrong = torch.zeros_like(loss)
    for x, y in zip(images.split(chunk), labels.split(chunk), strict=True):
        _, logits = forward_shared(net, x.T)  # (S, C, chunk)
        target = y.expand(len(net.w1), -1)  # (S, chunk)
        loss += torch.nn.functional.cross_entropy(logits, target, reduction="none").sum(1, dtype=torch.float64)
        wrong += (logits.max(1).indices != target).sum(1)  # argmax(1) takes six times as long
    return loss / len(labels), wrong / len(labels)
