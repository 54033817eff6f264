"""Calibration, margins, and the entropy of firing."""

import math

import pytest
import torch
from torch import Tensor

from stages.measure.activations import Activations
from stages.measure.calibration import calibration_error, columns, firing_entropy, margin
from stages.training import mlp
from stages.training.images import Images

GENERATOR = torch.Generator().manual_seed(0)


def test_a_network_that_is_right_as_often_as_it_says_is_calibrated() -> None:
    outputs = torch.tensor([[0.75, 0.25]], dtype=torch.float64).expand(8, -1)
    assert calibration_error(outputs, torch.tensor([0, 0, 0, 1] * 2)) == pytest.approx(0)
    assert calibration_error(outputs, torch.tensor([0] * 8)) == pytest.approx(0.25)
    assert calibration_error(outputs, torch.tensor([1] * 8)) == pytest.approx(0.75)


def test_calibration_error_is_the_sum_over_bins_of_guo_et_al() -> None:
    outputs = torch.randn(500, 3, generator=GENERATOR, dtype=torch.float64).mul(2).softmax(1)
    labels = torch.randint(3, (500,), generator=GENERATOR)
    rows = [
        (max(row), row.index(max(row)) == label) for row, label in zip(outputs.tolist(), labels.tolist(), strict=True)
    ]
    expected = 0.0
    for m in range(15):
        inside = [(confidence, right) for confidence, right in rows if m / 15 < confidence <= (m + 1) / 15]
        if inside:
            accuracy = sum(right for _, right in inside) / len(inside)
            confidence = sum(confidence for confidence, _ in inside) / len(inside)
            expected += len(inside) / 500 * abs(accuracy - confidence)
    assert calibration_error(outputs, labels) == pytest.approx(expected)


def test_confidences_of_0_and_1_have_a_bin_and_the_upper_end_of_a_bin_belongs_to_it() -> None:
    assert calibration_error(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 0])) == pytest.approx(0.5)
    third_bin = torch.tensor([[0.2, 0.1], [0.15, 0.1]], dtype=torch.float64)  # from 2/15 to 3/15
    assert calibration_error(third_bin, torch.tensor([0, 1])) == pytest.approx(abs(0.8 - 0.15) / 2)


def test_a_margin_is_the_way_to_the_next_class() -> None:
    logits = torch.tensor([[3.0, 1.0, -5.0], [3.0, 1.0, -5.0]])
    assert margin(logits, torch.tensor([0, 0])) == 2.0
    assert margin(logits, torch.tensor([1, 2])) == (-2.0 - 8.0) / 2


def fires(*units: list[int]) -> Tensor:
    return torch.tensor(units).T > 0


def test_a_unit_that_fires_on_half_of_the_images_has_one_bit_and_one_that_always_or_never_does_none() -> None:
    together = torch.zeros(4, dtype=torch.long)
    assert firing_entropy(fires([1, 0, 1, 0]), together) == pytest.approx(1)
    assert firing_entropy(fires([1, 1, 1, 1], [0, 0, 0, 0]), together) == 0
    assert firing_entropy(fires([1, 0, 0, 0], [1, 0, 1, 0]), together) == pytest.approx(
        (2 - 0.75 * math.log2(3) + 1) / 2, rel=1e-6
    )


def test_a_unit_that_fires_on_one_class_alone_has_no_entropy_within_a_class() -> None:
    labels = torch.tensor([0, 0, 2, 2, 2, 2])
    assert firing_entropy(fires([1, 1, 0, 0, 0, 0]), labels) == 0
    assert firing_entropy(fires([0, 0, 1, 1, 0, 0]), labels) == pytest.approx(4 / 6)


def test_knowing_the_class_never_adds_entropy() -> None:
    labels = torch.randint(5, (300,), generator=GENERATOR)
    random = torch.rand(300, 20, generator=GENERATOR) < torch.rand(20, generator=GENERATOR)
    assert firing_entropy(random, labels) < firing_entropy(random, torch.zeros_like(labels))


def test_columns_read_all_hidden_layers_and_leave_out_a_network_of_nans() -> None:
    net = mlp.init(6, 5, 4, [torch.Generator().manual_seed(seed) for seed in range(3)], depth=2)
    pixels, labels = torch.randn(40, 6, generator=GENERATOR), torch.randint(4, (40,), generator=GENERATOR)
    net.layers[2].bias[1, 0] = torch.nan
    train = Activations.of(net, Images(pixels, labels))
    found = columns(train, labels, train.logits, labels)
    assert all(values.isfinite().tolist() == [True, False, True] for values in found.values())
    assert torch.equal(found["train_margin"][::2], found["test_margin"][::2])
    both = [firing_entropy(layer[0] > 0, torch.zeros_like(labels)) for layer in train.hidden]
    assert found["firing_entropy"][0].item() == pytest.approx(sum(both) / 2)
    assert found["calibration_error"][0] == calibration_error(train.logits[0].double().softmax(1), labels)
    squared = columns(train, labels, train.logits, labels, "squared")
    assert squared["calibration_error"][0] == calibration_error(train.logits[0].double(), labels)
