"""Neural collapse of the last hidden layer: how near its class means come to the corners of a simplex.

Papyan, Han & Donoho (2020), "Prevalence of neural collapse during the terminal phase of deep learning training". They
have as many images of each class. Wrong labels make the classes unequal, so here every class weighs the same: the
global mean is the mean of the class means, and both covariances are means over the classes. With classes of one size
these are their definitions.
"""

import math

import torch
from torch import Tensor

from stages.measure.activations import Activations, by_column
from stages.training.mlp import Net

MEASURES = ("nc1", "nc2_norms", "nc2_angles", "nc3", "nc4")
COLUMNS = (*(f"{name}_{labels}" for labels in ("given", "true") for name in MEASURES), "simplex_possible")


def columns(net: Net, train: Activations, labels: Tensor, true: Tensor) -> dict[str, Tensor]:
    """A value a network (S,) from its activations on its training images.

    The labels that it was trained with give the columns that end in `_given`, the true ones those that end in `_true`.
    Both are (n,), or (S, n) where runs differ. See `collapse` for the measures; all are 0 after a full collapse.
    simplex_possible is 1 where C - 1 units or more of the last hidden layer fire on some training image, and otherwise
    0: C class means span C - 1 dimensions in a simplex, so fewer units cannot hold one. A network that puts out an inf
    or a nan has nan in all columns.
    """
    pairs = list(zip(labels.expand(len(train.logits), -1), true.expand(len(train.logits), -1), strict=True))
    rows = []
    for run, finite in enumerate(train.finite.tolist()):
        row: dict[str, float] = {}
        if finite:
            hidden = train.hidden[-1][run].double()  # (n, H)
            weight = net.layers[-1].weight[run].double()  # (C, H)
            decisions = train.logits[run].argmax(1)  # (n,)
            for name, classes in zip(("given", "true"), pairs[run], strict=True):
                found = collapse(hidden, weight, decisions, classes)
                row |= {f"{measure}_{name}": value for measure, value in found.items()}
            live = int((hidden > 0).any(0).sum())
            row["simplex_possible"] = float(live >= len(weight) - 1)
        rows.append(row)
    return by_column(rows, COLUMNS)


def collapse(hidden: Tensor, weight: Tensor, decisions: Tensor, labels: Tensor) -> dict[str, float]:
    """The measures of one network with last hidden layer (n, H), weights (C, H) after it and decisions (n,).

    With the class means mu_c, their mean mu, and M the matrix (C, H) of the centred class means mu_c - mu:
    nc1: trace(Sigma_W pinv(Sigma_B)) / C, the covariance within the classes against that of the class means. Where the
        class means span fewer than C - 1 dimensions it speaks of these dimensions alone.
    nc2_norms: the standard deviation of the norms |mu_c - mu| divided by their mean.
    nc2_angles: |cos(mu_c - mu, mu_d - mu) + 1 / (C - 1)| in the mean over all pairs of classes c and d.
    nc3: |W / |W|_F - M / |M|_F|_F squared, the distance of the last layer's weights W to the class means. It is 0 where
        they are proportional and 2 where they are orthogonal.
    nc4: the share of the images on which the network decides for another class than that of the nearest class mean.
    A class without images has no mean and leaves all of them nan. Class means that coincide leave nc4 alone.
    """
    classes = len(weight)
    member = torch.nn.functional.one_hot(labels, classes).double()  # (n, C)
    share = member / (classes * member.sum(0))  # (n, C): an image's weight in a mean over classes
    means = classes * share.T @ hidden  # (C, H)
    if means.isnan().any():
        return {}
    centred = means - means.mean(0)
    norms = torch.linalg.vector_norm(centred, dim=1)  # (C,)
    directions = centred / norms[:, None]
    cosines = (directions @ directions.T)[tuple(torch.triu_indices(classes, classes, 1))]
    apart = weight / torch.linalg.matrix_norm(weight) - centred / torch.linalg.matrix_norm(centred)
    nearest = (means.square().sum(1) - 2 * hidden @ means.T).argmin(1)  # (n,); |h|^2 is the same for all classes
    return {
        "nc1": variability(hidden, means, labels, share.sum(1)),
        "nc2_norms": float(norms.std(correction=0) / norms.mean()),
        "nc2_angles": float((cosines + 1 / (classes - 1)).abs().mean()),
        "nc3": float(apart.square().sum()),
        "nc4": float((decisions != nearest).double().mean()),
    }


def variability(hidden: Tensor, means: Tensor, labels: Tensor, share: Tensor) -> float:
    """nc1 of a hidden layer (n, H) with class means (C, H), where the images have these weights (n,) in a mean.

    Sigma_B = M^T M / C is never formed. With the singular values s_j of M and its directions v_j, nc1 is the sum over j
    of v_j^T Sigma_W v_j / s_j^2. The hidden layer is in single precision, and so is the limit below which s_j counts
    as 0.
    """
    _, values, directions = torch.linalg.svd(means - means.mean(0), full_matrices=False)
    kept = values > values[0] * max(means.shape) * torch.finfo(torch.float32).eps
    if not kept.any():
        return math.nan
    axes = directions[kept].T  # (H, r)
    within = hidden @ axes - (means @ axes)[labels]  # (n, r)
    return float((share @ within.square() / values[kept].square()).sum())
