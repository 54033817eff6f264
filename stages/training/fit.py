"""Training: gradient descent on a loss + alpha * penalty, many runs of one width at once."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from stages.training import mlp
from stages.training.batch import DataSet, Procedure, Report
from stages.training.images import Images
from stages.training.mlp import Factors, Layer, Net
from stages.training.options import Options
from stages.training.penalty import PENALTIES, LayerMove, Sizes
from stages.training.rules import RULES
from stages.training.runs import Arrays
from stages.training.schedule import SCHEDULES
from stages.training.sets import training_sets
from stages.training.shift import offsets, shifted, sources


class Curves(NamedTuple):
    """What was measured at `epochs` (E,): each of the others is (E, N), float64, without the penalty."""

    epochs: Tensor
    train_loss: Tensor
    train_error: Tensor
    test_loss: Tensor
    test_error: Tensor


class Fit(NamedTuple):
    """N = S * A trained networks, those of the first seed first, and of each seed in the order of the alphas."""

    net: Net  # at the last epoch, or at the one where the run stopped
    averaged: Net  # mean over the ends of the last `average_epochs` epochs; a stopped run's last weights
    curves: Curves  # a stopped run's values stay what they were
    train_error_averaged: Tensor  # (N,), float64, like the next one
    test_error_averaged: Tensor
    test_error_last: Tensor  # (N,) mean of the test errors at the ends of those epochs; a stopped run's last one
    stopped: Tensor  # (N,) last epoch that counts: options.epochs unless stop_at_train_error was reached
    learning_distance: Tensor  # (N,) |theta_T - theta_0|_2 over all weights and biases (He et al. 2022, section 5)
    diverged: Tensor  # (N,) bool: the network holds an inf or a nan

    def at_the_end(self) -> dict[str, Tensor]:
        """What is measured of each run once, by the names that a cell's file gives it, (N,)."""
        names = ("stopped", "learning_distance", "diverged")
        averaged = ("train_error_averaged", "test_error_averaged", "test_error_last")
        return {name: getattr(self, name) for name in (*names, *averaged)}


