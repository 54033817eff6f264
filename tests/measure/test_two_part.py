"""Networks and their errors as messages of so many bits."""

import math
from itertools import combinations

import pytest
import torch
from scipy.special import gammaln
from scipy.stats import binom
from torch import Tensor

from stages.measure import two_part
from stages.measure.sparsity import Seen
from stages.training import mlp
from stages.training.mlp import Layer, Net


def network(seed: int = 0, width: int = 8) -> Net:
    return mlp.init(20, width, 10, [torch.Generator().manual_seed(seed)])


def images(count: int = 300) -> Tensor:
    return torch.randn(count, 20, generator=torch.Generator().manual_seed(5))


def said(net: Net, pixels: Tensor) -> Tensor:
    """What the first of the networks takes the images for."""
    return mlp.forward(net, pixels.T.expand(1, -1, -1))[1][0].argmax(0)


def test_four_thousand_labels_of_which_a_fifth_is_wrong_cost_less_than_half_of_the_uniform_code() -> None:
    """Both forms of the floor, the count of ways and the entropy, are 5.42 kbit."""
    assert two_part.uniform_bits(4000, 10) == pytest.approx(13_287.7, abs=0.1)
    assert two_part.noise_bits(4000, 800, 10) == pytest.approx(5417.6, abs=0.1)
    assert two_part.noise_entropy(4000, 0.2, 10) == pytest.approx(5423.6, abs=0.1)


def test_the_floor_is_log2_of_the_number_of_ways_to_be_wrong() -> None:
    """Five labels of three classes, two of them wrong."""
    ways = len(list(combinations(range(5), 2))) * 2**2
    assert two_part.noise_bits(5, 2, 3) == pytest.approx(math.log2(ways))
    assert two_part.noise_bits(5, 0, 3) == 0
    exact = (gammaln(4001) - gammaln(801) - gammaln(3201)) / math.log(2) + 800 * math.log2(9)
    assert two_part.noise_bits(4000, 800, 10) == pytest.approx(exact, rel=1e-12)


def test_the_entropy_is_the_count_of_ways_and_the_surprise_of_how_many_there_are() -> None:
    for wrong in (0, 3, 20):
        share = 0.2
        surprise = -binom(50, share).logpmf(wrong) / math.log(2)
        by_label = -wrong * math.log2(share / 9) - (50 - wrong) * math.log2(1 - share)
        assert two_part.noise_bits(50, wrong, 10) + surprise == pytest.approx(by_label)
    mean = -10 * math.log2(0.2 / 9) - 40 * math.log2(0.8)  # ten labels are wrong in the mean
    assert two_part.noise_entropy(50, 0.2, 10) == pytest.approx(mean)


def test_a_network_without_weights_costs_little_more_than_its_errors() -> None:
    empty = network().map(torch.zeros_like)
    labels = torch.arange(300) % 10
    found = two_part.two_part(empty, Seen.of(images()), labels, 10)
    d = 8 * 21 + 10 * 9
    named = math.log2(d + 1) + math.log2(two_part.MOST_BITS) + 4 * two_part.BOUND_BITS
    assert found["two_part_kept"].tolist() == [0]
    assert found["two_part_weights_bits"].item() == pytest.approx(named)
    assert found["two_part_labels_bits"].item() == pytest.approx(math.log2(301) + two_part.noise_bits(300, 270, 10))


def test_both_parts_add_up_and_follow_from_what_is_kept() -> None:
    net, pixels = network(), images()
    labels = said(net, pixels)
    columns = two_part.two_part(net, Seen.of(pixels), labels, 10, tolerance=0.5)
    found = {name: values.item() for name, values in columns.items()}
    d, k = 8 * 21 + 10 * 9, found["two_part_kept"]
    chosen = (gammaln(d + 1) - gammaln(k + 1) - gammaln(d - k + 1)) / math.log(2)
    named = math.log2(d + 1) + math.log2(two_part.MOST_BITS) + 4 * two_part.BOUND_BITS
    assert 0 < k < d
    assert found["two_part_weights_bits"] == pytest.approx(named + chosen + k * found["two_part_bits_a_weight"])
    assert found["two_part_bits"] == pytest.approx(found["two_part_weights_bits"] + found["two_part_labels_bits"])


@pytest.mark.parametrize("tolerance", [0.0, 0.005, 0.1])
def test_no_more_errors_are_sent_than_are_allowed_and_more_of_them_save_weights(
    tolerance: float,
) -> None:
    net, pixels = network(), images()
    labels = said(net, pixels)
    found, looser = (two_part.two_part(net, Seen.of(pixels), labels, 10, t) for t in (tolerance, tolerance + 0.1))
    most = two_part.label_bits(round(300 * tolerance), 300, 10)
    assert found["two_part_labels_bits"].item() <= most + 1e-9
    assert looser["two_part_weights_bits"].item() < found["two_part_weights_bits"].item()


