"""Networks that grow: each width starts from the trained narrower one, up to a switch, and from scratch beyond it.

Belkin, Hsu, Ma & Mandal, "Reconciling modern machine-learning practice and the classical bias-variance trade-off"
(PNAS 2019), call this weight reuse: trained units are taken over, and the weights of added ones are drawn from a normal
distribution of mean 0 and variance 0.01. Networks have one hidden layer. Those that start from scratch are drawn as all
networks here, where theirs are drawn by Glorot & Bengio (2010), and every width takes all its epochs, where theirs stop
when they fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from stages.training.batch import DataSet, Procedure, Report
from stages.training.fit import Fit, fit
from stages.training.mlp import Layer, Net
from stages.training.options import Options
from stages.training.runs import Arrays
from stages.training.sets import training_sets

SPREAD = 0.1  # standard deviation of an added unit's weights and bias


@dataclass(frozen=True, kw_only=True)
class GrowOptions(Options):
    """Every width is trained by these options, without a penalty."""

    width: int = 0  # of none of them
    alpha: float = 0.0
    widths: Sequence[int]  # ascending
    reuse_up_to: int  # the last width that starts from the trained narrower one; 0: none does

    @property
    def widths_trained(self) -> Sequence[int]:
        return self.widths


def widened(small: Net, width: int, seeds: Sequence[int]) -> Net:
    """Networks of that width, one a seed, which begin with the units of the small ones.

    The outputs' biases are the small networks' too. What is added is drawn from the seed and the width.
    """
    generators = [torch.Generator().manual_seed(_own_seed(seed, width)) for seed in seeds]
    added = width - small.layers[0].weight.shape[1]

    def drawn(parameter: Tensor, rows: int, columns: int) -> Tensor:
        return torch.stack([parameter.new_empty(rows, columns).normal_(0.0, SPREAD, generator=g) for g in generators])

    hidden, out = small.layers
    weight = torch.cat([hidden.weight, drawn(hidden.weight, added, hidden.weight.shape[2])], 1)
    bias = torch.cat([hidden.bias, drawn(hidden.bias, added, 1)], 1)
    outgoing = torch.cat([out.weight, drawn(out.weight, out.weight.shape[1], added)], 2)
    return Net((Layer(weight, bias), Layer(outgoing, out.bias)))


def _own_seed(seed: int, width: int) -> int:
    return int(np.random.SeedSequence([seed, width]).generate_state(1, np.uint64)[0])


def grow(data: DataSet, options: GrowOptions, seeds: Sequence[int], report: Report) -> Iterator[Fit]:
    """The trained networks of every width, in the order of the widths."""
    train, _ = training_sets(data.train, options, seeds, data.classes)
    work, done = float(sum(options.widths)), 0
    trained: Fit | None = None
    for width in options.widths:
        start = widened(trained.net, width, seeds) if trained and width <= options.reuse_up_to else None

        def told(share: float, width: int = width, done: int = done) -> None:
            report((done + share * width) / work)

        one = replace(options, width=width)
        trained = fit(train, data.test, one, classes=data.classes, alphas=[0.0], seeds=seeds, start=start, report=told)
        yield trained
        done += width


def cells(data: DataSet, options: Sequence[GrowOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with all the seeds; every measure is (S, widths)."""
    (one,) = options
    by_width = [
        {
            **{name: curve[-1] for name, curve in fit.curves._asdict().items() if name != "epochs"},
            **fit.at_the_end(),
        }
        for fit in grow(data, one, seeds, report)
    ]
    return [{name: torch.stack([row[name] for row in by_width], 1).numpy() for name in by_width[0]}]


PROCEDURE = Procedure(GrowOptions, cells, together="seeds")
