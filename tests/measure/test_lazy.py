"""How far from lazy."""

import pytest
import torch
from torch import Tensor

from stages.measure.lazy import alignment, columns, hidden_gram, label_kernel, relative_change, start_of
from stages.training import mlp
from tests.training.problem import TRAIN, run

GENERATOR = torch.Generator().manual_seed(0)
FEATURES = torch.randn(300, 8, generator=GENERATOR, dtype=torch.float64)
LABELS = torch.randint(4, (300,), generator=GENERATOR)


def gram(features: Tensor) -> Tensor:
    return features @ features.T


def test_a_network_that_has_not_moved_has_changed_by_nothing() -> None:
    start = mlp.init(6, 5, 10, [torch.Generator().manual_seed(seed) for seed in range(3)])
    found = columns(start, start, TRAIN.pixels, TRAIN.labels, 10)
    assert (found["weight_change"] == 0).all()
    for name in ("hidden_cka", "tangent_cka"):
        torch.testing.assert_close(found[name], torch.ones(3, dtype=torch.float64))
    torch.testing.assert_close(found["tangent_alignment"], found["tangent_alignment_start"])


def test_the_change_is_the_learning_distance_over_the_norm_at_the_start() -> None:
    fit = run([0, 1, 5])
    start = start_of(fit.net, [0, 1, 5])
    norm = torch.cat([p.double().flatten(1) for p in start.parameters()], 1).norm(dim=1)
    torch.testing.assert_close(relative_change(fit.net, start), fit.learning_distance / norm)
    assert (fit.learning_distance > 0).all()


def test_training_for_no_epoch_leaves_the_start() -> None:
    for depth in (1, 2):
        scales = (1.0,) * (depth + 1)
        fit = run([3, 4], epochs=0, depth=depth, lr_scale=scales, penalty_scale=scales)
        assert (relative_change(fit.net, start_of(fit.net, [3, 4])) == 0).all()


def test_a_layer_that_is_rotated_and_scaled_is_the_same_to_cka() -> None:
    rotation, _ = torch.linalg.qr(torch.randn(8, 8, generator=GENERATOR, dtype=torch.float64))
    assert float(alignment(gram(FEATURES), gram(3 * FEATURES @ rotation + 7))) == pytest.approx(1)
    stretched = FEATURES @ torch.diag(torch.arange(1, 9).double())
    assert float(alignment(gram(FEATURES), gram(stretched))) < 0.95


def test_cka_is_that_of_the_cross_covariances() -> None:
    """|Y^T X|^2 / (|X^T X| |Y^T Y|) of centred features (Kornblith et al. 2019, table 1)."""
    other = torch.relu(FEATURES[:, :5] + torch.randn(300, 5, generator=GENERATOR, dtype=torch.float64))
    x, y = FEATURES - FEATURES.mean(0), other - other.mean(0)
    exact = (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())
    torch.testing.assert_close(alignment(gram(FEATURES), gram(other)), exact)


def test_independent_features_have_little_in_common() -> None:
    other = torch.randn(300, 8, generator=GENERATOR, dtype=torch.float64)
    assert float(alignment(gram(FEATURES), gram(other))) < 0.05


def test_labels_are_aligned_with_themselves_and_not_with_others() -> None:
    kernel = label_kernel(LABELS, 4)
    assert float(alignment(kernel, kernel)) == pytest.approx(1)
    shuffled = LABELS[torch.randperm(300, generator=GENERATOR)]
    assert float(alignment(kernel, label_kernel(shuffled, 4))) < 0.05


def test_training_aligns_the_tangent_kernel_with_the_labels_it_is_given() -> None:
    fit = run([0, 1], 0.0, epochs=300, width=20)
    wrong = (TRAIN.labels + 1) % 10
    wrong[::2] = TRAIN.labels[::2]
    found = columns(fit.net, start_of(fit.net, [0, 1]), TRAIN.pixels, TRAIN.labels.expand(2, -1), 10, wrong)
    assert (found["tangent_alignment"] > found["tangent_alignment_start"]).all()
    assert (found["tangent_alignment"] > found["tangent_alignment_true"]).all()
    assert (found["tangent_cka"] < 0.99).all()
    assert {(name, values.dtype, values.shape) for name, values in found.items()} == {
        (name, torch.float64, (2,)) for name in found
    }


def test_dead_units_have_no_gram_matrix_to_compare() -> None:
    net = mlp.init(6, 5, 10, [torch.Generator().manual_seed(0)])
    dead = net._replace(layers=(net.layers[0]._replace(bias=net.layers[0].bias - 100), net.layers[1]))
    assert (hidden_gram(dead, TRAIN.pixels) == 0).all()
    found = columns(dead, net, TRAIN.pixels, TRAIN.labels, 10)
    assert found["hidden_cka"].isnan().all()
    assert found["tangent_alignment"].isnan().all()
