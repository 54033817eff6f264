import pytest
import torch
from torch import nn

from stages.training import mlp
from stages.training.images import Images


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize(("inputs", "width"), [(784, 5), (64, 1), (3, 100)])
def test_weights_start_as_nn_linear_draws_them(inputs: int, width: int) -> None:
    net = mlp.init(inputs, width, 10, generators(3, 7))
    for i, seed in enumerate((3, 7)):
        torch.manual_seed(seed)
        for layer, theirs in zip(net.layers, (nn.Linear(inputs, width), nn.Linear(width, 10)), strict=True):
            torch.testing.assert_close(layer.weight[i], theirs.weight.detach())
            torch.testing.assert_close(layer.bias[i, :, 0], theirs.bias.detach())


def test_a_network_counted_by_hand() -> None:
    net = mlp.Net.from_named(
        {
            "w1": torch.tensor([[[1.0, 2.0], [-1.0, 0.0]]]),
            "b1": torch.tensor([[[0.5], [0.0]]]),
            "w2": torch.tensor([[[1.0, 1.0], [2.0, -3.0]]]),
            "b2": torch.tensor([[[0.0], [1.0]]]),
        }
    )
    (_, hidden), logits = mlp.forward(net, torch.tensor([[[1.0, -1.0], [1.0, 0.0]]]))
    assert hidden.tolist() == [[[3.5, 0.0], [0.0, 1.0]]]
    assert logits.tolist() == [[[3.5, 1.0], [8.0, -2.0]]]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_networks_that_share_their_inputs_see_what_each_would_see_alone(depth: int) -> None:
    net, x = mlp.init(6, 4, 10, generators(0, 1, 2), depth), torch.randn(6, 50)
    assert [layer.weight.shape[1:] for layer in net.layers] == [(4, 6), *[(4, 4)] * (depth - 1), (10, 4)]
    shared, own = mlp.forward(net, x[None]), mlp.forward(net, x.expand(3, -1, -1))
    torch.testing.assert_close(shared[1], own[1])
    torch.testing.assert_close(shared[0][1:], own[0][1:])


def test_a_file_names_the_layers_from_the_first_one_on() -> None:
    net = mlp.init(6, 4, 10, generators(0), depth=2)
    assert list(net.named()) == ["w1", "b1", "w2", "b2", "w3", "b3"]
    again = mlp.Net.from_named({"epochs": torch.zeros(1), **net.named()})
    assert all(a is b for a, b in zip(again.parameters(), net.parameters(), strict=True))


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("loss", mlp.LOSSES)
def test_gradients_are_autograds(depth: int, loss: str) -> None:
    """Two seeds with three networks each; a seed's networks share their images."""
    net = mlp.init(6, 4, 10, generators(*range(6)), depth).map(torch.Tensor.requires_grad_)
    x, labels = torch.randn(2, 6, 8), torch.randint(10, (2, 8))
    for s in range(2):
        _, logits = mlp.forward(net.map(lambda p, s=s: p[3 * s : 3 * s + 3]), x[s : s + 1])  # type: ignore[misc]
        mlp.LOSSES[loss].value(logits, labels[s].expand(3, -1)).sum().backward()
    with torch.no_grad():
        for factors, layer in zip(mlp.backpropagate(net, x, labels, loss), net.layers, strict=True):
            torch.testing.assert_close(tuple(mlp.gradient(factors)), (layer.weight.grad, layer.bias.grad))
            total = mlp.Layer(torch.ones_like(layer.weight), torch.ones_like(layer.bias))
            mlp.add_gradient_(total, factors, scale=-2.0, keep=3.0)
            expected = tuple(3 - 2 * part for part in mlp.gradient(factors))
            torch.testing.assert_close(tuple(total), expected)


def test_the_squared_loss_is_a_sum_over_classes_of_squared_distances_to_one_hot() -> None:
    logits, labels = torch.randn(3, 10, 8), torch.randint(10, (3, 8))
    one_hot = nn.functional.one_hot(labels, 10).mT
    torch.testing.assert_close(mlp.squared(logits, labels), (logits - one_hot).square().sum(1))


def test_scores_are_mean_cross_entropy_and_share_of_wrong_answers() -> None:
    net = mlp.init(6, 4, 10, generators(0, 1, 2))
    images, labels = torch.randn(50, 6), torch.randint(10, (50,))
    loss, error = mlp.scores(net, Images(images, labels), chunk=7)
    for i in range(3):
        _, logits = mlp.forward(net.map(lambda p, i=i: p[i : i + 1]), images.T[None])  # type: ignore[misc]
        torch.testing.assert_close(loss[i].float(), nn.functional.cross_entropy(logits[0].T, labels))
        assert error[i] == (logits[0].argmax(0) != labels).double().mean()


def test_a_network_of_nans_answers_class_0() -> None:
    net = mlp.init(6, 4, 10, generators(0))
    net.layers[0].weight.fill_(torch.nan)
    loss, error = mlp.scores(net, Images(torch.randn(20, 6), torch.arange(20) % 10))
    assert loss.isnan().all()
    assert error.tolist() == [0.9]
