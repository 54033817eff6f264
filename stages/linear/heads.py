"""The network up to its hidden layer as a learned kernel: other last layers on features F (n, d), three ways.

Targets Y (n, C) are C classes, one-hot; nothing penalises the intercepts. Objectives:
ridge     |Y - FW|^2 / 2n + strength |W|_2^2 / 2      closed form
lasso     |Y - FW|^2 / 2n + strength |W|_1            adaptive proximal gradients
logistic  cross-entropy / n + strength |W|_1          adaptive proximal gradients
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from stages.training import mlp
from stages.training.mlp import Layer

COLUMNS = ["dataset", "alpha", "width", "features", "dimension", "seed", "head", "strength"]
MEASURED = ["test_error", "train_error", "nonzeros", "p_eff_train", "p_eff_test"]


class Head(NamedTuple):
    """Last layers at K strengths: weights (K, d, C), intercepts (K, C), both of features with training mean 0."""

    weights: Tensor
    intercepts: Tensor


class Features(NamedTuple):
    """Standardised by the training images: each feature has mean 0 and, unless it is constant, variance 1 there."""

    train: Tensor  # (n, d)
    test: Tensor  # (N, d)

    @classmethod
    def of(cls, train: Tensor, test: Tensor) -> "Features":
        """Constant features, such as dead units, become zero."""
        mean, std = train.mean(0), train.std(0, correction=0)
        scale = torch.where(std > 1e-6 * (1 + mean.abs()), 1 / std, 0.0)
        return cls((train - mean) * scale, (test - mean) * scale)


def hidden(layers: Sequence[Layer], pixels: Tensor) -> Tensor:
    """A network's last hidden layer (n, H) on pixels (n, D); a layer has weights (H, in) and a bias (H, 1)."""
    for weight, bias in layers:
        pixels = torch.relu(pixels @ weight.T + bias.T)
    return pixels


def random_relu(width: int, depth: int, classes: int, seed: int, pixels: Tensor) -> Tensor:
    """The last hidden layer (n, width) of the network that training with this seed starts from."""
    start = mlp.init(pixels.shape[1], width, classes, [torch.Generator().manual_seed(seed)], depth)
    return hidden([Layer(weight[0], bias[0]) for weight, bias in start.layers[:-1]], pixels)


