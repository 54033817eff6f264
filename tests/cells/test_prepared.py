"""Which images of a data set are asked for."""

from typing import Any

import pytest

from stages.base import tensors
from stages.base.files import UserError
from stages.base.params import Data
from stages.base.sources import images_of
from stages.cells.prepared import permutation, prepared


def digits(where: str = "", **counts: Any) -> bytes:
    """The first images of each class of scikit-learn's digits, ten of either split but for the counts."""
    options = {"train_per_class": 10, "test_per_class": 10, "label_noise": 0.0, "redraw": "none", "seed": 0, **counts}
    data = Data.model_validate({"name": "digits", "path": None, "permute": False, **options})
    return prepared(*images_of(data, where, False), data, where)


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        (
            {"train_per_class": 101},
            "train_per_class: 101 is too many: in the train file of digits class 0 has 100 images",
        ),
        ({"test_per_class": 78}, "test_per_class: 78 is too many: in the test file of digits class 8 has 74 images"),
    ],
)
def test_more_images_than_there_are_get_one_line_with_the_number_there_is(counts: dict[str, int], said: str) -> None:
    with pytest.raises(UserError) as error:
        digits("params.yaml: data.", **counts)
    assert str(error.value) == f"params.yaml: data.{said}"


def test_all_images_that_every_class_has_may_be_asked_for() -> None:
    arrays, _ = tensors.from_bytes(digits(train_per_class=100, test_per_class=74))
    assert (len(arrays["train_labels"]), len(arrays["test_labels"])) == (1000, 740)


def test_permuted_images_are_the_same_with_all_pixels_in_one_other_order() -> None:
    plain, permuted = (tensors.from_bytes(digits(permute=permute))[0] for permute in (False, True))
    order = permutation(64)
    assert sorted(order.tolist()) == list(range(64))
    assert order.tolist() != list(range(64))
    for part in ("train", "test"):
        assert (permuted[f"{part}_pixels"] == plain[f"{part}_pixels"][:, order]).all()
        assert (permuted[f"{part}_labels"] == plain[f"{part}_labels"]).all()
