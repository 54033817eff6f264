"""Which images of a data set are used, as what numbers, and with which labels."""

import torch
from torch import Tensor

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


def normalise(images: Tensor, largest: float, mean: float, std: float) -> Tensor:
    """Pixels (N, height, width), uint8, as (N, D) float32 of about zero mean and unit spread.

    `largest` is the pixel value that becomes 1, mean and std those of the training file's pixels after that.
    """
    return (images.flatten(1).float() / largest - mean) / std


def with_noise(labels: Tensor, fraction: float, seed: int) -> Tensor:
    """The labels (N,) with round(fraction * N) of them replaced by another class, uniformly ("symmetric noise")."""
    generator = torch.Generator().manual_seed(seed)
    count = round(fraction * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    noisy = labels.clone()
    noisy[chosen] = (labels[chosen] + torch.randint(1, CLASSES, (count,), generator=generator)) % CLASSES
    return noisy
