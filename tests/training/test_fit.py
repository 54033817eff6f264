from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.mlp import LOSSES
from stages.training.penalty import PENALTIES
from stages.training.procedures import train
from stages.training.rules import RULES
from stages.training.schedule import SCHEDULES
from tests.training.problem import TEST, TRAIN, run

DATA = DataSet(TRAIN, TEST, 10)


def test_zero_epochs_change_nothing() -> None:
    start = mlp.init(6, 4, 10, [torch.Generator().manual_seed(1)])
    result = run([1], epochs=0)
    assert all(torch.equal(w, w0) for w, w0 in zip(result.net.parameters(), start.parameters(), strict=True))
    assert result.learning_distance.tolist() == [0.0]
    assert result.curves.epochs.tolist() == [0]


def test_one_epoch_changes_every_parameter() -> None:
    start = mlp.init(6, 4, 10, [torch.Generator().manual_seed(1)])
    result = run([1], epochs=1)
    assert all((w != w0).any() for w, w0 in zip(result.net.parameters(), start.parameters(), strict=True))


SOLVERS = [
    (penalty, solver)
    for penalty, ways in PENALTIES.items()
    for solver in ("subgradient", "proximal")
    if getattr(ways, solver)
]


@given(
    st.data(),
    st.sampled_from(SOLVERS),
    st.integers(1, 3),
    st.lists(st.sampled_from([0.0, 1e-3, 0.1, 5.0, 1e4]), min_size=1, max_size=4, unique=True),
    st.integers(1, 3),
)
@settings(max_examples=60, deadline=None)
def test_a_runs_bytes_are_those_of_training_it_alone(
    data: st.DataObject, how: tuple[str, str], depth: int, alphas: list[float], seeds: int
) -> None:
    options: dict[str, Any] = {
        "width": data.draw(st.sampled_from([1, 3, 5, 10, 25, 50]), "width"),
        "batch_size": data.draw(st.integers(1, 43), "batch size"),
        "lr": data.draw(st.sampled_from([0.05, 100.0]), "lr"),  # at 100 some networks diverge
        "depth": depth,
        "epochs": 2,
        "penalty": how[0],
        "solver": how[1],
        "lr_scale": [1.0] * (depth + 1),
        "penalty_scale": [1e-4 if how[0] == "l0" else 1.0] * (depth + 1),  # there alpha is a share
        "rule": data.draw(st.sampled_from(["sgd", "momentum"] if how[1] == "proximal" else sorted(RULES)), "rule"),
        "loss": data.draw(st.sampled_from(sorted(LOSSES)), "loss"),
        "schedule": data.draw(st.sampled_from(sorted(SCHEDULES)), "schedule"),
    }
    cells = [{"alpha": alpha, **options} for alpha in alphas]
    for cell, together in zip(cells, train("fit", DATA, cells, range(seeds)), strict=True):
        for seed in range(seeds):
            (alone,) = train("fit", DATA, [cell], [seed])
            for name, values in alone.items():
                own = together[name] if name == "epochs" else together[name][seed : seed + 1]
                assert own.tobytes() == values.tobytes(), (cell, seed, name)


def test_proximal_steps_are_gradient_steps_followed_by_soft_thresholding() -> None:
    result = run([2], 0.2, penalty="l1", solver="proximal", epochs=1, batch_size=43)
    plain = run([2], 0.0, penalty="none", epochs=1, batch_size=43)
    for w, free in zip(result.net.parameters(), plain.net.parameters(), strict=True):
        torch.testing.assert_close(w, nn.functional.softshrink(free, 0.05 * 0.2))


def test_a_strong_proximal_l1_penalty_leaves_no_weight() -> None:
    result = run([0], 100.0, penalty="l1", solver="proximal")
    assert all((w == 0).all() for w in result.net.parameters())


