"""Neural collapse."""

import numpy as np
import pytest
import torch
from torch import Tensor

from stages.measure.activations import Activations
from stages.measure.collapse import COLUMNS, MEASURES, collapse, columns
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Layer, Net

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.arange(60) % 4
WRONG = torch.where(torch.arange(60) % 5 == 0, 0, LABELS)  # so that the classes have different sizes
PIXELS = torch.randn(60, 6, generator=GENERATOR)


def collapsed(classes: int) -> tuple[Tensor, Net]:
    """One image a label, and a network whose hidden layer is 1 in the unit of the image's class and 0 elsewhere.

    The last layer is that of a simplex: proportional to the centred class means.
    """
    eye = torch.eye(classes)
    last = Layer((3 * (eye - 1 / classes))[None], torch.zeros(1, classes, 1))
    return eye, Net((Layer(eye[None], torch.zeros(1, classes, 1)), last))


def test_a_perfect_collapse_is_zero_in_all_measures() -> None:
    eye, net = collapsed(4)
    found = columns(net, Activations.of(net, Images(eye[LABELS], LABELS)), LABELS, LABELS)
    assert tuple(found) == COLUMNS
    assert found.pop("simplex_possible").tolist() == [1.0]
    assert {name: value.item() for name, value in found.items()} == pytest.approx(dict.fromkeys(found, 0.0), abs=1e-12)


def test_what_collapsed_onto_wrong_labels_has_not_collapsed_onto_the_true_ones() -> None:
    """A fifth of the true classes 1 to 3 lies with class 0, which leaves the class means a simplex of 0.8 the size.

    Each of the three has a variance of 0.2 * 0.8 along a line of length sqrt(2), so nc1 is 3/4 * 0.32 / 0.8^2.
    """
    eye, net = collapsed(4)
    found = columns(net, Activations.of(net, Images(eye[WRONG], WRONG)), WRONG, LABELS)
    for name in MEASURES:
        assert found[f"{name}_given"].item() == pytest.approx(0, abs=1e-12)
    assert found["nc1_true"].item() == pytest.approx(0.375)


def measures(pixels: Tensor, weight: Tensor, labels: Tensor) -> dict[str, float]:
    return collapse(pixels.double(), weight.double(), (pixels @ weight.T).argmax(1), labels)


def test_each_measure_is_its_formula() -> None:
    """In NumPy, class after class, with the two covariance matrices."""
    weight = torch.randn(4, 6, generator=GENERATOR)
    found = measures(PIXELS, weight, WRONG)
    hidden, w = PIXELS.double().numpy(), weight.double().numpy()
    parts = [hidden[WRONG.numpy() == label] for label in range(4)]
    means = np.stack([part.mean(0) for part in parts])
    m = means - means.mean(0)
    within = np.mean([np.cov(part.T, bias=True) for part in parts], axis=0)
    between = np.mean([np.outer(row, row) for row in m], axis=0)
    assert found["nc1"] == pytest.approx(np.trace(within @ np.linalg.pinv(between, rcond=1e-9)) / 4)
    norms = np.linalg.norm(m, axis=1)
    assert found["nc2_norms"] == pytest.approx(norms.std() / norms.mean())
    cosines = [m[i] @ m[j] / norms[i] / norms[j] for i in range(4) for j in range(i)]
    assert found["nc2_angles"] == pytest.approx(np.mean(np.abs(np.array(cosines) + 1 / 3)))
    assert found["nc3"] == pytest.approx(np.linalg.norm(w / np.linalg.norm(w) - m / np.linalg.norm(m)) ** 2)
    nearest = np.linalg.norm(hidden[:, None] - means, axis=2).argmin(1)
    assert found["nc4"] == pytest.approx(np.mean((hidden @ w.T).argmax(1) != nearest))


def test_within_a_class_spread_counts_against_the_distance_of_the_class_means() -> None:
    """Two classes at 0 and 2 on a line, each of two images at +-0.5 from its mean: 0.25 / 1 / 2 classes."""
    hidden = torch.tensor([[-0.5], [0.5], [1.5], [2.5]])
    found = measures(hidden, torch.tensor([[-1.0], [1.0]]), torch.tensor([0, 0, 1, 1]))
    assert found["nc1"] == pytest.approx(0.125)
    assert found["nc3"] == pytest.approx(0)


def test_scaling_turning_and_moving_the_hidden_layer_change_nothing_but_the_decisions() -> None:
    weight = torch.randn(4, 6, generator=GENERATOR)
    before = measures(PIXELS, weight, LABELS)
    turn = torch.linalg.qr(torch.randn(6, 6, generator=GENERATOR)).Q
    assert measures(7 * PIXELS @ turn, weight @ turn, LABELS) == pytest.approx(before, rel=1e-4)
    moved = measures(PIXELS + 5, weight, LABELS)
    assert moved.pop("nc4") != before.pop("nc4")
    assert moved == pytest.approx(before, rel=1e-4)


def test_too_few_live_units_cannot_hold_a_simplex() -> None:
    net = mlp.init(6, 5, 4, [torch.Generator().manual_seed(0)])
    for dead, possible in ((0, 1.0), (2, 1.0), (3, 0.0)):
        net.layers[0].bias[0, :dead] = -1e6
        found = columns(net, Activations.of(net, Images(PIXELS, LABELS)), LABELS, LABELS)
        assert found["simplex_possible"].tolist() == [possible]
        assert all(value.isfinite() for value in found.values())


def test_a_dead_layer_has_no_class_means_to_compare() -> None:
    found = measures(torch.zeros(60, 6), torch.randn(4, 6, generator=GENERATOR), LABELS)
    assert [name for name, value in found.items() if value == value] == ["nc4"]


def test_networks_are_measured_each_on_its_own_and_one_of_nans_not_at_all() -> None:
    net = mlp.init(6, 8, 4, [torch.Generator().manual_seed(seed) for seed in range(3)])
    net.layers[0].weight[1, 0, 0] = torch.nan
    labels = torch.stack([LABELS, LABELS, WRONG])
    found = columns(net, Activations.of(net, Images(PIXELS, labels)), labels, LABELS)
    alone = net.map(lambda parameter: parameter[2:])
    expected = columns(alone, Activations.of(alone, Images(PIXELS, WRONG)), WRONG, LABELS)
    for name, values in found.items():
        assert values[1].isnan()
        torch.testing.assert_close(values[2:], expected[name], rtol=1e-4, atol=1e-6)
        assert values[0].isfinite()
