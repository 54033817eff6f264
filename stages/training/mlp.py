"""N independent ReLU networks as one batched network.

Everything is feature-major: a batch of B inputs is x (S, D, B), a hidden layer (N, H, B), the logits (N, C, B). That
order keeps every matrix product near the speed of a large one, also at small widths.

S batches serve N = S * A networks: networks s * A to s * A + A - 1 see batch s. Their first layers are then one matrix
(A * H, D) for each batch, and the batch is read once for all of them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.images import Images
from stages.training.runs import CHUNK


class Layer(NamedTuple):
    weight: Tensor  # (N, out, in)
    bias: Tensor  # (N, out, 1)


class Net(NamedTuple):
    """N networks as their layers, the first one on the inputs; every layer but the last is followed by a ReLU."""

    layers: tuple[Layer, ...]

    def parameters(self) -> list[Tensor]:
        """Weights and biases, w1, b1, w2, b2, ..."""
        return [parameter for layer in self.layers for parameter in layer]

    def named(self) -> dict[str, Tensor]:
        """The parameters by the names that a cell's file gives them: w1, b1, w2, b2, ..."""
        names = [f"{kind}{place}" for place in range(1, len(self.layers) + 1) for kind in ("w", "b")]
        return dict(zip(names, self.parameters(), strict=True))

    @classmethod
    def of(cls, parameters: Sequence[Tensor]) -> "Net":
        """From w1, b1, w2, b2, ..."""
        return cls(tuple(map(Layer, parameters[::2], parameters[1::2])))

    @classmethod
    def from_named(cls, arrays: dict[str, Tensor]) -> "Net":
        """From arrays among which are those of `named`."""
        depth = sum(f"w{place}" in arrays for place in range(1, len(arrays) + 1))
        return cls(tuple(Layer(arrays[f"w{place}"], arrays[f"b{place}"]) for place in range(1, depth + 1)))

    def map(self, function: Callable[[Tensor], Tensor]) -> "Net":
        return Net.of([function(parameter) for parameter in self.parameters()])


class Factors(NamedTuple):
    """The gradient of a summed loss by a layer's weights, as the factors of delta @ inputs.mT."""

    delta: Tensor  # (N, out, B): the gradient by what the layer puts out, before the ReLU
    inputs: Tensor  # (N, in, B) what the layer saw; (S, in, B) where networks share it


def init(inputs: int, width: int, classes: int, generators: Sequence[torch.Generator], depth: int = 1) -> Net:
    """One network per generator, drawn as `nn.Linear` does: weights and bias uniform in +-1/sqrt(fan_in)."""
    sizes = [inputs, *[width] * depth, classes]
    shapes = [shape for into, out in pairwise(sizes) for shape in ((out, into, into), (out, 1, into))]
    nets = [
        [torch.empty(rows, columns).uniform_(-(fan**-0.5), fan**-0.5, generator=g) for rows, columns, fan in shapes]
        for g in generators
    ]
    return Net.of([torch.stack(parts) for parts in zip(*nets, strict=True)])


def weights(net: Net) -> Tensor:
    """All weights of each network in one row, (N, d), layer after layer, without biases."""
    return torch.cat([layer.weight.flatten(1) for layer in net.layers], 1)


