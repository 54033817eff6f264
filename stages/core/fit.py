"""Training: plain SGD on cross-entropy + alpha * penalty, all seeds of one (width, alpha) cell at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.core import mlp
from stages.core.params import Train
from stages.core.penalty import PENALTIES


class Images(NamedTuple):
    """Normalised pixels (N, D), float32, and labels (N,), int64."""

    pixels: Tensor
    labels: Tensor


class Curves(NamedTuple):
    """What was measured at `epochs` (E,): each of the others is (E, S), float64, without the penalty."""

    epochs: Tensor
    train_loss: Tensor
    train_error: Tensor
    test_loss: Tensor
    test_error: Tensor


class Fit(NamedTuple):
    net: mlp.Net  # at the last epoch
    curves: Curves
    learning_distance: Tensor  # (S,) |theta_T - theta_0|_2 over all weights and biases (He et al. 2022, section 5)
    diverged: Tensor  # (S,) bool: the network holds an inf or a nan


def batches(count: int, size: int, generators: Sequence[torch.Generator]) -> Iterator[Tensor]:
    """One epoch: indices (S, <=size), each seed in an order of its own; the last batch may be smaller."""
    orders = torch.stack([torch.randperm(count, generator=g) for g in generators])
    yield from orders.split(size, dim=1)


def evaluated(epoch: int, config: Train) -> bool:
    """Every `eval_every` epochs from 0 on, and the last two: one of them is odd, the other even."""
    return epoch % config.eval_every == 0 or epoch >= config.epochs - 1


def fit(
    train: Images,
    test: Images,
    *,
    width: int,
    alpha: float,
    config: Train,
    seeds: Sequence[int],
    report: Callable[[int, Tensor, Tensor], None] = lambda epoch, loss, error: None,
) -> Fit:
    """Train one network per seed; a seed's weights do not depend, to the bit, on which others train beside it.

    A seed's generator draws its initial weights and then the order of every epoch. Work happens on the device of
    the images, random numbers on the CPU. `report` gets each evaluated epoch with the seeds' training loss and
    test error (S,).
    """
    device = train.pixels.device
    count, inputs = train.pixels.shape
    penalty = PENALTIES[config.penalty]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    start = mlp.init(inputs, width, 10, generators)
    net = mlp.Net(*(w.to(device, copy=True) for w in start))
    scratch = mlp.Net(*map(torch.empty_like, net))
    gathered = train.pixels.new_empty(len(seeds) * config.batch_size, inputs)
    step = config.lr * alpha

    rows: list[tuple[Tensor, ...]] = []
    for epoch in range(config.epochs + 1):
        if epoch > 0:
            for index in batches(count, config.batch_size, generators):
                flat = index.flatten().to(device)
                x = torch.index_select(train.pixels, 0, flat, out=gathered[: len(flat)])
                x = x.view(*index.shape, inputs).mT  # (S, D, B)
                labels = train.labels.index_select(0, flat).view(len(seeds), 1, -1)
                hidden, logits = mlp.forward(net, x)
                delta1, delta2 = mlp.deltas(net, hidden, logits, labels)
                if config.solver == "subgradient" and step:
                    for w, buffer in zip(net, scratch, strict=True):
                        penalty.subgradient(w, step, buffer)
                mlp.descend_(net, x, hidden, delta1, delta2, config.lr / index.shape[1])
                if config.solver == "proximal" and step:
                    assert penalty.proximal is not None
                    for w, buffer in zip(net, scratch, strict=True):
                        penalty.proximal(w, step, buffer)
        if evaluated(epoch, config):
            train_loss, train_error = mlp.scores(net, *train)
            test_loss, test_error = mlp.scores(net, *test)
            report(epoch, train_loss, test_error)
            rows.append((torch.tensor(epoch), train_loss, train_error, test_loss, test_error))

    net = mlp.Net(*(w.cpu() for w in net))
    moved = sum((w - w0).double().square().sum((1, 2)) for w, w0 in zip(net, start, strict=True))
    finite = torch.stack([w.isfinite().all(2).all(1) for w in net]).all(0)
    curves = Curves(*(torch.stack(column).cpu() for column in zip(*rows, strict=True)))
    return Fit(net, curves, torch.as_tensor(moved).sqrt(), ~finite)
