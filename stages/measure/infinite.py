"""Where an axis of widths ends: regression on the kernels of networks of infinite width, for the same training sets."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from stages.base.params import LEAST_RUNS
from stages.base.tensors import Array
from stages.linear.kernel_regression import Row, at_infinite_width
from stages.measure.images import test_images, training_images

RIDGES = (0.0, 0.1)  # shares of the kernel's mean diagonal
MOST_IMAGES = 8000  # of a training set: the kernels of more take tens of GiB


def ends(arrays: Mapping[str, Array], classes: int, drawing: Mapping[str, Any], depth: int) -> dict[str, float]:
    """Mean test errors by kernel and ridge, over the training sets of the first LEAST_RUNS runs, which may be one set.

    `drawing` says which training set a run has; networks would have so many hidden layers. There are no errors for
    training sets of more than MOST_IMAGES.
    """
    train, test = training_images(arrays, classes, drawing, range(LEAST_RUNS)), test_images(arrays)
    if train.per_run > MOST_IMAGES:
        return {}
    one_set = train.chosen is None and train.labels.dim() == 1
    rows = []
    for place in range(1 if one_set else LEAST_RUNS):
        pixels, labels = train.of_run(place)
        found = at_infinite_width(pixels, labels, test, classes, RIDGES, depth)
        rows.append({_name(one): one["test_error"] for one in found})
    return {str(name): float(error) for name, error in pd.DataFrame(rows).mean().items()}


def _name(row: Row) -> str:
    """Such as NTK, or NTK with ridge 0.1."""
    ridge = f" with ridge {row['ridge']!r}" if row["ridge"] else ""
    return f"{str(row['kernel']).upper()}{ridge}"