def test_a_layer_scaled_by_zero_and_spared_biases_feel_no_penalty() -> None:
    """One full-batch proximal step so strong that whatever feels it becomes zero."""
    strong: dict[str, Any] = {"penalty": "l1", "solver": "proximal", "epochs": 1, "batch_size": 43}
    free = run([0], 0.0, **strong)
    for scale, bias, zero in (([1.0, 0.0], True, (0, 1)), ([0.0, 1.0], True, (2, 3)), ([1.0, 1.0], False, (0, 2))):
        net = run([0], 1e6, penalty_scale=scale, penalize_bias=bias, **strong).net
        for i, (w, unpenalised) in enumerate(zip(net.parameters(), free.net.parameters(), strict=True)):
            assert torch.equal(w, torch.zeros_like(w) if i in zero else unpenalised)


def test_a_scale_of_two_is_twice_the_alpha() -> None:
    doubled, twice = run([0], 0.1, penalty_scale=[2.0, 2.0]), run([0], 0.2)
    for a, b in zip(doubled.net.parameters(), twice.net.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_run_stops_when_it_has_fitted_and_the_others_go_on() -> None:
    seeds, limit = list(range(6)), 0.6
    free = run(seeds, 0.0, epochs=40, lr=0.2)
    stopped = run(seeds, 0.0, epochs=40, lr=0.2, stop_at_train_error=limit)
    assert len(set(stopped.stopped.tolist())) > 1
    for seed in seeds:
        first = int((free.curves.train_error[1:, seed] <= limit).nonzero()[0, 0]) + 1
        assert stopped.stopped[seed] == first
        assert stopped.curves.train_error[-1, seed] == free.curves.train_error[first, seed]
        short = run([seed], 0.0, epochs=first, lr=0.2)
        for w, averaged, one in zip(
            stopped.net.parameters(), stopped.averaged.parameters(), short.net.parameters(), strict=True
        ):
            assert torch.equal(w[seed], one[0])
            assert torch.equal(averaged[seed], one[0]) or first == 40


def test_the_last_two_epochs_are_always_measured() -> None:
    assert run([0], epochs=7, eval_every=3).curves.epochs.tolist() == [0, 3, 6, 7]
    assert run([0], epochs=8, eval_every=5).curves.epochs.tolist() == [0, 5, 7, 8]


@pytest.mark.parametrize(("epochs", "wanted", "first"), [(5, 2, 4), (5, 4, 2), (3, 6, 1)])
def test_averaged_weights_are_the_mean_over_the_ends_of_the_last_epochs(epochs: int, wanted: int, first: int) -> None:
    seeds = [0, 1]
    ends = [run(seeds, epochs=last).net for last in range(first, epochs + 1)]
    result = run(seeds, epochs=epochs, average_epochs=wanted)
    for mean, *each in zip(result.averaged.parameters(), *(net.parameters() for net in ends), strict=True):
        torch.testing.assert_close(mean, torch.stack(each).mean(0))
    assert torch.equal(result.train_error_averaged, mlp.scores(result.averaged, TRAIN)[1])


def test_the_mean_of_one_epoch_is_its_end() -> None:
    result = run([0], epochs=1)
    assert result.test_error_averaged.tolist() == result.curves.test_error[-1].tolist()


def test_a_seed_that_diverges_is_marked_and_measured_and_stops_no_other() -> None:
    seeds = list(range(20))
    result = run(seeds, 0.0, lr=100.0)
    assert 0 < result.diverged.sum() < len(seeds)
    assert ((result.curves.test_error >= 0) & (result.curves.test_error <= 1)).all()
    for seed in seeds:
        alone = run([seed], 0.0, lr=100.0)
        assert bool(alone.diverged) == bool(result.diverged[seed])


def test_no_diverged_network_touches_its_neighbours() -> None:
    net = mlp.init(6, 4, 10, [torch.Generator().manual_seed(s) for s in (0, 1)])
    net.layers[0].weight[0].fill_(torch.nan)
    factors = mlp.backpropagate(net, TRAIN.pixels[:8].T[None], TRAIN.labels[None, :8])
    for layer, of_layer in zip(net.layers, factors, strict=True):
        mlp.add_gradient_(layer, of_layer, -0.1)
    assert all(w[1].isfinite().all() for w in net.parameters())
    assert net.layers[-1].weight[0].isnan().any()
