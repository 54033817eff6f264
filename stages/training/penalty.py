"""Penalties P(theta) added to the loss as alpha * P, and the two ways of descending on them.

A penalty looks at one layer of N networks at a time, at weights w (..., out, in) and at a bias (..., out, 1), a matrix
with one column. Both ways are made from the sizes of their steps, (A, 1, 1) in float64, once for all steps of an epoch:
`subgradient` gives a move that does target -= step * (a subgradient of P at w), where the target is w itself or a
gradient, and `proximal` one that does w = argmin_v step * P(v) + |v - w|^2 / 2 (Parikh & Boyd 2014, "Proximal
Algorithms"). Moves work in place.
`scratch` is memory of w's shape that a move may overwrite: allocating it anew costs more than the arithmetic.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.mlp import Layer

Move = Callable[[Tensor, Tensor, Tensor], None]  # (w, target, scratch), of one matrix; proximal moves: target is w
LayerMove = Callable[[Layer, Layer, Layer], None]
# Bytes of absolute values that are written and at once read again. With a block's all at once, where a core has a
# second-level cache of 1 MiB, a step took a twentieth longer.
IN_CACHE = 650_000


class Sizes(NamedTuple):
    """How far a layer's parameters step, (A, 1, 1), float64; None is no step at all."""

    weight: Tensor | None
    bias: Tensor | None


class Penalty(NamedTuple):
    value: Callable[[Layer], Tensor]  # (N,)
    subgradient: Callable[[Sizes], LayerMove] | None = None
    proximal: Callable[[Sizes], LayerMove] | None = None
    layers: slice = slice(None)  # of the networks' layers, those that it looks at
    constraint: bool = False  # a proximal move's size is then alpha, whatever the learning rate


def of_each(kind: Callable[[Tensor], Move]) -> Callable[[Sizes], LayerMove]:
    """The move of a layer whose weights and bias move apart."""

    def of_layer(sizes: Sizes) -> LayerMove:
        moves = [(place, kind(size)) for place, size in enumerate(sizes) if size is not None]

        def move(layer: Layer, target: Layer, scratch: Layer) -> None:
            for place, one in moves:
                one(layer[place], target[place], scratch[place])

        return move

    return of_layer


def induced_1norm(w: Tensor) -> Tensor:
    """Largest absolute column sum, the operator norm that `torch.linalg.norm(w, 1)` computes for a matrix.

    For a bias, a single column, it is the ordinary L1 norm, as `torch.linalg.norm(b, 1)` of a vector is.
    """
    return w.abs().sum(-2).amax(-1)


