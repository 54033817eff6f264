"""Every allowed combination of options is what nn.Linear, autograd and torch.optim do, step by step."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from stages.training import mlp
from stages.training.mlp import LOSSES
from stages.training.options import OWN_IMAGES, Common
from stages.training.penalty import PENALTIES
from stages.training.rules import RULES
from stages.training.schedule import SCHEDULES
from stages.training.sets import training_sets
from tests.training.problem import TEST, TRAIN, run

LR = 0.01
DRAWN = ("images", "label_noise", "redraw", "data_seed")  # what says which training set a run has


def penalty_of(kind: str, linear: nn.Linear, bias: bool, first: bool, last: bool) -> Tensor:
    """The penalty of one layer as the papers write it."""
    w, b = linear.weight, linear.bias
    parts = [w, b] if bias else [w]
    if kind == "group_l1":
        rows = torch.cat([w, b[:, None]], 1) if bias else w
        return torch.zeros(()) if last else torch.linalg.norm(rows, dim=1).sum()
    if kind == "group_l1_out":
        return torch.zeros(()) if first else torch.linalg.norm(w, dim=0).sum()
    if kind == "induced_1norm":
        return torch.stack([torch.linalg.norm(p, 1) for p in parts]).sum()
    l1 = torch.stack([p.abs().sum() for p in parts]).sum()
    l2 = torch.stack([p.square().sum() / 2 for p in parts]).sum()
    log_sum = torch.stack([0.01 * torch.log1p(p.abs() / 0.01).sum() for p in parts]).sum()
    return {"l1": l1, "l2": l2, "elastic": l1 + l2, "log_sum": log_sum, "none": 0 * l1}[kind]


@torch.no_grad()
def proximal_step(kind: str, linear: nn.Linear, size: float, share: float, bias: bool, first: bool, last: bool) -> None:
    w, b = linear.weight, linear.bias
    if kind == "l0":
        weakest = w.abs().flatten().argsort()[: round(share * w.numel())]
        w.view(-1)[weakest] = 0
    elif kind == "group_l1":
        rows = torch.cat([w, b[:, None]], 1) if bias else w
        kept = (1 - size / torch.linalg.norm(rows, dim=1)).clamp(min=0)
        if not last:
            w.mul_(kept[:, None])
            b.mul_(kept if bias else 1.0)
    elif kind == "l0_count":
        w.mul_(w.square() > 2 * size)
    elif kind == "group_l1_out":
        if not first:
            w.mul_((1 - size / torch.linalg.norm(w, dim=0)).clamp(min=0))
    else:
        for p in [w, b] if bias else [w]:
            if kind in ("l1", "elastic"):
                p.copy_(nn.functional.softshrink(p, size))
            if kind in ("l2", "elastic"):
                p.div_(1 + size)
            if kind == "log_sum":
                p.copy_(least(p, size))


def least(w: Tensor, size: float) -> Tensor:
    """Of every weight, the v with the least log-sum penalty and squared distance, by trying many and bisecting."""
    share = torch.linspace(0, 1, 2001, dtype=torch.float64)
    low, high = torch.zeros_like(w, dtype=torch.float64), w.abs().double()
    for _ in range(3):
        tried = low[..., None] + (high - low)[..., None] * share
        cost = size * 0.01 * (tried / 0.01).log1p() + (tried - w.abs().double()[..., None]).square() / 2
        best = tried.gather(-1, cost.argmin(-1, keepdim=True))[..., 0]
        reach = (high - low) / 1000
        low, high = (best - reach).clamp(min=0), torch.minimum(best + reach, w.abs().double())
    return (best * w.sign()).float()


def plain_loop(seed: int, alpha: float, epochs: int, options: dict[str, Any]) -> list[Tensor]:
    images, _ = training_sets(TRAIN, Common(width=4, **{name: options[name] for name in DRAWN}), [seed], classes=10)
    pixels, targets = images.of_run(0)
    generator = torch.Generator().manual_seed(seed)
    start = mlp.init(6, 4, 10, [generator], options["depth"])  # leaves the generator where the batches' orders begin
    linears = [nn.Linear(w.shape[2], w.shape[1]) for w, _ in start.layers]
    for linear, (w, b) in zip(linears, start.layers, strict=True):
        linear.weight.data, linear.bias.data = w[0].clone(), b[0, :, 0].clone()
    model = nn.Sequential(*(part for linear in linears for part in (linear, nn.ReLU())))[:-1]
    rates = [LR * scale for scale in options["lr_scale"]]
    groups = [{"params": linear.parameters(), "lr": rate} for linear, rate in zip(linears, rates, strict=True)]
    optimizer: torch.optim.Optimizer = {
        "sgd": lambda: torch.optim.SGD(groups),
        "momentum": lambda: torch.optim.SGD(groups, momentum=0.8),
        "nesterov": lambda: torch.optim.SGD(groups, momentum=0.8, nesterov=True),
        "adam": lambda: torch.optim.Adam(groups),
    }[options["rule"]]()  # type: ignore[no-untyped-call]
    scales, bias, count = options["penalty_scale"], options["penalize_bias"], len(linears)
    for epoch in range(1, epochs + 1):
        factor = SCHEDULES[options["schedule"]](epoch, epochs, 0.2)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        for index in torch.randperm(len(targets), generator=generator).split(8):
            optimizer.zero_grad()
            logits, labels = model(pixels[index]), targets[index]
            if options["loss"] == "squared":
                loss = (logits - nn.functional.one_hot(labels, 10)).square().sum(1).mean()
            else:
                loss = nn.functional.cross_entropy(logits, labels)
            if options["solver"] == "subgradient":
                for place, (linear, scale) in enumerate(zip(linears, scales, strict=True)):
                    own = penalty_of(options["penalty"], linear, bias, place == 0, place == count - 1)
                    loss = loss + alpha * scale * own
            loss.backward()
            optimizer.step()
            if options["solver"] == "proximal":
                for place, (linear, scale) in enumerate(zip(linears, scales, strict=True)):
                    share = alpha * scale
                    size = rates[place] * factor * share
                    proximal_step(options["penalty"], linear, size, share, bias, place == 0, place == count - 1)
    return [p.detach() for p in model.parameters()]


@st.composite
def combinations(draw: st.DrawFn) -> dict[str, Any]:
    depth = draw(st.integers(1, 3))
    penalty = draw(st.sampled_from(sorted(PENALTIES)))
    ways = PENALTIES[penalty]
    steps = {"subgradient": ways.subgradient, "proximal": ways.proximal}
    solver = draw(st.sampled_from([name for name, step in steps.items() if step or penalty == "none"]))
    redraw = draw(st.sampled_from(["none", "noise", "images", "all"]))
    numbers = st.lists(st.sampled_from([0.5, 1.0, 2.0]), min_size=depth + 1, max_size=depth + 1)
    return {
        "depth": depth,
        "penalty": penalty,
        "solver": solver,
        "rule": draw(st.sampled_from(["sgd", "momentum"] if solver == "proximal" else sorted(RULES))),
        "momentum": 0.8,
        "loss": draw(st.sampled_from(sorted(LOSSES))),
        "schedule": draw(st.sampled_from(sorted(SCHEDULES))),
        "lr_scale": draw(numbers),
        "penalty_scale": draw(numbers),
        "penalize_bias": draw(st.booleans()),
        "images": draw(st.sampled_from([20] if redraw in OWN_IMAGES else [None, 20])),
        "label_noise": draw(st.sampled_from([0.0, 0.3])),
        "redraw": redraw,
        "data_seed": draw(st.integers(0, 9)),
    }


@given(combinations(), st.integers(0, 99), st.sampled_from([0.0, 0.01, 0.1]), st.sampled_from([2, 40]))
@settings(max_examples=40, deadline=None)
def test_it_is_what_autograd_and_optim_do_step_by_step(
    options: dict[str, Any], seed: int, alpha: float, epochs: int
) -> None:
    """After 12 or 240 steps."""
    beside = sorted({0.0, 0.01, 0.1})
    result = run([seed, seed + 1], *beside, lr=LR, epochs=epochs, eval_every=100, **options)
    # in the long run rounding decides where a pull jumps, as at 0 under L1, and Adam makes small differences large
    jumps = options["solver"] == "subgradient" and options["penalty"] in ("induced_1norm", "l1", "elastic", "log_sum")
    near = 2e-4
    if epochs > 2:
        near += 2 * LR if options["rule"] == "adam" else 20 * LR * alpha * jumps
    for ours, theirs in zip(result.net.parameters(), plain_loop(seed, alpha, epochs, options), strict=True):
        found = ours[beside.index(alpha)].view(theirs.shape)
        torch.testing.assert_close(found, theirs, rtol=2e-3, atol=near)


@pytest.mark.parametrize(
    ("name", "factors"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),
        ("inverse_sqrt", [1, 2**-0.5, 3**-0.5, 1 / 2, 5**-0.5, 6**-0.5, 7**-0.5, 8**-0.5]),
        ("cosine", [1, 0.961940, 0.853553, 0.691342, 0.5, 0.308658, 0.146447, 0.038060]),
        ("decay_last", [1, 1, 1, 1, 1, 1, 0.1, 0.1]),
    ],
)
def test_schedules_counted_by_hand(name: str, factors: list[float]) -> None:
    assert [SCHEDULES[name](epoch, 8, 0.25) for epoch in range(1, 9)] == pytest.approx(factors, abs=1e-6)


def test_the_squared_loss_is_what_curves_show() -> None:
    result = run([0], 0.0, loss="squared")
    for images, loss in ((TRAIN, result.curves.train_loss), (TEST, result.curves.test_loss)):
        _, logits = mlp.forward(result.net, images.pixels.T[None])
        expected = (logits[0].T - nn.functional.one_hot(images.labels, 10)).square().sum(1).mean()
        torch.testing.assert_close(loss[-1, 0].float(), expected)
