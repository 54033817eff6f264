"""Refitted last layers at a strength that some of the test images choose."""

import pytest
import torch

from stages.linear.chosen import KINDS, chosen, halves
from stages.linear.heads import Features, hidden, measure
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Layer, Net
from stages.training.sets import with_noise

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.randn(4, 12, generator=GENERATOR)
STRENGTHS = [1e-4, 0.1, 0.01]
NET = mlp.init(12, 60, 4, [torch.Generator().manual_seed(1)])


def drawn(count: int) -> Images:
    labels = torch.arange(count) % 4
    return Images(CENTRES[labels] + torch.randn(count, 12, generator=GENERATOR), labels)


TRAIN, TEST = drawn(100), drawn(800)
NOISY = with_noise(TRAIN.labels, 0.3, GENERATOR, 4)


def features_of(net: Net) -> Features:
    layers = [Layer(weight[0], bias[0]) for weight, bias in net.layers[:-1]]
    return Features.of(hidden(layers, TRAIN.pixels), hidden(layers, TEST.pixels))


def measured(place: int) -> dict[tuple[str, float], float]:
    """Errors on half of the test images by kind and strength, by the table that the main job makes."""
    whole = features_of(NET)
    table = measure(Features(whole.train, halves(whole.test)[place]), NOISY, halves(TEST.labels)[place], 4, STRENGTHS)
    return {(row["head"], row["strength"]): row["test_error"] for row in table}


def test_the_images_that_choose_are_not_those_that_errors_are_measured_on() -> None:
    choosing, others = halves(torch.arange(7))
    assert (choosing.tolist(), others.tolist()) == ([0, 2, 4, 6], [1, 3, 5])


def test_the_strength_is_the_one_that_errs_least_on_the_images_that_choose() -> None:
    found, on_choosing, on_others = chosen(features_of(NET), NOISY, TEST.labels, 4, STRENGTHS), measured(0), measured(1)
    for kind in KINDS:
        best = min(STRENGTHS, key=lambda strength: (on_choosing[kind, strength], -strength))
        assert found[kind] == pytest.approx(on_others[kind, best], abs=0.006)


def test_where_labels_are_wrong_a_chosen_head_errs_less_than_the_weakest_penalty() -> None:
    few, many = (chosen(features_of(NET), NOISY, TEST.labels, 4, strengths) for strengths in ([1e-4], STRENGTHS))
    for kind in KINDS:
        assert many[kind] < few[kind]


def test_units_that_are_pruned_away_have_no_part() -> None:
    first, last = NET.layers
    kept = (torch.arange(60) < 20)[:, None]
    pruned = Net((Layer(first.weight * kept, first.bias * kept), last))
    small = Net((Layer(first.weight[:, :20], first.bias[:, :20]), Layer(last.weight[:, :, :20], last.bias)))
    found, exact = (chosen(features_of(net), NOISY, TEST.labels, 4, STRENGTHS) for net in (pruned, small))
    assert found == pytest.approx(exact, abs=0.01)
