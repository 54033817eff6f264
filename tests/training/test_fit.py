from typing import Any

import pytest
import torch
from torch import nn

from stages.training import mlp
from stages.training.fit import Fit, fit
from stages.training.images import Images
from stages.training.options import Options

GENERATOR = torch.Generator().manual_seed(0)
TRAIN = Images(torch.randn(43, 6, generator=GENERATOR), torch.randint(10, (43,), generator=GENERATOR))
TEST = Images(torch.randn(20, 6, generator=GENERATOR), torch.randint(10, (20,), generator=GENERATOR))
DEFAULTS: dict[str, Any] = {"width": 4, "alpha": 0.1, "epochs": 3, "batch_size": 8, "lr": 0.05, "eval_every": 1}


def options(**changes: Any) -> Options:
    return Options(**(DEFAULTS | changes))


def run(seeds: list[int], alpha: float = 0.1, train: Images = TRAIN, **changes: Any) -> Fit:
    return fit(train, TEST, options(**changes), classes=10, alphas=[alpha] * len(seeds), seeds=seeds)


def test_zero_epochs_change_nothing() -> None:
    start = mlp.init(6, 4, 10, [torch.Generator().manual_seed(1)])
    result = run([1], epochs=0)
    assert all(torch.equal(w, w0) for w, w0 in zip(result.net, start, strict=True))
    assert result.learning_distance.tolist() == [0.0]
    assert result.curves.epochs.tolist() == [0]


def test_one_epoch_changes_every_parameter() -> None:
    start = mlp.init(6, 4, 10, [torch.Generator().manual_seed(1)])
    result = run([1], epochs=1)
    assert all((w != w0).any() for w, w0 in zip(result.net, start, strict=True))


@pytest.mark.parametrize("width", [1, 5, 100])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1000.0])
def test_a_seeds_weights_have_the_same_bits_alone_and_beside_others(width: int, alpha: float) -> None:
    together = run([0, 1, 2], width=width, alpha=alpha)
    for i in range(3):
        alone = run([i], width=width, alpha=alpha)
        assert all(torch.equal(many[i : i + 1], one) for many, one in zip(together.net, alone.net, strict=True))
        torch.testing.assert_close(together.curves.test_loss[:, i : i + 1], alone.curves.test_loss)


@pytest.mark.parametrize("penalty", ["induced_1norm", "l1", "l2", "none"])
@pytest.mark.parametrize("alpha", [0.0, 0.1, 5.0])
def test_it_is_what_autograd_and_optim_sgd_do_step_by_step(penalty: str, alpha: float) -> None:
    result = run([2], alpha=alpha, penalty=penalty)

    generator = torch.Generator().manual_seed(2)
    torch.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 10))
    mlp.init(6, 4, 10, [generator])  # leaves the generator where the batches' orders begin
    start = [p.detach().clone() for p in model.parameters()]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(3):
        for index in torch.randperm(43, generator=generator).split(8):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(TRAIN.pixels[index]), TRAIN.labels[index])
            for p in model.parameters():
                if penalty == "induced_1norm":
                    loss = loss + alpha * torch.linalg.norm(p, 1)
                elif penalty == "l1":
                    loss = loss + alpha * p.abs().sum()
                elif penalty == "l2":
                    loss = loss + alpha * p.square().sum() / 2
            loss.backward()
            optimizer.step()

    for ours, theirs in zip(result.net, model.parameters(), strict=True):
        torch.testing.assert_close(ours[0].view(theirs.shape), theirs.detach(), rtol=1e-4, atol=1e-5)
    moved = sum((p.detach() - p0).square().sum() for p, p0 in zip(model.parameters(), start, strict=True))
    torch.testing.assert_close(result.learning_distance[0].float(), torch.as_tensor(moved).sqrt(), rtol=1e-4, atol=1e-5)


def test_proximal_steps_are_gradient_steps_followed_by_soft_thresholding() -> None:
    result = run([2], alpha=0.2, penalty="l1", solver="proximal", epochs=1, batch_size=43)
    plain = run([2], alpha=0.0, penalty="none", epochs=1, batch_size=43)
    for w, free in zip(result.net, plain.net, strict=True):
        torch.testing.assert_close(w, nn.functional.softshrink(free, 0.05 * 0.2))


def test_a_strong_proximal_l1_penalty_leaves_no_weight() -> None:
    result = run([0], alpha=100.0, penalty="l1", solver="proximal")
    assert all((w == 0).all() for w in result.net)


