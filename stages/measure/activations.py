"""What trained networks compute on images, which several measures read, and how measures of runs become columns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training.images import Images
from stages.training.mlp import Net, forward


class Activations(NamedTuple):
    """What S networks compute on n images, float32."""

    hidden: tuple[Tensor, ...]  # (S, n, H) after the ReLU, of each hidden layer, the first one first
    logits: Tensor  # (S, n, C)

    @classmethod
    def of(cls, net: Net, images: Images) -> "Activations":
        """On the images of each network's run. They need 4 S n (H + C) bytes, H summed over the hidden layers."""
        ((x, _),) = images.parts(images.per_run)  # (S, D, n), or (1, D, n) where all runs share the images
        seen, logits = forward(net, x)  # (S, H, n) and (S, C, n)
        return cls(tuple(hidden.mT for hidden in seen[1:]), logits.mT)

    @property
    def finite(self) -> Tensor:
        """Which of the networks (S,) put out neither inf nor nan. Only these can be measured."""
        return self.logits.isfinite().all(2).all(1)


def by_column(rows: Sequence[Mapping[str, float]], names: Sequence[str]) -> dict[str, Tensor]:
    """Columns (S,), float64, from a row a run. A name that a row lacks is nan there."""
    return {name: torch.tensor([row.get(name, torch.nan) for row in rows], dtype=torch.float64) for name in names}
