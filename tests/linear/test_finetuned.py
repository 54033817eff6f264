"""Last layers on the features that a cell of fine-tuned networks keeps."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from stages.linear.finetuned import features_of, swept
from stages.linear.refit import Row
from stages.training.images import Images
from stages.training.runs import Arrays
from stages.training.sets import generator, with_noise

RNG = np.random.default_rng(0)
CLASSES, DIMENSION, RUNS = 3, 120, 2
LABELS, TEST_LABELS = (RNG.integers(0, CLASSES, n) for n in (90, 300))
PARTS = {"train": LABELS, "test": TEST_LABELS}
CENTRES = RNG.standard_normal((CLASSES, DIMENSION)) / 4


def features(labels: NDArray[np.int64]) -> NDArray[np.float16]:
    drawn = RNG.standard_normal((RUNS, len(labels), DIMENSION)) + CENTRES[labels]
    drawn[:, :, 7] = 1.5  # a unit that is constant
    return drawn.astype(np.float16)


CELL: Arrays = {
    "train_features": features(LABELS),
    "test_features": features(TEST_LABELS),
    "train_error": np.array([0.1, 0.2]),
    "test_error": np.array([0.3, 0.4]),
}
TRAIN = Images(torch.zeros(90, 1), torch.from_numpy(LABELS))
TRUE = torch.from_numpy(TEST_LABELS)


def rows(run: int = 1, ridges: tuple[float, ...] = (0.0,)) -> dict[tuple[int, float], Row]:
    found = swept(CELL, run, TRAIN, TRUE, CLASSES, [10, 20, 39, 40, 41, 80, 119, 120], ridges, images=40)
    return {(row["features"], row["ridge"]): row for row in found}


def test_with_as_many_features_as_images_every_image_is_fitted_at_the_greatest_test_loss() -> None:
    by_count = rows()
    for (p, _), row in by_count.items():
        assert (row["train_loss"] < 1e-20) == (p >= 40)
        assert row["p_eff_train"] == pytest.approx(min(p, 40))
        if p >= 40:
            assert row["train_error"] == 0.0
    losses = {p: row["test_loss"] for (p, _), row in by_count.items()}
    assert max(losses, key=losses.__getitem__) in (39, 40, 41)
    assert max(losses.values()) > 10 * max(losses[10], losses[119])
    errors = {p: row["test_error"] for (p, _), row in by_count.items()}
    assert errors[40] > max(errors[10], errors[119])


def test_a_constant_feature_is_none() -> None:
    assert {p for p, _ in rows()} == {10, 20, 39, 40, 41, 80, 119}


def test_a_ridge_takes_the_peak_away() -> None:
    by_count = rows(ridges=(0.0, 10.0))
    assert by_count[40, 10.0]["test_loss"] < by_count[40, 0.0]["test_loss"] / 10


def test_the_images_are_drawn_apart_from_the_wrong_labels() -> None:
    noisy = with_noise(torch.from_numpy(LABELS), 1 / 3, generator(0), CLASSES)
    train = Images(TRAIN.pixels, noisy)
    exact: Arrays = {f"{part}_features": np.eye(CLASSES)[[labels]] for part, labels in PARTS.items()}
    (row,) = swept(exact, 0, train, TRUE, CLASSES, [CLASSES], [0.0], images=30)
    assert row["test_error"] == 0.0
    assert 0.1 < row["train_error"] < 0.6


def test_a_run_has_the_same_rows_every_time_and_another_has_others() -> None:
    assert rows(1) == rows(1)
    assert rows(0)[20, 0.0]["test_loss"] != rows(1)[20, 0.0]["test_loss"]


def test_a_strong_ridge_predicts_by_correlation() -> None:
    """Where the ridge is strong, the prediction is x X'Y over the ridge: the loss is that of predicting nothing."""
    strong = rows(ridges=(1e12,))[119, 1e12]
    assert strong["test_loss"] == pytest.approx(1 - 1 / CLASSES)


def test_features_have_mean_zero_and_variance_one_on_the_training_set() -> None:
    x = features_of(CELL, 1).train
    assert x.mean(0).abs().max() < 1e-5
    varying = torch.arange(DIMENSION) != 7
    torch.testing.assert_close(x[:, varying].var(0, correction=0), torch.ones(DIMENSION - 1))


def test_a_diverged_run_is_not_swept() -> None:
    diverged = CELL | {"train_features": np.full_like(CELL["train_features"], np.inf)}
    assert swept(diverged, 0, TRAIN, TRUE, CLASSES, [10], [0.0], images=40) == []
