"""What runs of one cell make together: how far they scatter, whether they agree, and the error of their mean.

Outputs are the probabilities that a network gives the classes, or of one trained by the squared loss its logits. A run
that holds an inf or a nan is left out and has no values; ensembles then have none at all. Where runs share a training
set, bias and variance are those given this set.
"""

import torch
from torch import Tensor

from stages.base.params import ENSEMBLES
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Net
from stages.training.runs import CHUNK


def outputs(net: Net, test: Images, loss: str) -> Tensor:
    """(S, n, C), float64, of every network on the test images."""
    parts = []
    for x, _ in test.parts(CHUNK):
        logits = mlp.forward(net, x)[1].double()
        parts.append(logits if loss == "squared" else logits.softmax(1))
    return torch.cat(parts, 2).mT


def error(outputs: Tensor, labels: Tensor) -> Tensor:
    """Share of the images (n,) of which the label has not the largest output; outputs (..., n, C)."""
    return (outputs.argmax(-1) != labels).double().mean(-1)


def columns(outputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """A value a run, (S,), from outputs (S, n, C) on images with labels (n,).

    brier: squared distance to the one-hot label, summed over classes, in the mean over images.
    variance: squared distance to the mean over the runs, times S / (S - 1). Its mean over the runs is the variance of
        Yang et al. (2020) without bias, and the mean of brier less that of variance is their squared bias.
    agreement: share of the images that another run puts into the same class, in the mean over the other runs
        (Somepalli et al. 2022).
    ensemble_error: error of the mean output of all runs, the same for each.
    test_error_ensemble: error of the mean output of the run's ensemble. The runs are split into ENSEMBLES of the same
        size; there are none where that size is one.
    """
    whole = outputs.isfinite().all(2).all(1)
    kept = outputs[whole]
    count = len(kept)
    found = {name: torch.full((len(outputs),), torch.nan, dtype=torch.float64) for name in COLUMNS}
    if count == 0:
        return found
    mean = kept.mean(0)
    found["brier"][whole] = (kept - torch.nn.functional.one_hot(labels, kept.shape[2])).square().sum(2).mean(1)
    found["ensemble_error"][whole] = error(mean, labels)
    if count > 1:
        found["variance"][whole] = (kept - mean).square().sum(2).mean(1) * count / (count - 1)
        said = kept.argmax(2)
        same = torch.stack([(said == one).double().mean(1) for one in said])  # (S, S)
        found["agreement"][whole] = (same.sum(1) - 1) / (count - 1)
    size = len(outputs) // ENSEMBLES
    if size > 1 and whole.all():
        for first in range(0, size * ENSEMBLES, size):
            found["test_error_ensemble"][first : first + size] = error(outputs[first : first + size].mean(0), labels)
    return found


COLUMNS = ("brier", "variance", "agreement", "ensemble_error", "test_error_ensemble")
