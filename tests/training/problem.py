"""A problem that trains in milliseconds."""

from typing import Any

import torch

from stages.training.fit import Fit, fit
from stages.training.images import Images
from stages.training.options import Options
from stages.training.sets import training_sets

GENERATOR = torch.Generator().manual_seed(0)
TRAIN = Images(torch.randn(43, 6, generator=GENERATOR), torch.randint(10, (43,), generator=GENERATOR))
TEST = Images(torch.randn(20, 6, generator=GENERATOR), torch.randint(10, (20,), generator=GENERATOR))


def run(seeds: list[int], *alphas: float, **options: Any) -> Fit:
    """Every seed with every alpha, or with alpha 0.1; five batches of 8 images and one of 3 an epoch."""
    chosen = Options(**{"alpha": 0.0, "width": 4, "epochs": 3, "batch_size": 8, "lr": 0.05, "eval_every": 1} | options)
    train, _ = training_sets(TRAIN, chosen, seeds, classes=10)
    return fit(train, TEST, chosen, classes=10, alphas=alphas or [0.1], seeds=seeds)