def principal(train: Tensor, test: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` principal components of the training pixels, of both sets."""
    mean = train.mean(0)
    _, vectors = torch.linalg.eigh((train - mean).T.double() @ (train - mean).double())
    axes = vectors.flip(1)[:, :count].float()
    return (train - mean) @ axes, (test - mean) @ axes


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Targets (n, C), float64."""
    return torch.nn.functional.one_hot(labels, classes).double()


def ridge(features: Features, y: Tensor, strengths: Tensor) -> tuple[Head, Tensor, Tensor]:
    """The heads, and their effective parameters (K,) on the training and the test images (Curth et al. 2023)."""
    x, n = features.train.double(), len(y)
    values, vectors = torch.linalg.eigh(x.T @ x)  # (d,), (d, d)
    values = values.clamp(min=0)
    target = vectors.T @ x.T @ (y - y.mean(0))  # (d, C)
    gain = 1 / (values + n * strengths.double()[:, None])  # (K, d)
    weights = vectors @ (gain[:, :, None] * target)  # (K, d, C)
    # |s(x0)|^2 = 1/n + sum_j values_j gain_j^2 (x0 . v_j)^2
    squares = torch.stack([(part.double() @ vectors).square().mean(0) for part in features])  # (2, d)
    effective = 1 + n * (squares[:, None] * (values * gain**2)).sum(2)  # (2, K)
    return Head(weights.float(), y.mean(0).float().expand(len(strengths), -1)), effective[0], effective[1]


def path(
    gradient: Callable[[Tensor], Tensor],
    start: Tensor,
    strengths: Tensor,
    penalised: Tensor,
    tolerance: float,
    most: int,
) -> Tensor:
    """Minimisers (K, C, p) of a smooth convex f plus strength |w|_1 over the penalised of the p columns, from the
    strongest penalty to the weakest, each from the one before, by proximal gradients whose step follows the curvature
    (Latafat et al. 2023, adaPGM). The step must start below 1 / that of f: f's features are standardised, so their
    number will do. A step is the last once no weight's optimality condition is violated by more than `tolerance` times
    the strength, once it is too short for the dtype, or after `most` steps.
    """
    found = start.new_zeros(len(strengths), *start.shape)
    w, step = start, 1 / start.shape[1]
    before = step
    for place in strengths.argsort(descending=True).tolist():
        strength = float(strengths[place])
        g = gradient(w)
        for _ in range(most):
            new = w - step * g
            new -= new.clamp(-step * strength, step * strength) * penalised
            new_g = gradient(new)
            dw, dg = new - w, new_g - g
            w, g = new, new_g
            size, inner, curve = (float((a * b).sum()) for a, b in ((dw, dw), (dg, dw), (dg, dg)))
            if size == 0 or (dg - dw / step).abs().max() <= tolerance * strength:
                break
            excess = step * (step * curve - inner) / size
            limit = step / (2 * excess**0.5) if excess > 0 else math.inf
            before, step = step, min(step * (1 + step / before) ** 0.5, limit)
        found[place] = w
    return found


def lasso(features: Features, y: Tensor, strengths: Tensor, tolerance: float = 0.01, most: int = 10_000) -> Head:
    """See `path`."""
    x, n = features.train.double(), len(y)
    gram, target = x.T @ x / n, (y - y.mean(0)).T @ x / n
    every = torch.ones(len(gram), dtype=torch.float64)
    found = path(lambda w: w @ gram - target, torch.zeros_like(target), strengths, every, tolerance, most)
    return Head(found.mT.float(), y.mean(0).float().expand(len(strengths), -1))


def logistic(features: Features, y: Tensor, strengths: Tensor, tolerance: float = 0.03, most: int = 3000) -> Head:
    """See `path`; the intercept is its last column."""
    target, n = y.float().T, len(y)
    x = torch.cat([features.train.T, torch.ones(1, n)])  # (d + 1, n)
    start = torch.zeros(len(target), len(x))
    start[:, -1] = target.mean(1).clamp(min=0.5 / n).log()
    penalised = torch.ones(len(x))
    penalised[-1] = 0

    def gradient(w: Tensor) -> Tensor:
        return torch.softmax(w @ x, 0).sub_(target).div_(n) @ x.T

    found = path(gradient, start, strengths, penalised, tolerance, most)  # (K, C, d + 1)
    return Head(found[..., :-1].mT, found[..., -1])


def memory_of_heads(dimension: int, images: int, outputs: int) -> int:
    """Bytes, for the heads on so many features of so many training and test images; measured.

    `outputs` are the classes times the strengths.
    """
    return 12 * images * dimension + 24 * dimension**2 + outputs * (8 * images + 16 * dimension)


def errors(head: Head, features: Tensor, labels: Tensor) -> Tensor:
    """Share of images (K,) whose label does not have the largest output."""
    outputs = features @ head.weights + head.intercepts[:, None]  # (K, n, C)
    return (outputs.argmax(2) != labels).double().mean(1)


def measure(
    features: Features, train_labels: Tensor, test_labels: Tensor, classes: int, strengths: list[float]
) -> list[dict[str, Any]]:
    """One row per kind of head and strength, with what is MEASURED: nonzeros are the share of weights that are not
    zero, and ridge alone has p_eff."""
    k, y = torch.tensor(strengths), one_hot(train_labels, classes)
    ridges, p_eff_train, p_eff_test = ridge(features, y, k)
    rows = []
    for kind, head in (
        ("ridge", ridges),
        ("lasso", lasso(features, y, k)),
        ("logistic", logistic(features, y, k)),
    ):
        columns = {
            "strength": k,
            "test_error": errors(head, features.test, test_labels),
            "train_error": errors(head, features.train, train_labels),
            "nonzeros": (head.weights != 0).double().mean((1, 2)),
        }
        if kind == "ridge":
            columns |= {"p_eff_train": p_eff_train, "p_eff_test": p_eff_test}
        for i, strength in enumerate(strengths):
            row = {name: float(values[i]) for name, values in columns.items()}
            rows.append({"head": kind, **row, "strength": strength})
    return rows
