"""The arrays of a cell, a run along the first axis of each. Nothing here needs torch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
CHUNK = 1000  # images that are scored at once
COMMON = {"epochs"}  # what is the same for all runs of a cell, and has no axis of runs


def joined(parts: Sequence[Arrays]) -> Arrays:
    """One cell from parts that were trained apart, each with other seeds, in the order of the seeds."""
    return {
        name: values if name in COMMON else np.concatenate([part[name] for part in parts])
        for name, values in parts[0].items()
    }