def test_no_rung_and_no_number_of_bits_within_the_tolerance_is_much_shorter_than_what_is_found() -> None:
    """Against every combination, pruned and rounded here."""
    net, pixels = network(), images()
    labels, sizes = said(net, pixels), mlp.weights(net)[0].abs().sort(descending=True).values
    lengths = []
    for rung in range(two_part.RUNGS):
        threshold = sizes[min(int(len(sizes) * two_part.RATIO**rung), len(sizes) - 1)] * (rung > 0)
        for bits in range(1, two_part.MOST_BITS + 1):
            parameters = [p * (p.abs() > threshold) if name[0] == "w" else p for name, p in net.named().items()]
            small = two_part.heard(Net.of(parameters)).map(lambda p, bits=bits: two_part.rounded(p, bits))  # type: ignore[misc]
            wrong = int((said(small, pixels) != labels).sum())
            if wrong <= 0.02 * 300:
                lengths.append(
                    two_part.weight_bits(net, two_part.nonzeros(small), bits) + two_part.label_bits(wrong, 300, 10)
                )
    found = two_part.two_part(net, Seen.of(pixels), labels, 10, 0.02)["two_part_bits"].item()
    assert min(lengths) - 1e-9 <= found <= 1.05 * min(lengths)


def test_weights_that_reach_no_output_are_not_sent() -> None:
    (hidden, out), pixels = network().layers, images()
    out.weight[:, :, 4:] = 0.0
    small = Net((Layer(hidden.weight[:, :4], hidden.bias[:, :4]), Layer(out.weight[:, :, :4], out.bias)))
    whole = Net((hidden, out))
    assert two_part.nonzeros(two_part.heard(whole)) == two_part.nonzeros(small)
    assert torch.equal(said(two_part.heard(whole), pixels), said(whole, pixels))


def test_rounded_values_lie_within_half_a_cell_and_are_as_many_as_their_bits_can_name() -> None:
    values = torch.randn(1, 30, 40, generator=torch.Generator().manual_seed(0))
    values[0, :10] = 0.0
    sizes = values[values != 0].abs()
    for bits in (1, 2, 4, 16):
        found = two_part.rounded(values, bits)
        cell = (sizes.max() - sizes.min()) / 2 ** (bits - 1)
        assert torch.equal(found == 0, values == 0)
        assert ((found - values).abs() <= cell / 2 * 1.001 + 1e-6).all()
        assert len(found[found != 0].unique()) <= 2**bits
    assert len(two_part.rounded(values, 1).unique()) == 3


def test_equal_weights_lose_nothing_by_being_sent_in_one_bit() -> None:
    values = 0.3 * torch.tensor([[[1.0, -1.0, 0.0]]])
    torch.testing.assert_close(two_part.rounded(values, 1), values)


def test_the_unit_of_weight_does_not_change_the_length() -> None:
    """Both layers doubled, so that logits are four times as large: the answers and the order of the sizes stay."""
    net, pixels = network(), images()
    labels = said(net, pixels)
    w1, b1, w2, b2 = net.parameters()
    scaled = Net.of([2 * w1, 2 * b1, 2 * w2, 4 * b2])
    assert two_part.two_part(scaled, Seen.of(pixels), labels, 10) == two_part.two_part(net, Seen.of(pixels), labels, 10)


def test_networks_side_by_side_have_the_lengths_that_each_has_alone() -> None:
    nets, pixels = [network(seed) for seed in range(3)], images()
    together = Net.of([torch.cat(parts) for parts in zip(*(net.parameters() for net in nets), strict=True)])
    labels = torch.stack([said(net, pixels) for net in nets])
    found = two_part.two_part(together, Seen.of(pixels), labels, 10)
    for place, net in enumerate(nets):
        alone = two_part.two_part(net, Seen.of(pixels), labels[place], 10)
        assert all(found[name][place] == values[0] for name, values in alone.items())
        assert alone.keys() == set(two_part.COLUMNS)


def test_a_network_that_holds_no_number_has_some_length() -> None:
    """What it is means nothing; whoever makes the table leaves it out."""
    broken = network().map(lambda p: torch.full_like(p, torch.nan))
    assert two_part.two_part(broken, Seen.of(images()), torch.arange(300) % 10, 10).keys() == set(two_part.COLUMNS)