def batches(
    train: Images, size: int, generators: Sequence[torch.Generator], shift: int = 0
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch: images (S, D, B) and labels (S, B), each run's in an order of its own; the last B may be smaller.

    Every image is moved by up to `shift` pixels along each side, drawn anew. The images lie in memory that the next
    batch overwrites.
    """
    inputs, device = train.pixels.shape[1], train.pixels.device
    orders = torch.stack([torch.randperm(train.per_run, generator=g) for g in generators])
    if shift:
        yield from _moved_batches(train, size, orders.to(device), generators, shift)
        return
    gathered = train.pixels.new_empty(len(generators) * min(size, train.per_run), inputs)
    for places in orders.to(device).split(size, dim=1):
        rows, labels = train.at(places)
        flat = rows.flatten()
        x = torch.index_select(train.pixels, 0, flat, out=gathered[: len(flat)])
        yield x.view(*rows.shape, inputs).mT, labels


def _moved_batches(
    train: Images, size: int, orders: Tensor, generators: Sequence[torch.Generator], shift: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of images in these orders (S, n), each image moved."""
    inputs, device = train.pixels.shape[1], train.pixels.device
    moves = sources(inputs, offsets(shift)).to(device)  # (K, D)
    drawn = torch.stack([torch.randint(len(moves), (train.per_run,), generator=g) for g in generators])  # (S, n)
    background = train.pixels.min()
    for places, of_images in zip(orders.split(size, 1), drawn.to(device).split(size, 1), strict=True):
        rows, labels = train.at(places)
        x = shifted(train.pixels[rows.flatten()], moves[of_images.flatten()], background)  # (S * B, D)
        yield x.view(*rows.shape, inputs).mT, labels


def descend_epoch_(
    net: Net,
    train: Images,
    generators: Sequence[torch.Generator],
    batch_size: int,
    step: Callable[[list[Factors], int], None],
    loss: str = "cross_entropy",
    shift: int = 0,
) -> None:
    """One epoch; `step` changes the networks, given the gradient of the loss summed over so many images."""
    for x, labels in batches(train, batch_size, generators, shift):
        step(mlp.backpropagate(net, x, labels, loss), x.shape[2])


def evaluated(epoch: int, options: Options) -> bool:
    """Every `eval_every` epochs from 0 on, and the last two: one of them is odd, the other even."""
    return epoch % options.eval_every == 0 or epoch >= options.epochs - 1


class Pull:
    """The penalty's part of a step, for all networks whose alpha is not 0; the others are not touched."""

    def __init__(self, net: Net, target: Net, options: Options, alphas: Sequence[float]) -> None:
        """Of S times the ascending alphas (A,); the target is what a subgradient is subtracted from, see `Rule`."""
        self.options, self.alphas = options, [alpha for alpha in alphas if alpha != 0]

        def penalised(net: Net) -> list[Layer]:
            """The parameters as views (S, A', out, in)."""
            spared = len(alphas) - len(self.alphas)
            return [Layer(*(p.view(-1, len(alphas), *p.shape[1:])[:, spared:] for p in layer)) for layer in net.layers]

        self.layers, self.targets = penalised(net), penalised(target)
        self.scratch = [Layer(*map(torch.empty_like, layer)) for layer in self.layers]
        self.moves: list[tuple[int, LayerMove]] = []  # with their layers' places

    def aim(self, rates: Sequence[float]) -> None:
        """Prepare moves whose sizes are rate * alpha * the layer's scale, or for a constraint alpha * the scale.

        The products are taken in double precision, so that a run's step does not depend on the alphas beside it.
        """
        penalty = PENALTIES[self.options.penalty]
        kind = penalty.subgradient if self.options.solver == "subgradient" else penalty.proximal
        assert kind or self.options.penalty == "none", f"{self.options.penalty} has no {self.options.solver} step"
        self.moves = []
        if kind is not None and self.alphas:
            for place in range(len(self.layers))[penalty.layers]:
                rate, scale = 1.0 if penalty.constraint else rates[place], self.options.penalty_scale[place]
                of_bias = scale * float(self.options.penalize_bias)
                self.moves.append((place, kind(Sizes(self.sizes(rate, scale), self.sizes(rate, of_bias)))))

    def sizes(self, rate: float, scale: float) -> Tensor | None:
        sizes = torch.tensor([rate * alpha * scale for alpha in self.alphas], dtype=torch.float64)
        return sizes.to(self.layers[0].weight.device)[:, None, None] if sizes.any() else None

    def move(self) -> None:
        for place, move in self.moves:
            move(self.layers[place], self.targets[place], self.scratch[place])


@torch.inference_mode()
def fit(
    train: Images,
    test: Images,
    options: Options,
    *,
    classes: int,
    alphas: Sequence[float],
    seeds: Sequence[int],
    start: Net | None = None,
    report: Report = lambda share: None,
) -> Fit:
    """Train a network for every seed with every alpha, else with the options, whose alpha is not looked at.

    The alphas (A,) ascend. A run's weights do not depend, to the bit, on the runs beside it. Each seed's generator
    draws its initial weights and then the order of every epoch: runs of one seed share batches, and differ in alpha
    alone. `start`, networks (S, ...), take the place of the drawn ones. Work happens on the device of the images, and
    random numbers are drawn on the CPU. `report` is told after every epoch which share of the epochs is done.
    """
    device = train.pixels.device
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    drawn = mlp.init(train.pixels.shape[1], options.width, classes, generators, options.depth)
    first = (start or drawn).map(lambda p: p.to(device))
    initial = first.map(lambda p: p.repeat_interleave(len(alphas), 0))
    net, final, averaged = initial.map(torch.clone), initial.map(torch.clone), initial.map(torch.zeros_like)
    count = len(seeds) * len(alphas)
    stopped = torch.full((count,), options.epochs, device=device)
    running = torch.ones(count, dtype=torch.bool, device=device)

    rule = RULES[options.rule](net, options)
    proximal = options.solver == "proximal"
    pull = Pull(net, net if proximal else rule.target, options, alphas)
    rates = [0.0] * len(net.layers)

    def step(factors: list[Factors], images: int) -> None:
        rule.step_(factors, rates, images, (lambda: None) if proximal else pull.move)
        if proximal:
            pull.move()

    last = max(1, min(options.average_epochs, options.epochs))
    test_error_last = torch.zeros(count, dtype=torch.float64, device=device)
    rows: list[tuple[Tensor, ...]] = []
    for epoch in range(options.epochs + 1):
        if epoch > 0 and running.any():
            factor = SCHEDULES[options.schedule](epoch, options.epochs, options.decay_share)
            rates = [options.lr * scale * factor for scale in options.lr_scale]
            # a rule that makes its step from a gradient adds the penalty's to it
            pull.aim(rates if proximal or rule.target is net else [-1.0] * len(rates))
            descend_epoch_(net, train, generators, options.batch_size, step, options.loss, options.shift)
            report(epoch / options.epochs)
        if evaluated(epoch, options):
            now = net if epoch > 0 else first
            row: tuple[Tensor, ...] = (*mlp.scores(now, train, options.loss), *mlp.scores(now, test, options.loss))
            if epoch == 0:  # the same at every alpha
                row = tuple(values.repeat_interleave(len(alphas), 0) for values in row)
            else:
                row = tuple(
                    torch.where(running, value, before) for value, before in zip(row, rows[-1][1:], strict=True)
                )
            rows.append((torch.tensor(epoch), *row))
            for kept, w in zip(final.parameters(), net.parameters(), strict=True):
                kept[running] = w[running]
            if options.stop_at_train_error is not None and epoch > 0:
                fitted = running & (row[1] <= options.stop_at_train_error)
                stopped[fitted] = epoch
                running &= ~fitted
        if epoch > options.epochs - last:
            for mean, w in zip(averaged.parameters(), net.parameters(), strict=True):
                mean.add_(w)
            known = evaluated(epoch, options)
            test_error_last += rows[-1][4] if known else mlp.scores(net, test, options.loss)[1]

    early = stopped < options.epochs
    for mean, w in zip(averaged.parameters(), final.parameters(), strict=True):
        mean.div_(last)
        mean[early] = w[early]
    test_error_last = torch.where(early, rows[-1][4], test_error_last / last).cpu()
    train_error, test_error = (mlp.scores(averaged, images, options.loss)[1].cpu() for images in (train, test))
    initial, final, averaged = (network.map(Tensor.cpu) for network in (initial, final, averaged))
    both = zip(final.parameters(), initial.parameters(), strict=True)
    moved = sum((w - w0).double().square().sum((1, 2)) for w, w0 in both)
    finite = torch.stack([w.isfinite().all(2).all(1) for w in final.parameters()]).all(0)
    curves = Curves(*(torch.stack(column).cpu() for column in zip(*rows, strict=True)))
    distance, diverged = torch.as_tensor(moved).sqrt(), ~finite
    return Fit(final, averaged, curves, train_error, test_error, test_error_last, stopped.cpu(), distance, diverged)


def cells(data: DataSet, options: Sequence[Options], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """One cell for each of the options, which differ in alpha alone, with all the seeds: trained as one batch."""
    one = options[0]
    train, _ = training_sets(data.train, one, seeds, data.classes)
    order = sorted(range(len(options)), key=lambda place: options[place].alpha)
    alphas = [options[place].alpha for place in order]
    whole = fit(train, data.test, one, classes=data.classes, alphas=alphas, seeds=seeds, report=report)
    curves = {name: values.T for name, values in whole.curves._asdict().items() if name != "epochs"}
    by_run = {
        **whole.at_the_end(),
        **curves,
        **whole.net.named(),
    }
    found: list[Arrays] = [{} for _ in options]
    for rank, place in enumerate(order):
        own = {name: values[rank :: len(options)] for name, values in by_run.items()}  # (S, ...)
        arrays = {name: np.ascontiguousarray(values.numpy()) for name, values in own.items()}
        found[place] = {"epochs": whole.curves.epochs.numpy(), **arrays}
    return found


PROCEDURE = Procedure(Options, cells, together="cells")
