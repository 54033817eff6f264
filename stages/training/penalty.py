"""Penalties P(theta) added to the loss as alpha * P, and the two ways of descending on them.

Every function takes one batched parameter w (S, out, in); a bias is a matrix with one column, (S, out, 1).
Both kinds of step work in place: `subgradient` does w -= step * (a subgradient of P at w), `proximal` does
w = argmin_v step * P(v) + |v - w|^2 / 2 (Parikh & Boyd 2014, "Proximal Algorithms"); step is lr * alpha, a number
or one per network, (S, 1, 1).
`scratch` is memory of w's shape that a step may overwrite: allocating it anew costs more than the arithmetic.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Step = float | Tensor


class Penalty(NamedTuple):
    value: Callable[[Tensor], Tensor]  # (S, out, in) -> (S,)
    subgradient: Callable[[Tensor, Step, Tensor], None]  # (w, step, scratch)
    proximal: Callable[[Tensor, Step, Tensor], None] | None = None


def induced_1norm(w: Tensor) -> Tensor:
    """Largest absolute column sum, the operator norm that `torch.linalg.norm(w, 1)` computes for a matrix.

    For a bias, a single column, it is the ordinary L1 norm, as `torch.linalg.norm(b, 1)` of a vector is.
    """
    return w.abs().sum(1).amax(1)


def induced_1norm_step(w: Tensor, step: Step, scratch: Tensor) -> None:
    """Move one column of each matrix, the one with the largest absolute sum, by step times its signs."""
    if w.shape[2] == 1:
        l1_step(w, step, scratch)
    else:
        sums = torch.abs(w, out=scratch).sum(1, keepdim=True)  # (S, 1, in)
        column = sums.argmax(2, keepdim=True).expand(-1, w.shape[1], 1)  # (S, out, 1)
        w.scatter_add_(2, column, w.gather(2, column).sign_().mul_(-step))


def l1(w: Tensor) -> Tensor:
    """Sum of absolute values of all entries."""
    return w.abs().sum((1, 2))


def l1_step(w: Tensor, step: Step, scratch: Tensor) -> None:
    w.sub_(torch.sign(w, out=scratch).mul_(step))


def l1_prox(w: Tensor, step: Step, scratch: Tensor) -> None:
    """Soft thresholding: entries within step of 0 become exactly 0."""
    limit = torch.as_tensor(step, dtype=w.dtype, device=w.device)
    w.sub_(torch.clamp(w, -limit, limit, out=scratch))


def l2(w: Tensor) -> Tensor:
    """Half the sum of squares: alpha is then SGD's weight_decay."""
    return w.square().sum((1, 2)) / 2


def l2_step(w: Tensor, step: Step, scratch: Tensor) -> None:
    w.mul_(1 - step)


def l2_prox(w: Tensor, step: Step, scratch: Tensor) -> None:
    w.div_(1 + step)


PENALTIES = {
    "induced_1norm": Penalty(induced_1norm, induced_1norm_step),
    "l1": Penalty(l1, l1_step, l1_prox),
    "l2": Penalty(l2, l2_step, l2_prox),
    "none": Penalty(lambda w: w.new_zeros(len(w)), lambda w, step, scratch: None),
}
