"""Images and labels as the trainer takes them."""

from typing import NamedTuple

from torch import Tensor


class Images(NamedTuple):
    """Normalised pixels (N, D), float32, and labels (N,), int64."""

    pixels: Tensor
    labels: Tensor
