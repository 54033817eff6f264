"""The images that trained networks are measured on, as tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from stages.base.tensors import Array
from stages.measure.sparsity import Seen
from stages.training.images import Images
from stages.training.options import Common
from stages.training.sets import training_sets


def training_images(
    prepared: Mapping[str, Array], classes: int, drawing: Mapping[str, Any], seeds: Sequence[int]
) -> Images:
    """The training sets of the runs with these seeds, labelled as in training, from the arrays of the prepared data.

    The data have that many classes. `drawing` are the options of `training.options.Common` that say which training set
    a run has.
    """
    pool = Images(torch.from_numpy(prepared["train_pixels"]), torch.from_numpy(prepared["train_labels"]))
    return training_sets(pool, Common(width=1, **drawing), seeds, classes)[0]


def test_images(prepared: Mapping[str, Array]) -> Images:
    return Images(torch.from_numpy(prepared["test_pixels"]), torch.from_numpy(prepared["test_labels"]))


def seen_in_training(images: Images) -> list[tuple[Seen, torch.Tensor]]:
    """The training set that all runs share, with labels (n,) or (S, n), or each run's own with labels (n,)."""
    if images.chosen is None:
        return [(Seen.of(images.pixels), images.labels)]
    own = (images.of_run(run) for run in range(len(images.chosen)))
    return [(Seen.of(pixels), labels) for pixels, labels in own]
