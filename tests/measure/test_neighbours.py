"""Where wrong labels live in the hidden layer."""

import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from stages.measure.activations import Activations
from stages.measure.neighbours import columns, majority, nearest_places

GENERATOR = torch.Generator().manual_seed(0)
TRUE = torch.arange(200) % 4
NOISY = torch.where(torch.arange(200) % 5 == 0, (TRUE + 1) % 4, TRUE)
DIRECTIONS = torch.eye(4) + 0.01  # one a class


def trained(*hidden: Tensor) -> Activations:
    return Activations((torch.stack(hidden),), torch.zeros(len(hidden), len(hidden[0]), 4))


def test_images_that_lie_with_their_true_class_have_it_around_them_and_those_with_the_given_one_not() -> None:
    noise = 0.01 * torch.rand(200, 4, generator=GENERATOR)
    found = columns(trained(DIRECTIONS[TRUE] + noise, DIRECTIONS[NOISY] + noise), NOISY, TRUE)
    for count in (1, 5, 10):
        assert found[f"true_among_{count}_nearest"].tolist() == [1.0, 0.0]


def test_in_a_layer_that_knows_nothing_the_true_class_is_there_by_chance() -> None:
    layers = [torch.rand(200, 30, generator=GENERATOR) for _ in range(50)]
    found = columns(trained(*layers), NOISY, TRUE)
    for values in found.values():
        assert values.mean() == pytest.approx(0.25, abs=0.05)


def test_neighbours_are_those_of_scikit_learn() -> None:
    queries, points = torch.rand(30, 8, generator=GENERATOR), torch.rand(100, 8, generator=GENERATOR)
    expected = NearestNeighbors(n_neighbors=10, metric="cosine").fit(points.numpy())
    places = expected.kneighbors(queries.numpy(), return_distance=False)
    assert nearest_places(queries, points, 10).tolist() == places.tolist()


def test_length_does_not_make_an_image_nearer() -> None:
    points = torch.tensor([[100.0, 0.0], [0.0, 0.001]])
    assert nearest_places(torch.tensor([[1.0, 2.0]]), points, 2).tolist() == [[1, 0]]


def test_the_majority_wins_and_of_equals_the_nearest() -> None:
    neighbours = torch.tensor([[3, 1, 1, 0, 2], [3, 1, 1, 3, 0], [1, 3, 3, 1, 0], [0, 2, 3, 1, 4]])
    assert majority(neighbours, 5).tolist() == [1, 3, 1, 0]
    assert majority(torch.tensor([[0] * 4 + [1] * 5 + [2]]), 3).tolist() == [1]


def test_without_wrong_labels_there_is_nothing_to_ask_and_with_few_right_ones_only_of_few_neighbours() -> None:
    hidden = torch.rand(200, 4, generator=GENERATOR)
    assert all(value.isnan() for value in columns(trained(hidden), TRUE, TRUE).values())
    six_right = torch.where(torch.arange(200) < 6, TRUE, (TRUE + 1) % 4)
    assert [value.isfinite().item() for value in columns(trained(hidden), six_right, TRUE).values()] == [
        True,
        True,
        False,
    ]
