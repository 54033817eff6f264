"""Wrong labels on purpose."""

import torch
from torch import Tensor


def with_noise(labels: Tensor, fraction: float, seed: int, classes: int) -> Tensor:
    """The labels (N,), int64, with round(fraction * N) of them replaced by another class ("symmetric noise").

    Which labels are replaced and by which of the other classes is drawn uniformly, from the seed alone.
    """
    generator = torch.Generator().manual_seed(seed)
    count = round(fraction * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    noisy = labels.clone()
    noisy[chosen] = (labels[chosen] + torch.randint(1, classes, (count,), generator=generator)) % classes
    return noisy
