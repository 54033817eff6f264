"""Trained networks as smoothers of their targets."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.functional import jacobian

from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.images import Images
from stages.training.mlp import Net
from stages.training.procedures import train
from stages.training.smooth import (
    Smoother,
    SmoothOptions,
    Trained,
    advanced,
    at_points,
    change_along,
    effective_parameters,
    kernel_of,
    pulled_back,
    smooth,
    two_classes,
)
from tests.training.problem import TEST, TRAIN

n = 12  # training points
GENERATOR = torch.Generator().manual_seed(0)
POINTS = torch.randn(20, 5, generator=GENERATOR, dtype=torch.float64)
TARGETS = torch.randn(n, generator=GENERATOR, dtype=torch.float64)
PRODUCTS = POINTS @ POINTS[:n].T + 1.0


def network(width: int = 7) -> Net:
    return mlp.init(5, width, 1, [torch.Generator().manual_seed(1)]).map(Tensor.double)


def trained(targets: Tensor = TARGETS, width: int = 7, **options: Any) -> Trained:
    return smooth(network(width), POINTS, targets, SmoothOptions(width=width, **options))


def predicted(smoother: Smoother, targets: Tensor) -> Tensor:
    return smoother.weights @ targets + smoother.start


def by_autograd(net: Net, steps: int, lr: float, alpha: float) -> Tensor:
    """Outputs after gradient descent on the loss as the module's docstring gives it."""
    parameters = [w.clone().requires_grad_() for w in net.parameters()]
    for _ in range(steps):
        outputs = outputs_of(*parameters)[:n]
        penalty = sum(w.abs().sum() for w in parameters)
        loss = (outputs - TARGETS).square().sum() / (2 * n) + alpha * penalty
        slopes = torch.autograd.grad(loss, parameters)
        parameters = [(w - lr * g).detach().requires_grad_() for w, g in zip(parameters, slopes, strict=True)]
    return outputs_of(*parameters).detach()


def outputs_of(*parameters: Tensor) -> Tensor:
    return mlp.forward(Net.of(parameters), POINTS.T[None])[1][0, 0]


def gradients(net: Net) -> Tensor:
    """Of the outputs by all parameters, (N, P), by autograd."""
    return torch.cat([part.flatten(1) for part in jacobian(outputs_of, tuple(net.parameters()))], 1)


def flat(net: Net) -> Tensor:
    return torch.cat([w.flatten() for w in net.parameters()])


def test_the_tangent_kernel_is_the_product_of_the_jacobians() -> None:
    slopes, j = at_points(network(), POINTS).tangent, gradients(network())
    assert torch.allclose(kernel_of(slopes, slopes.first(n), PRODUCTS), j @ j[:n].T, atol=1e-12)


def test_a_change_of_the_parameters_and_a_gradient_are_products_with_the_jacobian() -> None:
    slopes, j, values = at_points(network(), POINTS).tangent, gradients(network()), POINTS[:, 0]
    assert torch.allclose(flat(pulled_back(slopes, POINTS, values)), values @ j, atol=1e-12)
    assert torch.allclose(change_along(network(), slopes, POINTS), j @ flat(network()), atol=1e-12)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_the_network_is_trained_by_gradient_descent_on_the_loss_and_the_penalty(alpha: float) -> None:
    outputs = trained(lr=0.1, steps=30, alpha=alpha).outputs
    assert torch.allclose(outputs, by_autograd(network(), 30, 0.1, alpha), atol=1e-10)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("lr", [0.01, 0.3])
def test_the_smoother_puts_out_what_the_network_does_at_any_step_size(alpha: float, lr: float) -> None:
    run = trained(lr=lr, steps=100, alpha=alpha)
    assert torch.allclose(predicted(run.smoother, TARGETS), run.outputs, atol=1e-9)
    assert (run.outputs - at_points(network(), POINTS).outputs).norm() > 0.1


def first_order_gaps(net: Net, lr: float) -> list[float]:
    """After a hundred steps of that size, and after the same time in steps of a half, a quarter and an eighth."""
    found = []
    for parts in (1, 2, 4, 8):
        run = smooth(net, POINTS, TARGETS, SmoothOptions(width=7, lr=lr / parts, steps=100 * parts))
        found.append(float((run.first_order - run.outputs).norm() / run.outputs.norm()))
    return found


def test_where_every_unit_stays_on_its_side_what_the_first_order_misses_is_halved_with_the_step_size() -> None:
    hidden, out = network().layers
    gaps = first_order_gaps(Net((hidden._replace(bias=hidden.bias + 6.0), out)), lr=0.005)
    assert all(second == pytest.approx(first / 2, rel=0.05) for first, second in pairwise(gaps))


