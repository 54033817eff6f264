"""Where wrong labels live: whether the hidden layer puts a mislabelled image among images of its true class.

Gu et al. (2023), "Unraveling the enigma of double descent: an in-depth analysis through the lens of learned feature
space": an interpolating network that generalises isolates mislabelled images among the right ones of their true class.
"""

import torch
from torch import Tensor

from stages.measure.activations import Activations, by_column

COUNTS = (1, 5, 10)
COLUMNS = tuple(f"true_among_{count}_nearest" for count in COUNTS)


def columns(train: Activations, labels: Tensor, true: Tensor) -> dict[str, Tensor]:
    """A value a network (S,) from its activations on its training images; labels are (n,), or (S, n) where runs differ.

    true_among_k_nearest is the share of the mislabelled images whose k nearest correctly labelled images have, by
    majority, the mislabelled image's true class. Nearness is the cosine similarity in the last hidden layer. It is nan
    where nothing is mislabelled, where fewer than k images are labelled correctly, and for a network that puts out an
    inf or a nan.
    """
    given, truth = labels.expand(len(train.logits), -1), true.expand(len(train.logits), -1)  # (S, n)
    classes = train.logits.shape[2]
    rows = [
        shares(train.hidden[-1][run], given[run] != truth[run], truth[run], classes) if finite else {}
        for run, finite in enumerate(train.finite.tolist())
    ]
    return by_column(rows, COLUMNS)


def shares(hidden: Tensor, wrong: Tensor, true: Tensor, classes: int) -> dict[str, float]:
    """The columns of one network, from features (n, H), which of the labels are wrong (n,) and the true labels (n,)."""
    right = int((~wrong).sum())
    if right == len(wrong):
        return {}
    largest = max((count for count in COUNTS if count <= right), default=0)
    nearest = true[~wrong][nearest_places(hidden[wrong], hidden[~wrong], largest)]  # (w, largest)
    return {
        f"true_among_{count}_nearest": float((majority(nearest[:, :count], classes) == true[wrong]).double().mean())
        for count in COUNTS
        if count <= right
    }


def nearest_places(queries: Tensor, points: Tensor, count: int) -> Tensor:
    """Places (q, count) of the points (p, H) with the largest cosine similarity to each query (q, H), nearest first.

    A zero vector has similarity 0 to all. The order of points with the same similarity is whatever `torch.topk` makes
    of them. With one hidden unit all images on which it fires are the same, so that this order decides.
    """
    unit = torch.nn.functional.normalize
    similarity = unit(queries) @ unit(points).T  # (q, p)
    return similarity.topk(count, 1).indices


def majority(neighbours: Tensor, classes: int) -> Tensor:
    """The most frequent class (q,) among the classes (q, k) of neighbours, the nearest one first.

    Of classes with as many votes the one with the nearest neighbour wins. For that, neighbour j = 1, ..., k adds 2^-j
    to its vote: more than all later ones add together, and in sum less than a vote.
    """
    count = neighbours.shape[1]
    vote = 1 + 0.5 ** torch.arange(1, count + 1, dtype=torch.float64)  # (k,)
    votes = torch.zeros(len(neighbours), classes, dtype=torch.float64)
    return votes.scatter_add_(1, neighbours, vote.expand(neighbours.shape)).argmax(1)