@pytest.mark.parametrize(
    ("penalty", "solver"),
    [
        ("induced_1norm", "subgradient"),
        ("l1", "subgradient"),
        ("l1", "proximal"),
        ("l2", "subgradient"),
        ("l2", "proximal"),
    ],
)
def test_runs_of_different_alphas_side_by_side_are_those_of_each_alpha(penalty: str, solver: str) -> None:
    how = options(penalty=penalty, solver=solver)
    together = fit(TRAIN, TEST, how, classes=10, alphas=[0.0, 0.0, 0.1, 0.1], seeds=[0, 1, 0, 1])
    for i, alpha in enumerate((0.0, 0.1)):
        alone, own = run([0, 1], alpha=alpha, penalty=penalty, solver=solver), slice(2 * i, 2 * i + 2)
        assert all(torch.equal(many[own], one) for many, one in zip(together.net, alone.net, strict=True))
        torch.testing.assert_close(together.curves.test_loss[:, own], alone.curves.test_loss)


def test_a_layer_scaled_by_zero_and_spared_biases_feel_no_penalty() -> None:
    """One full-batch proximal step so strong that whatever feels it becomes zero."""
    strong: dict[str, Any] = {"alpha": 1e6, "penalty": "l1", "solver": "proximal", "epochs": 1, "batch_size": 43}
    free = run([0], **(strong | {"alpha": 0.0}))
    for scale, bias, zero in (([1.0, 0.0], True, (0, 1)), ([0.0, 1.0], True, (2, 3)), ([1.0, 1.0], False, (0, 2))):
        net = run([0], penalty_scale=scale, penalize_bias=bias, **strong).net
        for i, (w, unpenalised) in enumerate(zip(net, free.net, strict=True)):
            assert torch.equal(w, torch.zeros_like(w) if i in zero else unpenalised)


def test_a_scale_of_two_is_twice_the_alpha() -> None:
    doubled, twice = run([0], alpha=0.1, penalty_scale=[2.0, 2.0]), run([0], alpha=0.2)
    for a, b in zip(doubled.net, twice.net, strict=True):
        torch.testing.assert_close(a, b)


def test_a_run_stops_when_it_has_fitted_and_the_others_go_on() -> None:
    seeds, limit = list(range(6)), 0.6
    free = run(seeds, alpha=0.0, epochs=40, lr=0.2)
    stopped = run(seeds, alpha=0.0, epochs=40, lr=0.2, stop_at_train_error=limit)
    assert len(set(stopped.stopped.tolist())) > 1
    for seed in seeds:
        first = int((free.curves.train_error[1:, seed] <= limit).nonzero()[0, 0]) + 1
        assert stopped.stopped[seed] == first
        assert stopped.curves.train_error[-1, seed] == free.curves.train_error[first, seed]
        short = run([seed], alpha=0.0, epochs=first, lr=0.2)
        assert all(torch.equal(w[seed : seed + 1], one) for w, one in zip(stopped.net, short.net, strict=True))


def test_the_last_two_epochs_are_always_measured() -> None:
    assert run([0], epochs=7, eval_every=3).curves.epochs.tolist() == [0, 3, 6, 7]
    assert run([0], epochs=8, eval_every=5).curves.epochs.tolist() == [0, 5, 7, 8]


def test_a_seed_that_diverges_is_marked_and_measured_and_stops_no_other() -> None:
    seeds = list(range(20))
    result = run(seeds, alpha=0.0, lr=100.0)
    assert 0 < result.diverged.sum() < len(seeds)
    assert ((result.curves.test_error >= 0) & (result.curves.test_error <= 1)).all()
    for seed in seeds:
        alone = run([seed], alpha=0.0, lr=100.0)
        assert bool(alone.diverged) == bool(result.diverged[seed])
        if not alone.diverged:
            assert all(torch.equal(many[seed : seed + 1], one) for many, one in zip(result.net, alone.net, strict=True))


def test_no_diverged_network_touches_its_neighbours() -> None:
    net = mlp.init(6, 4, 10, [torch.Generator().manual_seed(s) for s in (0, 1)])
    net.w1[0].fill_(torch.nan)
    x, labels = TRAIN.pixels[:8].T.expand(2, -1, -1), TRAIN.labels[:8].expand(2, 1, -1)
    hidden, logits = mlp.forward(net, x)
    mlp.descend_(net, x, hidden, *mlp.deltas(net, hidden, logits, labels), step=0.1)
    assert all(w[1].isfinite().all() for w in net)
    assert net.w2[0].isnan().any()
