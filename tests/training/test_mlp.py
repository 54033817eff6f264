import pytest
import torch
from torch import nn

from stages.training import mlp


def generators(*seeds: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize(("inputs", "width"), [(784, 5), (64, 1), (3, 100)])
def test_weights_start_as_nn_linear_draws_them(inputs: int, width: int) -> None:
    net = mlp.init(inputs, width, 10, generators(3, 7))
    for i, seed in enumerate((3, 7)):
        torch.manual_seed(seed)
        first, second = nn.Linear(inputs, width), nn.Linear(width, 10)
        torch.testing.assert_close(net.w1[i], first.weight.detach())
        torch.testing.assert_close(net.b1[i, :, 0], first.bias.detach())
        torch.testing.assert_close(net.w2[i], second.weight.detach())
        torch.testing.assert_close(net.b2[i, :, 0], second.bias.detach())


def test_a_network_counted_by_hand() -> None:
    net = mlp.Net(
        torch.tensor([[[1.0, 2.0], [-1.0, 0.0]]]),
        torch.tensor([[[0.5], [0.0]]]),
        torch.tensor([[[1.0, 1.0], [2.0, -3.0]]]),
        torch.tensor([[[0.0], [1.0]]]),
    )
    hidden, logits = mlp.forward(net, torch.tensor([[[1.0, -1.0], [1.0, 0.0]]]))
    assert hidden.tolist() == [[[3.5, 0.0], [0.0, 1.0]]]
    assert logits.tolist() == [[[3.5, 1.0], [8.0, -2.0]]]


def test_networks_that_share_their_inputs_see_what_each_would_see_alone() -> None:
    net, x = mlp.init(6, 4, 10, generators(0, 1, 2)), torch.randn(6, 50)
    for shared, own in zip(mlp.forward_shared(net, x), mlp.forward(net, x.expand(3, -1, -1)), strict=True):
        torch.testing.assert_close(shared, own)


def test_scores_are_mean_cross_entropy_and_share_of_wrong_answers() -> None:
    net = mlp.init(6, 4, 10, generators(0, 1, 2))
    images, labels = torch.randn(50, 6), torch.randint(10, (50,))
    loss, error = mlp.scores(net, images, labels, chunk=7)
    for i in range(3):
        _, logits = mlp.forward(mlp.Net(*(w[i : i + 1] for w in net)), images.T[None])
        torch.testing.assert_close(loss[i].float(), nn.functional.cross_entropy(logits[0].T, labels))
        assert error[i] == (logits[0].argmax(0) != labels).double().mean()


def test_a_network_of_nans_answers_class_0() -> None:
    net = mlp.init(6, 4, 10, generators(0))
    net.w1.fill_(torch.nan)
    loss, error = mlp.scores(net, torch.randn(20, 6), torch.arange(20) % 10)
    assert loss.isnan().all()
    assert error.tolist() == [0.9]
