"""The tangent kernel against automatic differentiation, and the closed kernels against networks that are wide."""

import pytest
import torch
from torch import Tensor

from stages.linear.kernels import infinite_width
from stages.linear.tangent import of_layers, tangent_kernel
from stages.training import mlp
from stages.training.mlp import Net, forward

GENERATOR = torch.Generator().manual_seed(0)
X, X2 = (torch.randn(count, 6, generator=GENERATOR, dtype=torch.float64) for count in (7, 5))


def drawn(width: int, depth: int, networks: int = 3, inputs: int = 6) -> Net:
    generators = [torch.Generator().manual_seed(seed) for seed in range(networks)]
    return mlp.init(inputs, width, 4, generators, depth).map(Tensor.double)


def jacobian(net: Net, x: Tensor) -> Tensor:
    """Of the logits of one network by all its parameters, (n, C, parameters), by automatic differentiation."""

    def logits(*parameters: Tensor) -> Tensor:
        return forward(Net.of(parameters), x.T[None])[1][0].T

    by_each = torch.autograd.functional.jacobian(logits, tuple(net.parameters()))
    return torch.cat([part.flatten(2) for part in by_each], 2)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_the_tangent_kernel_is_that_of_automatic_differentiation(depth: int) -> None:
    net = drawn(8, depth)
    found = tangent_kernel(net, X, X2)
    for run, kernel in enumerate(found):
        one = Net.of([parameter[run : run + 1] for parameter in net.parameters()])
        exact = torch.einsum("ncp,mcp->nm", jacobian(one, X), jacobian(one, X2)) / 4
        torch.testing.assert_close(kernel, exact)


def distance(found: Tensor, exact: Tensor) -> float:
    return float((found - exact).norm() / exact.norm())


@pytest.mark.parametrize("depth", [1, 2])
def test_the_nngp_kernel_is_the_mean_gram_matrix_of_wide_networks(depth: int) -> None:
    points = torch.randn(6, 200, generator=GENERATOR, dtype=torch.float64)
    net = drawn(1000, depth, networks=15, inputs=200)
    hidden = forward(net, points.T[None])[0][-1]  # (S, H, n)
    mean = (hidden.mT @ hidden).mean(0) / 1000
    assert distance(mean / 3, infinite_width(points, points, depth).nngp) < 0.03


@pytest.mark.parametrize("depth", [1, 2])
def test_the_ntk_is_the_limit_of_the_tangent_kernels_of_wide_networks(depth: int) -> None:
    """In the NTK parametrisation, in which a layer's part is divided by three times its fan-in.

    The biases of all but the first layer vanish with one over the width.
    """
    points = torch.randn(6, 200, generator=GENERATOR, dtype=torch.float64)
    exact = infinite_width(points, points[:4], depth).ntk
    distances = []
    for width in (100, 1000):
        net = drawn(width, depth, networks=10, inputs=200)
        parts = zip(of_layers(net, points, points[:4]), net.layers[::-1], strict=True)
        mean = sum(part.mean(0) / (3 * layer.weight.shape[2]) for part, layer in parts)
        distances.append(distance(torch.as_tensor(mean), exact))
    assert distances[1] < 0.06
    assert distances[1] < distances[0] / 3


def test_on_equal_images_the_closed_kernels_have_their_diagonal() -> None:
    """E[relu(u)^2] is half the variance of u, and a unit fires half of the time."""
    variance = (X.square().sum(1) + 1) / 18
    found = infinite_width(X, X)
    torch.testing.assert_close(found.nngp.diagonal(), variance / 6, rtol=1e-6, atol=0.0)
    torch.testing.assert_close(found.ntk.diagonal(), variance / 3, rtol=1e-6, atol=0.0)


def test_with_as_many_units_as_pixels_both_parametrisations_have_one_kernel() -> None:
    net = drawn(6, 1)
    parts = list(of_layers(net, X, X2))
    scaled = sum(part / (3 * layer.weight.shape[2]) for part, layer in zip(parts, net.layers[::-1], strict=True))
    torch.testing.assert_close(torch.as_tensor(scaled) * 18, tangent_kernel(net, X, X2))
