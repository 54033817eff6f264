import math

import pytest
import torch
from torch import Tensor

from stages.measure import sparsity
from stages.measure.sparsity import Seen
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Net, weights

# 2 inputs, 3 hidden units, 2 classes; 12 weights, 6 of them 0. Unit 1 hears nothing, nobody listens to unit 2.
NET = Net.of(
    [
        torch.tensor([[[1.0, 0.0], [0.0, 0.0], [2.0, -3.0]]]),
        torch.tensor([[[0.0], [5.0], [-100.0]]]),
        torch.tensor([[[4.0, 1.0, 0.0], [0.002, 0.0, 0.0]]]),
        torch.zeros(1, 2, 1),
    ]
)


def ascending(net: Net) -> Tensor:
    return weights(net).abs().sort(1).values


def test_zeros_counted_by_hand() -> None:
    assert sparsity.zero_fraction(NET).tolist() == [6 / 12]
    # 0.002 is within 1e-3 of the second matrix's largest, 4
    assert sparsity.near_zero_fraction(NET).tolist() == [7 / 12]


def test_weights_on_a_path_counted_by_hand() -> None:
    # in -> unit 0 -> both classes: 3 weights; unit 1's 1.0 and unit 2's two weights lead nowhere
    assert sparsity.effective_sparsity(NET).tolist() == [1 - 3 / 12]


def test_a_unit_lives_if_one_image_makes_it_fire() -> None:
    # unit 0 fires on positive first pixels, unit 1 by its bias, unit 2 needs more than 100
    assert sparsity.live_units(NET, Seen.of(torch.tensor([[-1.0, 0.0], [0.5, 0.0]]))).tolist() == [2]
    assert sparsity.live_units(NET, Seen.of(torch.tensor([[-1.0, 0.0]]))).tolist() == [1]
    assert sparsity.live_units(NET, Seen.of(torch.tensor([[60.0, 0.0], [-1.0, 0.0]])), chunk=1).tolist() == [3]


def test_gini_and_hoyer_know_the_two_extremes() -> None:
    equal, single = torch.ones(1, 8), torch.tensor([[0.0] * 7 + [3.0]])
    assert sparsity.gini(equal).item() == pytest.approx(0)
    assert sparsity.gini(single).item() == pytest.approx(1 - 1 / 8)
    assert sparsity.hoyer(equal).item() == pytest.approx(0)
    assert sparsity.hoyer(single).item() == pytest.approx(1)


def test_gini_and_hoyer_of_four_numbers_by_their_formulas() -> None:
    c = torch.tensor([[1.0, 2.0, 3.0, 6.0]])
    assert sparsity.gini(c).item() == pytest.approx(1 - 2 / 12 * (1 * 3.5 + 2 * 2.5 + 3 * 1.5 + 6 * 0.5) / 4)
    assert sparsity.hoyer(c).item() == pytest.approx((2 - 12 / math.sqrt(50)) / (2 - 1))


def test_gini_is_half_the_mean_difference_over_the_mean() -> None:
    c = torch.rand(1, 50, generator=torch.Generator().manual_seed(0))
    difference = (c.T - c).abs().double().mean() / (2 * c.double().mean())
    assert sparsity.gini(c.sort(1).values).item() == pytest.approx(difference.item())


def test_no_measure_depends_on_scale() -> None:
    c = torch.rand(2, 30).sort(1).values
    torch.testing.assert_close(sparsity.gini(7 * c), sparsity.gini(c))
    torch.testing.assert_close(sparsity.hoyer(7 * c), sparsity.hoyer(c))


def test_networks_without_weights_have_measures_too() -> None:
    empty = Net(tuple(layer._replace(weight=layer.weight * 0) for layer in NET.layers))
    assert sparsity.zero_fraction(empty).tolist() == [1]
    assert sparsity.effective_sparsity(empty).tolist() == [1]
    assert sparsity.gini(ascending(empty)).tolist() == [0]
    assert sparsity.hoyer(weights(empty)).tolist() == [0]