def by_batch(parameter: Tensor, batches: Tensor) -> Tensor:
    """What belongs to the networks, (N, rows, columns), as one matrix for each batch, (S, A * rows, columns)."""
    networks, rows, columns = parameter.shape
    return parameter.view(len(batches), networks // len(batches) * rows, columns)


def forward(net: Net, x: Tensor) -> tuple[list[Tensor], Tensor]:
    """What each layer sees, first x (S, D, B) itself and then hidden layers (N, H, B), and the logits (N, C, B)."""
    inputs = [x]
    for layer in net.layers:
        seen = inputs[-1]
        out = torch.baddbmm(by_batch(layer.bias, seen), by_batch(layer.weight, seen), seen)
        inputs.append(out.view(*layer.bias.shape[:2], -1))
        if layer is not net.layers[-1]:
            out.relu_()
    return inputs[:-1], inputs[-1]


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Of each image, (N, B), in nats; logits (N, C, B), labels (N, B)."""
    return torch.nn.functional.cross_entropy(logits, labels, reduction="none")


def cross_entropy_delta_(logits: Tensor, labels: Tensor) -> Tensor:
    """Its gradient by the logits, (S, A, C, B); labels (S, A, 1, B)."""
    return minus_one_hot_(torch.softmax(logits, 2), labels)


def squared(logits: Tensor, labels: Tensor) -> Tensor:
    """Squared distance of each image's logits to its one-hot label, (N, B), as in Belkin et al. (2019)."""
    return minus_one_hot_(logits.clone()[:, None], labels[:, None, None]).square_().sum(2)[:, 0]


def squared_delta_(logits: Tensor, labels: Tensor) -> Tensor:
    """Its gradient by the logits, (S, A, C, B), in their place; labels (S, A, 1, B)."""
    return minus_one_hot_(logits, labels).mul_(2)


def minus_one_hot_(outputs: Tensor, labels: Tensor) -> Tensor:
    """The outputs (S, A, C, B), from which 1 is taken at the labels (S, A, 1, B), in place."""
    return outputs.scatter_add_(2, labels, outputs.new_full((), -1.0).expand(labels.shape))


class Loss(NamedTuple):
    value: Callable[[Tensor, Tensor], Tensor]
    delta_: Callable[[Tensor, Tensor], Tensor]  # may overwrite the logits


LOSSES = {"cross_entropy": Loss(cross_entropy, cross_entropy_delta_), "squared": Loss(squared, squared_delta_)}


def of_networks(labels: Tensor, count: int) -> Tensor:
    """The labels (S, B) of the batches as those of so many networks, (S, N / S, B)."""
    return labels[:, None].expand(-1, count // len(labels), -1)


def backpropagate(net: Net, x: Tensor, labels: Tensor, loss: str = "cross_entropy") -> list[Factors]:
    """The gradient of each network's loss, summed over its batch, by every layer; x (S, D, B), labels (S, B).

    Where x is the same for all networks, 1 for S, labels may differ.
    """
    inputs, logits = forward(net, x)
    of_batch = logits.view(len(x), -1, *logits.shape[1:])  # (S, A, C, B)
    target = of_networks(labels, len(logits)).reshape(len(x), -1, 1, labels.shape[1])  # (S, A, 1, B)
    delta = LOSSES[loss].delta_(of_batch, target).view(logits.shape)
    factors = [Factors(delta, inputs[-1])]
    for layer, seen, before in zip(net.layers[:0:-1], inputs[:0:-1], inputs[-2::-1], strict=True):
        delta = torch.bmm(layer.weight.mT, delta).mul_(seen.sign())  # (N, H, B); the ReLU's slope is 1 above 0
        factors.append(Factors(delta, before))
    return factors[::-1]


def add_gradient_(target: Layer, factors: Factors, scale: float, keep: float = 1.0) -> None:
    """target = keep * target + scale * gradient, in place, without a gradient in memory."""
    delta = by_batch(factors.delta, factors.inputs)
    by_batch(target.weight, factors.inputs).baddbmm_(delta, factors.inputs.mT, beta=keep, alpha=scale)
    if keep != 1.0:
        target.bias.mul_(keep)
    target.bias.add_(factors.delta.sum(2, keepdim=True), alpha=scale)


def gradient(factors: Factors) -> Layer:
    """The gradient itself: that of the weights, (N, out, in), and of the bias, (N, out, 1)."""
    delta, inputs = factors
    weight = torch.bmm(by_batch(delta, inputs), inputs.mT)  # (S, A * out, in)
    return Layer(weight.view(*delta.shape[:2], -1), delta.sum(2, keepdim=True))


def scores(net: Net, images: Images, loss: str = "cross_entropy", chunk: int = CHUNK) -> tuple[Tensor, Tensor]:
    """Mean loss and error (N,), as float64, of every network on the images of its run.

    An image counts as an error unless its label has the largest logit, so a network of nans errs on all but class 0.
    """
    total = torch.zeros(len(net.layers[0].weight), dtype=torch.float64, device=images.pixels.device)
    wrong = torch.zeros_like(total)
    for x, labels in images.parts(chunk):
        _, logits = forward(net, x)  # (N, C, chunk)
        target = of_networks(labels, len(logits)).reshape(len(logits), -1)  # (N, chunk)
        total += LOSSES[loss].value(logits, target).sum(1, dtype=torch.float64)
        wrong += (logits.max(1).indices != target).sum(1)  # argmax(1) takes six times as long
    return total / images.per_run, wrong / images.per_run
