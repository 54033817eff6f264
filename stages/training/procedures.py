"""The ways to train, by name, each in the module of that name.

No cell's fingerprint speaks of this file, so another way to train makes none stale.
"""

from collections.abc import Sequence
from typing import Any

from stages.training import batch, features, finetune, fit, grow, prequential, prune, smooth
from stages.training.batch import DataSet, Report
from stages.training.runs import Arrays

PROCEDURES = {
    "fit": fit.PROCEDURE,
    "prune": prune.PROCEDURE,
    "grow": grow.PROCEDURE,
    "features": features.PROCEDURE,
    "prequential": prequential.PROCEDURE,
    "smooth": smooth.PROCEDURE,
    "finetune": finetune.PROCEDURE,
}


def train(
    procedure: str,
    data: DataSet,
    options: Sequence[dict[str, Any]],
    seeds: Sequence[int],
    report: Report = lambda share: None,
) -> list[Arrays]:
    """Train every cell with every seed by the procedure of that name; see `batch.train`."""
    return batch.train(PROCEDURES[procedure], data, options, seeds, report)
