"""What is known of each data set: pixel range, and the mean and spread its pixels are normalised with."""

from typing import NamedTuple

import torch
from torch import Tensor


class Facts(NamedTuple):
    largest: float  # the pixel value that becomes 1
    mean: float  # of the training file's pixels, after division by `largest`
    std: float


FACTS = {
    "mnist": Facts(255, 0.1307, 0.3081),
    "fashion_mnist": Facts(255, 0.2860, 0.3530),
    "kmnist": Facts(255, 0.1918, 0.3483),
    "digits": Facts(16, 0.3072, 0.3764),
}
CLASSES = 10


def first_per_class(labels: Tensor, count: int) -> Tensor:
    """Indices of the first `count` images of class 0, then of class 1, ...; ValueError where a class has fewer."""
    chosen = []
    for label in range(CLASSES):
        found = (labels == label).nonzero().flatten()
        if len(found) < count:
            raise ValueError(f"class {label} has {len(found)} images")
        chosen.append(found[:count])
    return torch.cat(chosen)


def normalise(images: Tensor, facts: Facts) -> Tensor:
    """Pixels (N, height, width), uint8, as (N, D) float32 of about zero mean and unit spread."""
    return (images.flatten(1).float() / facts.largest - facts.mean) / facts.std


def with_noise(labels: Tensor, fraction: float, seed: int) -> Tensor:
    """The labels (N,) with round(fraction * N) of them replaced by another class, uniformly ("symmetric noise")."""
    generator = torch.Generator().manual_seed(seed)
    count = round(fraction * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    noisy = labels.clone()
    noisy[chosen] = (labels[chosen] + torch.randint(1, CLASSES, (count,), generator=generator)) % CLASSES
    return noisy
