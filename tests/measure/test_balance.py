"""What scaling a hidden unit's weights by c and 1/c changes, and what it does not."""

import pytest
import torch

from stages.measure import sparsity
from stages.measure.balance import balanced, columns, path_norm
from stages.training import mlp
from stages.training.mlp import Layer, Net, weights

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.randn(1, 6, 50, generator=GENERATOR, dtype=torch.float64)


def drawn(depth: int = 1) -> Net:
    """Three networks, of which the second has units without weights in and without weights out."""
    net = mlp.init(6, 5, 4, [torch.Generator().manual_seed(seed) for seed in range(3)], depth)
    net.layers[0].weight[1, 0] = 0
    net.layers[0].bias[1, 0] = 0
    net.layers[-1].weight[1, :, 1] = 0
    return net.map(torch.Tensor.double)


def rescaled(net: Net) -> Net:
    """Every hidden unit's weights and bias times a c of its own between 1/10 and 10, its weights out by 1/c."""
    layers = list(net.layers)
    for place in range(len(layers) - 1):
        layer, after = layers[place], layers[place + 1]
        scale = 10 ** (2 * torch.rand(layer.bias.shape, generator=GENERATOR, dtype=torch.float64) - 1)  # (S, H, 1)
        layers[place] = Layer(layer.weight * scale, layer.bias * scale)
        layers[place + 1] = after._replace(weight=after.weight / scale.mT)
    return Net(tuple(layers))


@pytest.mark.parametrize("depth", [1, 3])
def test_scaling_by_c_and_1_over_c_keeps_the_function_and_these_measures(depth: int) -> None:
    net = drawn(depth)
    other = rescaled(net)
    torch.testing.assert_close(mlp.forward(other, IMAGES)[1], mlp.forward(net, IMAGES)[1])
    after = columns(other)
    for name, values in columns(net).items():
        torch.testing.assert_close(after[name], values, rtol=1e-8, atol=1e-12)


def test_l1_gini_and_hoyer_change() -> None:
    net, other = (weights(each).abs() for each in (drawn(), rescaled(drawn())))
    for measure in (lambda w: w.sum(1), lambda w: sparsity.gini(w.sort(1).values), sparsity.hoyer):
        assert ((measure(other) / measure(net) - 1).abs() > 0.05).all()


@pytest.mark.parametrize("depth", [1, 3])
def test_a_balanced_network_computes_the_same_and_hears_each_unit_as_loudly_as_the_unit_hears(depth: int) -> None:
    net = drawn(depth)
    even = balanced(net)
    torch.testing.assert_close(mlp.forward(even, IMAGES)[1], mlp.forward(net, IMAGES)[1])
    for layer, after in zip(even.layers[:-1], even.layers[1:], strict=True):
        into = (layer.weight.square().sum(2) + layer.bias[:, :, 0].square()).sqrt()
        torch.testing.assert_close(into, after.weight.square().sum(1).sqrt(), rtol=1e-9, atol=1e-12)


def test_balanced_weights_have_the_least_norm_that_scaling_reaches() -> None:
    def norm(net: Net) -> torch.Tensor:
        return sum((parameter.square().sum((1, 2)) for parameter in net.parameters()), torch.zeros(3))

    least = norm(balanced(drawn()))
    for _ in range(20):
        assert (norm(rescaled(balanced(drawn()))) > least).all()


def test_a_unit_that_nobody_hears_or_that_hears_nothing_loses_all_its_weights() -> None:
    even = balanced(drawn())
    assert even.layers[0].weight[1, :2].count_nonzero() == 0
    assert even.layers[1].weight[1, :, :2].count_nonzero() == 0
    assert even.layers[0].weight[[0, 2]].count_nonzero() == 2 * 5 * 6


def test_a_path_norm_is_the_sum_over_all_paths() -> None:
    net = drawn(2)
    first, second, last = (layer.weight[2].tolist() for layer in net.layers)
    paths = [
        abs(first[i][d] * second[j][i] * last[c][j])
        for d in range(6)
        for i in range(5)
        for j in range(5)
        for c in range(4)
    ]
    assert path_norm(net)[2].item() == pytest.approx(sum(paths))


def test_a_network_with_an_infinite_weight_has_no_measures() -> None:
    net = drawn()
    net.layers[0].bias[0, 2] = torch.inf
    for values in columns(net).values():
        assert values.isfinite().tolist() == [False, True, True]