def column_sums(w: Tensor, scratch: Tensor) -> Tensor:
    """Sums of absolute values down each column, (..., 1, in), over a few networks at a time."""
    sums = w.new_empty(*w.shape[:-2], 1, w.shape[-1])
    few = max(1, IN_CACHE * w.shape[-3] // (w.numel() * w.element_size()))
    for part, into in zip(w.split(few, -3), sums.split(few, -3), strict=True):
        torch.sum(torch.abs(part, out=scratch.narrow(-3, 0, part.shape[-3])), -2, keepdim=True, out=into)
    return sums


def largest(sums: Tensor) -> Tensor:
    """Where the largest value of each row (..., in) stands, (..., 1), the first of equal ones."""
    if sums.device.type != "cpu":
        return sums.argmax(-1, keepdim=True)
    return torch.from_numpy(sums.numpy().argmax(-1, keepdims=True))  # torch's takes ten times as long on a CPU


def induced_1norm_step(step: Tensor) -> Move:
    """Move one column of each matrix, the one with the largest absolute sum, by step times its signs."""
    of_column, back = l1_step(step), -step.float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        if w.shape[-1] == 1:
            of_column(w, target, scratch)
        else:
            sums = column_sums(w, scratch)
            column = largest(sums).expand(*w.shape[:-1], 1)  # (..., out, 1)
            target.scatter_add_(-1, column, w.gather(-1, column).sign_().mul_(back))

    return move


def l1(w: Tensor) -> Tensor:
    """Sum of absolute values of all entries."""
    return w.abs().sum((-2, -1))


def l1_step(step: Tensor) -> Move:
    back = -step.float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        target.addcmul_(torch.sign(w, out=scratch), back)

    return move


def l1_prox(step: Tensor) -> Move:
    """Soft thresholding: entries within step of 0 become exactly 0."""
    limit = step.float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        w.sub_(torch.clamp(w, -limit, limit, out=scratch))

    return move


def l2(w: Tensor) -> Tensor:
    """Half the sum of squares: alpha is then SGD's weight_decay."""
    return w.square().sum((-2, -1)) / 2


def l2_step(step: Tensor) -> Move:
    size, kept = step.float(), (1 - step).float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        if target is w:
            w.mul_(kept)
        else:
            target.sub_(torch.mul(w, size, out=scratch))

    return move


def l2_prox(step: Tensor) -> Move:
    divisor = (1 + step).float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        w.div_(divisor)

    return move


def elastic(w: Tensor) -> Tensor:
    """L1 plus half the sum of squares (Zou & Hastie 2005), both with the same strength."""
    return l1(w) + l2(w)


def elastic_step(step: Tensor) -> Move:
    back = -step.float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        target.addcmul_(torch.sign(w, out=scratch).add_(w), back)

    return move


def elastic_prox(step: Tensor) -> Move:
    """Soft thresholding, then a division (Parikh & Boyd 2014, section 6.5.3)."""
    soften, shrink = l1_prox(step), l2_prox(step)

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        soften(w, target, scratch)
        shrink(w, target, scratch)

    return move


EPSILON = 0.01  # of the log-sum penalty: far larger weights are hardly pulled


def log_sum(w: Tensor) -> Tensor:
    """Sum of EPSILON * log(1 + |w| / EPSILON) (Candes, Wakin & Boyd 2008): near 0 as steep as L1, far from it flat."""
    return EPSILON * (w.abs() / EPSILON).log1p().sum((-2, -1))


def log_sum_step(step: Tensor) -> Move:
    back = -step.float()

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        slopes = torch.abs(w, out=scratch).div_(EPSILON).add_(1).reciprocal_().mul_(w.sign())
        target.addcmul_(slopes, back)

    return move


def log_sum_prox(step: Tensor) -> Move:
    """The larger stationary point of the quadratic that the optimum solves, or 0 where that costs less.

    Gong et al. (2013), "A general iterative shrinkage and thresholding algorithm", table 1, have the same two cases.
    """
    size = step.float()

    def cost(v: Tensor, magnitudes: Tensor) -> Tensor:
        return size * EPSILON * (v / EPSILON).log1p() + (v - magnitudes).square() / 2

    def move(w: Tensor, target: Tensor, scratch: Tensor) -> None:
        magnitudes = torch.abs(w, out=scratch)
        inside = (magnitudes + EPSILON).square() - 4 * EPSILON * size
        stationary = ((magnitudes - EPSILON + inside.clamp(min=0).sqrt()) / 2).clamp(min=0)
        zero = (inside < 0) | (cost(torch.zeros_like(w), magnitudes) <= cost(stationary, magnitudes))
        w.copy_(stationary.masked_fill_(zero, 0.0).mul_(w.sign()))

    return move


def norms_into(layer: Layer, with_bias: bool = True) -> Tensor:
    """L2 norm of all weights into each unit, and of its bias, (..., out, 1)."""
    squares = layer.weight.square().sum(-1, keepdim=True)
    return (squares + layer.bias.square() if with_bias else squares).sqrt_()


def norms_out_of(layer: Layer) -> Tensor:
    """L2 norm of all weights out of each unit of the layer before, (..., 1, in)."""
    return layer.weight.square().sum(-2, keepdim=True).sqrt_()


def group_l1(layer: Layer) -> Tensor:
    """Sum of the norms of the hidden units' incoming weights and biases (group lasso, Yuan & Lin 2006)."""
    return norms_into(layer).sum((-2, -1))


def group_l1_step(sizes: Sizes) -> LayerMove:
    """Every unit's weights and bias move towards 0 together, by step in all; a unit at 0 stays."""

    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        if sizes.weight is not None:
            pull = torch.nan_to_num(-sizes.weight.float() / norms_into(layer, sizes.bias is not None), neginf=0.0)
            target.weight.addcmul_(layer.weight, pull)
            if sizes.bias is not None:
                target.bias.addcmul_(layer.bias, pull)

    return move


def group_l1_prox(sizes: Sizes) -> LayerMove:
    """Block soft thresholding (Parikh & Boyd 2014, section 6.5.4): a unit whose norm is at most step becomes 0."""

    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        if sizes.weight is not None:
            kept = (1 - sizes.weight.float() / norms_into(layer, sizes.bias is not None)).clamp_(min=0)
            layer.weight.mul_(kept)
            if sizes.bias is not None:
                layer.bias.mul_(kept)

    return move


def group_l1_out(layer: Layer) -> Tensor:
    """Sum of the norms of the hidden units' outgoing weights."""
    return norms_out_of(layer).sum((-2, -1))


def group_l1_out_step(sizes: Sizes) -> LayerMove:
    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        if sizes.weight is not None:
            pull = torch.nan_to_num(-sizes.weight.float() / norms_out_of(layer), neginf=0.0)
            target.weight.addcmul_(layer.weight, pull)

    return move


def group_l1_out_prox(sizes: Sizes) -> LayerMove:
    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        if sizes.weight is not None:
            layer.weight.mul_((1 - sizes.weight.float() / norms_out_of(layer)).clamp_(min=0))

    return move


def l0(layer: Layer) -> Tensor:
    """Number of weights that are not zero."""
    return (layer.weight != 0).sum((-2, -1))


def l0_prox(sizes: Sizes) -> LayerMove:
    """Iterative hard thresholding (Blumensath & Davies 2009): the smallest weights become 0, and biases are spared.

    The size is the share of a matrix's weights that are 0 afterwards, rounded to whole weights.
    """
    shares = [] if sizes.weight is None else sizes.weight.flatten().tolist()

    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        for place, share in enumerate(shares):
            w = layer.weight[:, place]  # (S, out, in)
            zeros = round(share * w[0].numel())
            if zeros > 0:
                magnitudes = w.abs()
                limit = magnitudes.flatten(1).kthvalue(zeros).values
                w.masked_fill_(magnitudes <= limit[:, None, None], 0.0)

    return move


def l0_count_prox(sizes: Sizes) -> LayerMove:
    """Hard thresholding: weights of magnitude sqrt(2 step) or less become 0, and biases are spared."""

    def move(layer: Layer, target: Layer, scratch: Layer) -> None:
        if sizes.weight is not None:
            limit = (2 * sizes.weight).sqrt().float()
            layer.weight.masked_fill_(torch.abs(layer.weight, out=scratch.weight) <= limit, 0.0)

    return move


def summed(value: Callable[[Tensor], Tensor]) -> Callable[[Layer], Tensor]:
    """A penalty's value of a layer whose weights and bias are penalised apart."""
    return lambda layer: value(layer.weight) + value(layer.bias)


PENALTIES = {
    "induced_1norm": Penalty(summed(induced_1norm), of_each(induced_1norm_step)),
    "l1": Penalty(summed(l1), of_each(l1_step), of_each(l1_prox)),
    "l2": Penalty(summed(l2), of_each(l2_step), of_each(l2_prox)),
    "elastic": Penalty(summed(elastic), of_each(elastic_step), of_each(elastic_prox)),
    "group_l1": Penalty(group_l1, group_l1_step, group_l1_prox, slice(None, -1)),
    "group_l1_out": Penalty(group_l1_out, group_l1_out_step, group_l1_out_prox, slice(1, None)),
    "log_sum": Penalty(summed(log_sum), of_each(log_sum_step), of_each(log_sum_prox)),
    "l0_count": Penalty(l0, proximal=l0_count_prox),
    "l0": Penalty(l0, proximal=l0_prox, constraint=True),
    "none": Penalty(lambda layer: layer.weight.new_zeros(len(layer.weight))),
}
