"""Regression on kernels."""

import pytest
import torch
from sklearn.kernel_ridge import KernelRidge
from torch import Tensor

from stages.linear.heads import one_hot
from stages.linear.kernel_regression import answers, at_infinite_width, error, errors, on_tangent_kernel, regress
from stages.linear.kernels import infinite_width
from stages.linear.tangent import tangent_kernel
from stages.training import mlp
from stages.training.features import solution
from stages.training.images import Images
from stages.training.mlp import Layer, Net

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = 2 * torch.randn(4, 12, generator=GENERATOR)
LABELS, TEST_LABELS = (torch.arange(count) % 4 for count in (60, 40))
X, X2 = (CENTRES[labels] + torch.randn(len(labels), 12, generator=GENERATOR) for labels in (LABELS, TEST_LABELS))
TEST = Images(X2, TEST_LABELS)
Y = one_hot(LABELS, 4)
NTK, TO_TEST = infinite_width(X, X).ntk, infinite_width(X2, X).ntk


def test_ridge_regression_is_scikit_learns() -> None:
    ridge = 0.1
    model = KernelRidge(kernel="precomputed", alpha=ridge * float(NTK.diagonal().mean())).fit(NTK, Y - Y.mean(0))
    found = regress(NTK, TO_TEST, Y, ridge)
    torch.testing.assert_close(found.train, torch.as_tensor(model.predict(NTK)) + Y.mean(0))
    torch.testing.assert_close(found.test, torch.as_tensor(model.predict(TO_TEST)) + Y.mean(0))


def test_without_a_ridge_a_kernel_of_full_rank_fits_every_label_even_drawn_ones() -> None:
    drawn = torch.randint(4, (60,), generator=GENERATOR)
    found = regress(NTK, TO_TEST, one_hot(drawn, 4), 0.0)
    torch.testing.assert_close(found.train, one_hot(drawn, 4), atol=1e-6, rtol=0.0)
    (row,) = errors(NTK, TO_TEST, drawn, TEST_LABELS, 4, [0.0])
    assert row["train_error"] == 0


def test_an_overwhelming_ridge_leaves_the_mean_label() -> None:
    found = regress(NTK, TO_TEST, Y, 1e12)
    torch.testing.assert_close(found.test, Y.mean(0).expand(40, -1), atol=1e-9, rtol=0.0)


def test_a_ridge_means_the_same_whatever_the_scale_of_the_kernel() -> None:
    torch.testing.assert_close(regress(NTK, TO_TEST, Y, 0.01), regress(1e5 * NTK, 1e5 * TO_TEST, Y, 0.01))


def test_a_row_for_each_kernel_and_ridge() -> None:
    rows = at_infinite_width(X, LABELS, TEST, 4, [0.0, 0.1])
    assert [(row["kernel"], row["ridge"]) for row in rows] == [(k, r) for k in ("nngp", "ntk") for r in (0.0, 0.1)]
    assert rows[2:] == [{"kernel": "ntk", **row} for row in errors(NTK, TO_TEST, LABELS, TEST_LABELS, 4, [0.0, 0.1])]
    assert all(float(row["test_error"]) < 0.2 for row in rows)


def test_where_the_last_layer_is_zero_the_kernel_gives_least_squares_on_the_hidden_layer() -> None:
    """The first layer then has no gradient, and the tangent kernel is the Gram matrix of 40 units and a bias."""
    net = mlp.init(12, 40, 4, [torch.Generator().manual_seed(1)]).map(Tensor.double)
    start = Net((net.layers[0], Layer(*map(torch.zeros_like, net.layers[1]))))
    hidden, of_test = (
        torch.vstack([mlp.forward(net, points.double().T[None])[0][1][0], torch.ones(1, len(points))]).T
        for points in (X, X2)
    )
    kernel, to_test = (tangent_kernel(start, points.double(), X.double())[0] for points in (X, X2))
    found = regress(kernel, to_test, Y, 0.0)
    exact = of_test @ solution(hidden, Y - Y.mean(0), 0.0) + Y.mean(0)
    torch.testing.assert_close(found.test, exact, atol=1e-4, rtol=0.0)


def test_a_network_agrees_with_itself_and_its_kernel_is_judged_against_what_was_said() -> None:
    net = mlp.init(12, 40, 4, [torch.Generator().manual_seed(1)])
    said = answers(net, X2)
    assert error(one_hot(said, 4), TEST_LABELS) == pytest.approx(float(mlp.scores(net, TEST)[1]))
    kernel, to_test = (tangent_kernel(net.map(Tensor.double), x.double(), X.double())[0] for x in (X, X2))
    regressed = regress(kernel, to_test, Y, 0.01).test.argmax(1)
    for classes_said in (said, TEST_LABELS, regressed):
        (row,) = on_tangent_kernel(net, X, LABELS, TEST, 4, [0.01], classes_said)
        assert row["agreement"] == pytest.approx(float((regressed == classes_said).double().mean()))
    assert row["agreement"] == 1
