"""Other last layers on the penultimate features that the cells of `training.finetune` keep."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stages.linear.heads import Features, one_hot
from stages.linear.refit import Row
from stages.linear.regression import Decomposition, effective_parameters, smoother
from stages.training.images import Images
from stages.training.runs import Arrays
from stages.training.sets import generator

SWEPT = 3  # what `swept` draws, besides what `training.sets` draws; the same numbers would choose the wrong labels
IMAGES = 400  # that the sweep is fitted to
COUNTS = (10, 40, 100, 200, 300, 360, 390, 400, 410, 440, 500, 600, 800, 1024)  # of features, through IMAGES
RIDGES = (0.0, 100.0)  # of |y - Fw|^2 + ridge |w|^2 on standardised features; the second leaves no peak


def features_of(cell: Arrays, run: int) -> Features:
    """One run's features of the training set and of the test images, standardised."""
    return Features.of(*(torch.from_numpy(cell[f"{part}_features"][run]).float() for part in ("train", "test")))


def swept(
    cell: Arrays,
    run: int,
    train: Images,
    test_labels: Tensor,
    classes: int,
    counts: Sequence[int] = COUNTS,
    ridges: Sequence[float] = RIDGES,
    images: int = IMAGES,
) -> list[Row]:
    """A row for each ridge and each number p of features in `counts`: ridge regression on p of the run's features.

    It is fitted to so many images of the run's training set. A peak at p = n needs n well below the number of features,
    1,024 of mobilenet_v3_small, so n is not the size of the training set. Which images these are, and in which order
    features are added, is drawn from the run's seed. Features that are constant are left out, and no p goes beyond the
    others. There is no intercept. The targets are one-hot less 1 / classes, so that with a ridge of 0, the solution of
    least norm, a fit has p parameters and interpolates from p = n on.

    An error is a share of images. A loss is the squared distance to the target, summed over classes, in the mean over
    images. p_eff are effective parameters (Curth et al. 2023). There is no row of features that are not finite.
    """
    features, labels = features_of(cell, run), train.of_run(run)[1]
    if not features.train.isfinite().all():
        return []
    drawing = generator(0, run, SWEPT)
    chosen = torch.randperm(len(labels), generator=drawing)[:images]
    alive = features.train.any(0).nonzero()[:, 0]
    order = alive[torch.randperm(len(alive), generator=drawing)]
    x, x_test = (part[:, order].double().numpy() for part in (features.train[chosen], features.test))
    truths = [one.numpy() for one in (labels[chosen], test_labels)]
    targets = [(one_hot(one, classes) - 1 / classes).numpy() for one in (labels[chosen], test_labels)]
    rows: list[Row] = []
    for p in [count for count in counts if count <= len(order)]:
        decomposed = Decomposition.of(x[:, :p])
        for ridge in ridges:
            row: Row = {"seed": run, "features": p, "ridge": ridge, "images": images}
            for name, points, truth, target in zip(("train", "test"), (x, x_test), truths, targets, strict=True):
                weights = smoother(decomposed, points[:, :p], ridge)  # (N, n)
                predicted = weights @ targets[0]  # (N, C)
                row[f"{name}_error"] = float((predicted.argmax(1) != truth).mean())
                row[f"{name}_loss"] = float(np.square(predicted - target).sum(1).mean())
                row[f"p_eff_{name}"] = effective_parameters(weights)
            rows.append(row)
    return rows
