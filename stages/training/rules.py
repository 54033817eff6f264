"""Update rules: what a step makes of the gradient. Each one is torch.optim's of that name, for N networks at once."""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch

from stages.training.mlp import Factors, Net, add_gradient_
from stages.training.options import Options


class Rule(Protocol):
    target: Net  # what a penalty's subgradient is subtracted from: the networks themselves, or what becomes their step

    def __init__(self, net: Net, options: Options) -> None: ...

    def step_(
        self, factors: Sequence[Factors], rates: Sequence[float], count: int, penalise: Callable[[], None]
    ) -> None:
        """One step in place along the mean gradient of `count` images, with one learning rate a layer.

        `penalise` adds the penalty to the target. The rule calls it once, while the weights are still the old ones.
        """


class Sgd:
    """w -= rate * gradient, without a gradient in memory."""

    def __init__(self, net: Net, options: Options) -> None:
        self.target = net

    def step_(
        self, factors: Sequence[Factors], rates: Sequence[float], count: int, penalise: Callable[[], None]
    ) -> None:
        penalise()
        for layer, of_layer, rate in zip(self.target.layers, factors, rates, strict=True):
            add_gradient_(layer, of_layer, -rate / count)


class Momentum:
    """v = momentum * v + gradient; w -= rate * v (Polyak 1964, as torch.optim.SGD has it)."""

    def __init__(self, net: Net, options: Options) -> None:
        self.net, self.momentum = net, options.momentum
        self.target = net.map(torch.zeros_like)  # v

    def step_(
        self, factors: Sequence[Factors], rates: Sequence[float], count: int, penalise: Callable[[], None]
    ) -> None:
        for velocity, of_layer in zip(self.target.layers, factors, strict=True):
            add_gradient_(velocity, of_layer, 1 / count, keep=self.momentum)
        penalise()
        for layer, velocity, rate in zip(self.net.layers, self.target.layers, rates, strict=True):
            for w, v in zip(layer, velocity, strict=True):
                w.sub_(v, alpha=rate)


class Nesterov:
    """v = momentum * v + gradient; w -= rate * (gradient + momentum * v) (Sutskever et al. 2013, as torch has it)."""

    def __init__(self, net: Net, options: Options) -> None:
        self.net, self.momentum = net, options.momentum
        self.target = net.map(torch.zeros_like)  # the gradient
        self.velocity = net.map(torch.zeros_like)

    def step_(
        self, factors: Sequence[Factors], rates: Sequence[float], count: int, penalise: Callable[[], None]
    ) -> None:
        for gradient, of_layer in zip(self.target.layers, factors, strict=True):
            add_gradient_(gradient, of_layer, 1 / count, keep=0.0)
        penalise()
        layers = zip(self.net.layers, self.target.layers, self.velocity.layers, rates, strict=True)
        for layer, gradient, velocity, rate in layers:
            for w, g, v in zip(layer, gradient, velocity, strict=True):
                v.mul_(self.momentum).add_(g)
                w.sub_(g.add_(v, alpha=self.momentum), alpha=rate)


class Adam:
    """Kingma & Ba (2015), algorithm 1, with its constants."""

    decay1, decay2, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, net: Net, options: Options) -> None:
        self.net, self.steps = net, 0
        self.target = net.map(torch.zeros_like)  # the gradient
        self.mean, self.square = net.map(torch.zeros_like), net.map(torch.zeros_like)

    def step_(
        self, factors: Sequence[Factors], rates: Sequence[float], count: int, penalise: Callable[[], None]
    ) -> None:
        for gradient, of_layer in zip(self.target.layers, factors, strict=True):
            add_gradient_(gradient, of_layer, 1 / count, keep=0.0)
        penalise()
        self.steps += 1
        bias1, bias2 = 1 - self.decay1**self.steps, 1 - self.decay2**self.steps
        layers = zip(self.net.layers, self.target.layers, self.mean.layers, self.square.layers, rates, strict=True)
        for layer, gradient, mean, square, rate in layers:
            for w, g, m, v in zip(layer, gradient, mean, square, strict=True):
                m.mul_(self.decay1).add_(g, alpha=1 - self.decay1)
                v.mul_(self.decay2).add_(g.square_(), alpha=1 - self.decay2)
                size = torch.sqrt(v, out=g).div_(bias2**0.5).add_(self.epsilon)
                w.sub_(torch.div(m, size, out=g), alpha=rate / bias1)


RULES: dict[str, type[Rule]] = {"sgd": Sgd, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}
