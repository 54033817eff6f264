"""Least squares on random features."""

import numpy as np
import pytest
import torch

from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.features import hidden, solution
from stages.training.procedures import train
from tests.training.problem import TEST, TRAIN

DATA = DataSet(TRAIN, TEST, 10)
GENERATOR = torch.Generator().manual_seed(0)
TARGETS = torch.randn(12, 3, generator=GENERATOR, dtype=torch.float64)


@pytest.mark.parametrize("features", [4, 12, 30])
def test_without_a_ridge_it_is_the_solution_of_least_norm(features: int) -> None:
    x = torch.randn(12, features, generator=GENERATOR, dtype=torch.float64)
    theirs = np.linalg.lstsq(x.numpy(), TARGETS.numpy(), rcond=None)[0]
    assert np.allclose(solution(x, TARGETS, 0.0).numpy(), theirs)


@pytest.mark.parametrize("features", [4, 12, 30])
def test_with_a_ridge_its_gradient_is_zero(features: int) -> None:
    x = torch.randn(12, features, generator=GENERATOR, dtype=torch.float64)
    w = solution(x, TARGETS, 0.7).requires_grad_()
    ((x @ w - TARGETS).square().sum() + 0.7 * w.square().sum()).backward()
    assert w.grad is not None
    assert w.grad.abs().max() < 1e-10


def test_a_direction_without_features_gets_no_weight() -> None:
    x = torch.randn(12, 4, generator=GENERATOR, dtype=torch.float64)
    twice = torch.cat([x, x], 1)
    w = solution(twice, TARGETS, 0.0)
    assert torch.allclose(w[:4], w[4:])
    assert torch.allclose(twice @ w, x @ solution(x, TARGETS, 0.0))


def test_the_features_are_the_hidden_layer_over_the_root_of_their_number() -> None:
    net = mlp.init(6, 9, 10, [torch.Generator().manual_seed(3)])
    inputs, _ = mlp.forward(net, TEST.pixels.T[None])
    assert torch.allclose(hidden(net, TEST.pixels).float() * 3, inputs[1][0].T, atol=1e-6)


def errors(width: int, ridge: float = 0.0, seeds: int = 20) -> dict[str, float]:
    (arrays,) = train("features", DATA, [{"width": width, "ridge": ridge}], range(seeds))
    return {name: float(values.mean()) for name, values in arrays.items()}


def test_as_many_features_as_images_fit_all_of_them_at_the_greatest_norm_and_loss() -> None:
    n = TRAIN.per_run
    by_width = {width: errors(width) for width in (n // 4, n, 8 * n)}
    assert by_width[n]["train_error"] == by_width[8 * n]["train_error"] == 0.0
    assert by_width[n // 4]["train_error"] > 0.0
    for what in ("norm", "test_loss"):
        assert by_width[n][what] > 3 * max(by_width[n // 4][what], by_width[8 * n][what])


def test_a_ridge_takes_the_peak_away() -> None:
    n = TRAIN.per_run
    assert errors(n, ridge=1.0)["test_loss"] < errors(n)["test_loss"] / 3


def test_runs_beside_a_run_do_not_change_it() -> None:
    (together,), (alone,) = (train("features", DATA, [{"width": 9}], seeds) for seeds in (range(3), [2]))
    assert all((together[name][2:] == alone[name]).all() for name in alone)
