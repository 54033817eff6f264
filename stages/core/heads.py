"""The network up to its hidden layer as a learned kernel: other last layers on features F (n, d), three ways.

Targets are ten classes, one-hot for the two regressions; nothing penalises the intercepts. Objectives, with Y (n, 10):
ridge     |Y - FW|^2 / 2n + strength |W|_2^2 / 2      closed form
lasso     |Y - FW|^2 / 2n + strength |W|_1            scikit-learn's coordinate descent, a class at a time
logistic  cross-entropy / n + strength |W|_1          accelerated proximal gradients (Beck & Teboulle 2009, FISTA)
"""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.linear_model import lasso_path
from torch import Tensor

from stages.core import mlp
from stages.core.datasets import CLASSES


class Head(NamedTuple):
    """Last layers at K strengths: weights (K, d, 10), intercepts (K, 10), both of features with training mean 0."""

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


def hidden(w1: Tensor, b1: Tensor, pixels: Tensor) -> Tensor:
    """A network's hidden layer (n, H) on pixels (n, D): w1 (H, D), b1 (H, 1)."""
    return torch.relu(pixels @ w1.T + b1.T)


def random_relu(width: int, seed: int, pixels: Tensor) -> Tensor:
    """The hidden layer (n, width) of the network that training with this seed starts from."""
    start = mlp.init(pixels.shape[1], width, CLASSES, [torch.Generator().manual_seed(seed)])
    return hidden(start.w1[0], start.b1[0], pixels)


def principal(train: Tensor, test: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The first `count` principal components of the training pixels, of both sets."""
    mean = train.mean(0)
    _, vectors = torch.linalg.eigh((train - mean).T.double() @ (train - mean).double())
    axes = vectors.flip(1)[:, :count].float()
    return (train - mean) @ axes, (test - mean) @ axes


def one_hot(labels: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(labels, CLASSES).double()


def ridge(features: Features, labels: Tensor, strengths: Tensor) -> tuple[Head, Tensor, Tensor]:
    """The heads, and their effective parameters (K,) on the training and the test images (Curth et al. 2023)."""
    x, y, n = features.train.double(), one_hot(labels), len(labels)
    values, vectors = torch.linalg.eigh(x.T @ x)  # (d,), (d, d)
    values = values.clamp(min=0)
    target = vectors.T @ x.T @ (y - y.mean(0))  # (d, 10)
    gain = 1 / (values + n * strengths.double()[:, None])  # (K, d)
    weights = vectors @ (gain[:, :, None] * target)  # (K, d, 10)
    # |s(x0)|^2 = 1/n + sum_j values_j gain_j^2 (x0 . v_j)^2
    squares = torch.stack([(part.double() @ vectors).square().mean(0) for part in features])  # (2, d)
    effective = 1 + n * (squares[:, None] * (values * gain**2)).sum(2)  # (2, K)
    return Head(weights.float(), y.mean(0).float().expand(len(strengths), -1)), effective[0], effective[1]


def lasso(features: Features, labels: Tensor, strengths: Tensor) -> Head:
    x, y = features.train.double().numpy(), one_hot(labels).numpy()
    gram, target = x.T @ x, x.T @ (y - y.mean(0))
    descending = np.sort(strengths.numpy())[::-1]
    path = partial(lasso_path, x, alphas=descending, precompute=gram, max_iter=10_000)
    weights = np.stack([path(y[:, c] - y[:, c].mean(), Xy=target[:, c])[1] for c in range(CLASSES)], 1)  # (d, 10, K)
    found = torch.as_tensor(weights).permute(2, 0, 1).flip(0)[strengths.argsort().argsort()]
    return Head(found.float(), torch.as_tensor(y.mean(0)).float().expand(len(strengths), -1))


def logistic(features: Features, labels: Tensor, strengths: Tensor, tolerance: float = 0.03, most: int = 3000) -> Head:
    """From the strongest penalty to the weakest, each from the one before. Momentum starts anew where it points uphill
    (O'Donoghue & Candes 2015); a step is the last once no weight's optimality condition is violated by more than
    `tolerance` times the strength, or after `most` steps.
    """
    alive = features.train.any(0)
    alive[0] |= ~alive.any()  # where all features are dead, one of them stands for none
    x, target, n = features.train[:, alive], one_hot(labels).float().T, len(labels)
    # the cross-entropy's Hessian is at most half of the features' second moments; + 1 for the intercept
    step = 2 / (float(torch.linalg.eigvalsh(x.T @ x / n)[-1]) + 1)
    w = x.new_zeros(CLASSES, x.shape[1])
    b = target.mean(1, keepdim=True).clamp(min=0.5 / n).log()
    weights = x.new_zeros(len(strengths), len(alive), CLASSES)
    intercepts = x.new_zeros(len(strengths), CLASSES)
    for place in strengths.argsort(descending=True).tolist():
        limit = step * float(strengths[place])
        v, c, t = w, b, 1.0
        for _ in range(most):
            wrong = torch.softmax(v @ x.T + c, 0).sub_(target).mul_(step / n)  # (10, n)
            stepped = v - wrong @ x
            new_w, new_b = stepped - stepped.clamp(-limit, limit), c - wrong.sum(1, keepdim=True)
            moved = (v - new_w).abs().max()
            uphill = bool(((v - new_w) * (new_w - w)).sum() > 0)
            new_t = (1 + (1 + 4 * t**2) ** 0.5) / 2
            momentum, t = (0.0, 1.0) if uphill else ((t - 1) / new_t, new_t)
            v, c = new_w + momentum * (new_w - w), new_b + momentum * (new_b - b)
            w, b = new_w, new_b
            if moved <= tolerance * limit:
                break
        weights[place, alive], intercepts[place] = w.T, b[:, 0]
    return Head(weights, intercepts)


def errors(head: Head, features: Tensor, labels: Tensor) -> Tensor:
    """Share of images (K,) whose label does not have the largest output."""
    outputs = features @ head.weights + head.intercepts[:, None]  # (K, n, 10)
    return (outputs.argmax(2) != labels).double().mean(1)


def measure(
    features: Features, train_labels: Tensor, test_labels: Tensor, strengths: list[float]
) -> list[dict[str, Any]]:
    """One row per kind of head and strength; nonzeros are the share of weights, p_eff that of ridge alone."""
    k = torch.tensor(strengths)
    ridges, p_eff_train, p_eff_test = ridge(features, train_labels, k)
    rows = []
    for kind, head in (
        ("ridge", ridges),
        ("lasso", lasso(features, train_labels, k)),
        ("logistic", logistic(features, train_labels, k)),
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