def test_where_training_points_are_held_on_a_units_kink_the_first_order_misses_as_much_at_every_step_size() -> None:
    gaps = first_order_gaps(network(), lr=0.02)
    assert gaps == pytest.approx([gaps[0]] * 4, rel=0.05)
    assert gaps[0] > 0.01


def test_with_a_kernel_that_stays_it_is_kernel_gradient_descent_in_closed_form_and_flow_for_small_steps() -> None:
    points, kernel, steps, time = POINTS[:n], PRODUCTS[:n], 400, 0.3
    rate = time / steps
    smoother = Smoother(torch.zeros(n, n, dtype=torch.float64), points[:, 0])
    for _ in range(steps):
        smoother = advanced(smoother, kernel, rate)
    identity = torch.eye(n, dtype=torch.float64)
    left = torch.linalg.matrix_power(identity - rate * kernel, steps)
    assert torch.allclose(smoother.weights, identity - left, atol=1e-12)
    assert torch.allclose(smoother.start, left @ points[:, 0], atol=1e-12)
    assert torch.allclose(smoother.weights, identity - torch.linalg.matrix_exp(-time * kernel), atol=2e-2)


def test_a_linear_model_is_the_linear_smoother() -> None:
    weights, rate = torch.zeros(5, dtype=torch.float64), 0.01
    bias = torch.ones((), dtype=torch.float64)
    smoother = Smoother(torch.zeros_like(PRODUCTS), torch.ones(20, dtype=torch.float64))
    for _ in range(50):
        left = TARGETS - POINTS[:n] @ weights - bias
        weights, bias = weights + rate * left @ POINTS[:n], bias + rate * left.sum()
        smoother = advanced(smoother, PRODUCTS, rate)
    assert torch.allclose(predicted(smoother, TARGETS), POINTS @ weights + bias, atol=1e-12)


def test_the_wider_the_network_the_nearer_is_its_smoother_to_that_of_the_kernel_at_the_start() -> None:
    distances = []
    for width in (200, 3200):
        slopes, steps, lr = at_points(network(width), POINTS).tangent, 50, 4.0 / width
        kernel = kernel_of(slopes.first(n), slopes.first(n), PRODUCTS[:n])
        identity = torch.eye(n, dtype=torch.float64)
        lazy = identity - torch.linalg.matrix_power(identity - lr / n * kernel, steps)
        own = trained(width=width, lr=lr, steps=steps).smoother.weights[:n]
        distances.append(float((own - lazy).norm() / lazy.norm()))
    assert distances[1] < distances[0] / 3
    assert distances[1] < 0.02


def test_a_network_that_fits_everything_has_an_effective_parameter_for_each_training_point() -> None:
    run = trained(width=300, lr=0.1, steps=2000)
    assert float(effective_parameters(run.smoother.weights[:n])) == pytest.approx(n, rel=1e-2)
    assert torch.allclose(run.outputs[:n], TARGETS, atol=1e-2)


def test_exactly_the_share_of_targets_is_wrong_and_each_run_has_its_own_where_they_are_redrawn() -> None:
    pool = Images(torch.arange(200.0)[:, None], torch.arange(200) % 10)
    data = DataSet(pool, pool, 10)
    options = SmoothOptions(width=1, label_noise=0.2, redraw="all", images=100)
    wrong = []
    for seed in (0, 1):
        pixels, targets = two_classes(data, options, seed)
        wrong.append(pixels[targets != pixels[:, 0] % 2 * 2 - 1][:, 0].tolist())
        assert (torch.bincount(pixels[:, 0].long() % 10) == 10).all()
    assert [len(places) for places in wrong] == [20, 20]
    assert wrong[0] != wrong[1]


def test_its_measures_are_the_runs_and_do_not_depend_on_the_runs_beside_it() -> None:
    options = [{"width": 3, "steps": 50, "lr": 0.05, "label_noise": 0.2}]
    (together,), (alone,) = (train("smooth", DataSet(TRAIN, TEST, 10), options, seeds) for seeds in ([0, 1, 2], [2]))
    assert all((together[name][2:] == alone[name]).all() for name in alone)
    assert {values.shape for values in together.values()} == {(3,)}
    assert (together["gap"] < 1e-5).all()
    assert (together["first_order_gap"] > together["gap"]).all()
    assert not together["diverged"].any()


def test_a_run_that_diverges_says_so_and_errs_everywhere() -> None:
    (arrays,) = train("smooth", DataSet(TRAIN, TEST, 10), [{"width": 3, "steps": 200, "lr": 50.0}], [0])
    assert arrays["diverged"].all()
    assert arrays["test_error"] == arrays["train_error"] == 1.0