def test_pruning_takes_the_smallest_of_both_matrices() -> None:
    smaller = sparsity.pruned(NET, torch.tensor([1.0]))
    assert smaller.layers[0].weight.tolist() == [[[0.0, 0.0], [0.0, 0.0], [2.0, -3.0]]]
    assert smaller.layers[1].weight.tolist() == [[[4.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]


def test_pixels_that_never_vary_act_as_a_bias() -> None:
    images = torch.randn(50, 20)
    images[:, 3], images[:, 7] = -0.4, 2.0
    net, seen = mlp.init(20, 8, 10, [torch.Generator().manual_seed(s) for s in range(3)]), Seen.of(images)
    assert seen.pixels.shape == (50, 18)
    (_, folded_hidden), folded = mlp.forward(seen.fold(net), seen.pixels.T[None])
    (_, hidden), logits = mlp.forward(net, images.T[None])
    torch.testing.assert_close(folded_hidden, hidden)
    torch.testing.assert_close(folded, logits)


def test_weights_that_do_no_work_are_prunable() -> None:
    """One large weight per class decides; the 1e-3 others never change an answer."""
    generator = torch.Generator().manual_seed(0)
    w1, w2 = (1e-3 * torch.rand(1, 10, 10, generator=generator) for _ in range(2))
    w1[0].fill_diagonal_(1.0)
    w2[0].fill_diagonal_(1.0)
    net = Net.of([w1, torch.zeros(1, 10, 1), w2, torch.zeros(1, 10, 1)])
    images, labels = torch.eye(10), torch.arange(10)
    found = sparsity.prunable_fraction(net, ascending(net), Seen.of(images), labels, torch.zeros(1), 0.0).item()
    assert 180 / 200 - 2**-5 <= found <= 180 / 200


def test_prunable_means_that_error_rises_by_no_more_than_allowed() -> None:
    generators = [torch.Generator().manual_seed(s) for s in range(4)]
    net = mlp.init(20, 8, 10, generators)
    images, labels = torch.randn(300, 20, generator=generators[0]), torch.zeros(300, dtype=torch.long)
    labels = mlp.forward(net, images.T.expand(4, -1, -1))[1][0].argmax(0)  # the first network is never wrong
    sizes = ascending(net)
    before = mlp.scores(net, Images(images, labels))[1]
    fraction = sparsity.prunable_fraction(net, sizes, Seen.of(images), labels, before, tolerance=0.02)
    threshold = sizes.gather(1, ((fraction * sizes.shape[1]).long().clamp(min=1) - 1)[:, None])[:, 0]
    after = mlp.scores(sparsity.pruned(net, threshold), Images(images, labels))[1]
    assert ((after - before)[fraction < 1] <= 0.02 + 1e-9).all()
    assert 0 < fraction[0] < 1


def test_a_network_that_always_answers_the_same_can_lose_everything() -> None:
    net = mlp.init(6, 4, 10, [torch.Generator().manual_seed(0)])
    net.layers[1].weight.mul_(1e-9)
    images, labels = torch.randn(40, 6), torch.arange(40) % 10
    assert sparsity.prunable_fraction(net, ascending(net), Seen.of(images), labels, torch.tensor([0.9])).tolist() == [1]


def three_networks() -> tuple[Net, Tensor, Tensor]:
    """Of very different scales, the second with dead weights; images, and labels that the first never gets wrong."""
    generators = [torch.Generator().manual_seed(s) for s in range(3)]
    net = mlp.init(20, 8, 10, generators)
    scale = torch.tensor([1.0, 1e-4, 100.0])[:, None, None]
    net = net.map(lambda w: w * scale)
    net.layers[0].weight[1, :, 3:] = 0
    net.layers[1].weight[1, :, 5:] = 0
    images = torch.randn(300, 20, generator=generators[0])
    labels = mlp.forward(net, images.T.expand(3, -1, -1))[1][0].argmax(0)
    return net, images, labels


def every_measure(net: Net, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    seen, sizes = Seen.of(images), ascending(net)
    return {
        "zero_fraction": sparsity.zero_fraction(net),
        "near_zero_fraction": sparsity.near_zero_fraction(net),
        "gini": sparsity.gini(sizes),
        "hoyer": sparsity.hoyer(weights(net)),
        "live_units": sparsity.live_units(net, seen),
        "effective_sparsity": sparsity.effective_sparsity(net),
        "prunable_fraction": sparsity.prunable_fraction(
            net, sizes, seen, labels, mlp.scores(net, Images(images, labels))[1]
        ),
    }


def test_networks_side_by_side_measure_what_each_measures_alone() -> None:
    net, images, labels = three_networks()
    together = every_measure(net, images, labels)
    for s in range(3):
        alone = every_measure(Net.of([w[s : s + 1] for w in net.parameters()]), images, labels)
        for name, value in alone.items():
            torch.testing.assert_close(together[name][s : s + 1], value, msg=f"{name} of network {s}")
            assert value.dtype == torch.float64


def test_a_matrix_of_zeros_is_near_zero_throughout() -> None:
    assert sparsity.near_zero_fraction(NET.map(torch.zeros_like)).tolist() == [1]


def test_half_a_point_more_error_is_what_pruning_may_cost() -> None:
    """A hundred images, each decided by a weight of its own size: pruning the smallest k of them errs on k."""
    images, labels = torch.eye(100), torch.zeros(100, dtype=torch.long)
    w1 = torch.linspace(1, 2, 100)[None, None, :]
    net = Net.of([w1, torch.zeros(1, 1, 1), torch.zeros(1, 10, 1), torch.zeros(1, 10, 1)])
    net.layers[1].weight[0, 0] = 10.0
    net.layers[1].bias[0, 1] = 1e-3  # without its weight an image goes to class 1
    seen = Seen.of(images)
    for tolerance, removed in ((0.05, 5), (0.5, 50), (0.0, 0)):
        found = sparsity.prunable_fraction(net, ascending(net), seen, labels, torch.zeros(1), tolerance, halvings=20)
        assert found.item() * 110 == pytest.approx(9 + removed, abs=1.01)
    assert sparsity.prunable_fraction(net, ascending(net), seen, labels, torch.zeros(1)).item() * 110 < 10.01
