"""The data that cells are trained on: normalised images, of which runs choose their training sets."""

from collections.abc import Callable
from typing import Any

import numpy as np

from stages.base import tensors
from stages.base.datasets import first_per_class, last_per_class, normalise, scale_of, standardised
from stages.base.files import UserError
from stages.base.params import Data
from stages.base.tensors import Array
from stages.training.options import OWN_IMAGES


def prepared(images: dict[str, Array], about: dict[str, Any], data: Data, where: str) -> bytes:
    """The file of the first so many images of each class, or where every run draws images of its own, of all of the
    training file's.

    Where own data do not say which are for testing, the last data.test_per_class of each class are. Raise UserError,
    which begins with `where` the data's parameters stand, for more images than there are, and for data that are all the
    same.
    """
    besides = ""
    if "test_labels" not in images:
        images, besides = _told_apart(images, about, data, where), f", besides the {data.test_per_class} for testing"
    chosen = _chosen(images, about, data, where, besides)
    arrays: dict[str, Array] = {}
    scale: dict[str, float] = {name: about[name] for name in ("largest", "mean", "std") if name in about}
    try:
        as_numbers = _as_numbers(images["train_images"], about["kind"], scale)
        for split, places in chosen.items():
            pixels = as_numbers(images[f"{split}_images"][places])
            arrays[f"{split}_pixels"] = pixels[:, permutation(pixels.shape[1])] if data.permute else pixels
            arrays[f"{split}_labels"] = images[f"{split}_labels"][places].astype(np.int64)
    except ValueError as error:
        raise UserError(f"{where}path: {data.path}: {error}; take other data") from None
    return tensors.to_bytes(arrays, {"dataset": about["dataset"], **scale, "classes": len(about["classes"])})


def permutation(inputs: int) -> Array:
    """The one order of so many pixels in which permuted images show them, (D,)."""
    return np.random.default_rng(0).permutation(inputs)


def _told_apart(images: dict[str, Array], about: dict[str, Any], data: Data, where: str) -> dict[str, Array]:
    """The same with the last data.test_per_class images of each class under the names of testing."""
    values, labels = images["train_images"], images["train_labels"]
    try:
        tests = last_per_class(labels, data.test_per_class, about["classes"])
    except ValueError as error:
        why = f"in {data.path} {error}"
        raise UserError(f"{where}test_per_class: {data.test_per_class} is too many: {why}") from None
    return {
        "train_images": values[~tests],
        "train_labels": labels[~tests],
        "test_images": values[tests],
        "test_labels": labels[tests],
    }


def _chosen(images: dict[str, Array], about: dict[str, Any], data: Data, where: str, besides: str) -> dict[str, Array]:
    """The places of the images that are taken, by split; `besides` is said after the count of those that are there."""
    chosen = {}
    for split, count in (("train", data.train_per_class), ("test", data.test_per_class)):
        try:
            chosen[split] = first_per_class(images[f"{split}_labels"], count, about["classes"])
        except ValueError as error:
            why = f"in the {split} file of {about['dataset']} {error}"
            if data.name == "file":
                why = f"in {data.path} {error} for {split}ing{besides}"
            raise UserError(f"{where}{split}_per_class: {count} is too many: {why}") from None
        if split == "train" and data.redraw in OWN_IMAGES:
            chosen[split] = np.arange(len(images["train_labels"]))
    return chosen


def _as_numbers(training: Array, kind: str, scale: dict[str, float]) -> Callable[[Array], Array]:
    """What makes images (N, ...) the numbers (N, D) that networks take: by the published scale, or by that of the
    training images. Raise ValueError where these have none."""
    if scale:
        return lambda values: normalise(values, **scale)
    mean, std = scale_of(training, each=kind == "features")
    return lambda values: standardised(values, mean, std)
