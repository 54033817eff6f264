"""Training: plain SGD on cross-entropy + alpha * penalty, many runs of one width at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training import mlp
from stages.training.images import Images
from stages.training.options import Options
from stages.training.penalty import PENALTIES, Step


class Curves(NamedTuple):
    """What was measured at `epochs` (E,): each of the others is (E, S), float64, without the penalty."""

    epochs: Tensor
    train_loss: Tensor
    train_error: Tensor
    test_loss: Tensor
    test_error: Tensor


class Fit(NamedTuple):
    net: mlp.Net  # at the last epoch, or at the one where the run stopped
    curves: Curves  # a stopped run's values stay what they were
    stopped: Tensor  # (S,) last epoch that counts: options.epochs unless stop_at_train_error was reached
    learning_distance: Tensor  # (S,) |theta_T - theta_0|_2 over all weights and biases (He et al. 2022, section 5)
    diverged: Tensor  # (S,) bool: the network holds an inf or a nan


def batches(count: int, size: int, generators: Sequence[torch.Generator]) -> Iterator[Tensor]:
    """One epoch: indices (S, <=size), each run in an order of its own; the last batch may be smaller."""
    orders = torch.stack([torch.randperm(count, generator=g) for g in generators])
    yield from orders.split(size, dim=1)


def descend_epoch_(
    net: mlp.Net,
    train: Images,
    generators: Sequence[torch.Generator],
    batch_size: int,
    lr: float,
    *,
    before: Callable[[], None] = lambda: None,
    after: Callable[[], None] = lambda: None,
) -> None:
    """One epoch of SGD on the mean cross-entropy, in place. At every step `before` may change the weights between the
    gradient and the step along it, `after` once the step is done."""
    count, inputs = train.pixels.shape
    gathered = train.pixels.new_empty(len(generators) * min(batch_size, count), inputs)
    for index in batches(count, batch_size, generators):
        flat = index.flatten().to(train.pixels.device)
        x = torch.index_select(train.pixels, 0, flat, out=gathered[: len(flat)])
        x = x.view(*index.shape, inputs).mT  # (S, D, B)
        labels = train.labels.index_select(0, flat).view(len(generators), 1, -1)
        hidden, logits = mlp.forward(net, x)
        delta1, delta2 = mlp.deltas(net, hidden, logits, labels)
        before()
        mlp.descend_(net, x, hidden, delta1, delta2, lr / index.shape[1])
        after()


def evaluated(epoch: int, options: Options) -> bool:
    """Every `eval_every` epochs from 0 on, and the last two: one of them is odd, the other even."""
    return epoch % options.eval_every == 0 or epoch >= options.epochs - 1


def penalty_steps(alphas: Sequence[float], options: Options, device: torch.device) -> list[Step]:
    """lr * alpha * the layer's scale for w1, b1, w2, b2: one number, or (S, 1, 1) where the runs' alphas differ.

    Products are taken in double precision, so that a run's step does not depend on the alphas beside it.
    """
    first, second = options.penalty_scale
    bias = float(options.penalize_bias)
    steps: list[Step] = []
    for scale in (first, first * bias, second, second * bias):
        of_runs = [options.lr * alpha * scale for alpha in alphas]
        alike = len(set(of_runs)) == 1
        steps.append(of_runs[0] if alike else torch.tensor(of_runs, dtype=torch.float32, device=device)[:, None, None])
    return steps


@torch.inference_mode()
def fit(
    train: Images,
    test: Images,
    options: Options,
    *,
    classes: int,
    alphas: Sequence[float],
    seeds: Sequence[int],
    report: Callable[[float], None] = lambda share: None,
) -> Fit:
    """Train S networks, run s with alphas[s] and seeds[s] and else with the options, whose alpha is not looked at.

    A run's weights do not depend, to the bit, on the runs beside it. Its generator draws its initial weights and then
    the order of every epoch, so runs of one seed differ in alpha alone. Work happens on the device of the images, and
    random numbers are drawn on the CPU. `report` is told after every epoch which share of the epochs is done.
    """
    device = train.pixels.device
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    start = mlp.init(train.pixels.shape[1], options.width, classes, generators)
    net = mlp.Net(*(w.to(device, copy=True) for w in start))
    final = mlp.Net(*(w.clone() for w in net))
    stopped = torch.full((len(seeds),), options.epochs, device=device)
    running = torch.ones(len(seeds), dtype=torch.bool, device=device)

    steps = penalty_steps(alphas, options, device)
    penalised = [i for i, step in enumerate(steps) if torch.as_tensor(step).any()]
    scratch = mlp.Net(*map(torch.empty_like, net))

    penalty = PENALTIES[options.penalty]
    move = penalty.subgradient if options.solver == "subgradient" else penalty.proximal
    assert move, f"{options.penalty} has no proximal step"

    def penalise() -> None:
        for i in penalised:
            move(net[i], steps[i], scratch[i])

    moment = {"subgradient": "before", "proximal": "after"}[options.solver]
    rows: list[tuple[Tensor, ...]] = []
    for epoch in range(options.epochs + 1):
        if epoch > 0 and running.any():
            descend_epoch_(net, train, generators, options.batch_size, options.lr, **{moment: penalise})
            report(epoch / options.epochs)
        if evaluated(epoch, options):
            row: tuple[Tensor, ...] = (*mlp.scores(net, *train), *mlp.scores(net, *test))
            if rows:
                row = tuple(torch.where(running, now, before) for now, before in zip(row, rows[-1][1:], strict=True))
            rows.append((torch.tensor(epoch), *row))
            for kept, w in zip(final, net, strict=True):
                kept[running] = w[running]
            if options.stop_at_train_error is not None and epoch > 0:
                fitted = running & (row[1] <= options.stop_at_train_error)
                stopped[fitted] = epoch
                running &= ~fitted

    final = mlp.Net(*(w.cpu() for w in final))
    moved = sum((w - w0).double().square().sum((1, 2)) for w, w0 in zip(final, start, strict=True))
    finite = torch.stack([w.isfinite().all(2).all(1) for w in final]).all(0)
    curves = Curves(*(torch.stack(column).cpu() for column in zip(*rows, strict=True)))
    return Fit(final, curves, stopped.cpu(), torch.as_tensor(moved).sqrt(), ~finite)
