"""The data that cells are trained on: normalised images, of which runs choose their training sets."""

from typing import Any

import numpy as np

from stages.base import tensors
from stages.base.datasets import CLASSES, first_per_class, normalise
from stages.base.files import UserError
from stages.base.params import Data
from stages.base.tensors import Array
from stages.training.options import OWN_IMAGES


def prepared(images: dict[str, Array], about: dict[str, Any], data: Data, where: str) -> bytes:
    """The file of the first so many images of each class, or where every run draws images of its own, of all of the
    training file's.

    Raise UserError, which begins with `where` the data's parameters stand, for more images than there are.
    """
    if data.redraw in OWN_IMAGES and about["subset"]:
        raise UserError(
            f"{where}redraw: {data.redraw} draws from the whole training file of {about['dataset']}, "
            "which no mirror gave; where there is network: dvc repro -f download"
        )
    scale = {name: about[name] for name in ("largest", "mean", "std")}
    arrays = {}
    for split, count in (("train", data.train_per_class), ("test", data.test_per_class)):
        labels = images[f"{split}_labels"]
        try:
            chosen = first_per_class(labels, count)
        except ValueError as error:
            why = f"in the {split} file of {about['dataset']} {error}"
            if about["subset"]:
                why = (
                    f"no mirror gave {about['dataset']}, and in the part of it that is committed here {error}; "
                    "where there is network: dvc repro -f download"
                )
            raise UserError(f"{where}{split}_per_class: {count} is too many: {why}") from None
        if split == "train" and data.redraw in OWN_IMAGES:
            chosen = np.arange(len(labels))
        arrays[f"{split}_pixels"] = normalise(images[f"{split}_images"][chosen], **scale)
        arrays[f"{split}_labels"] = labels[chosen].astype(np.int64)
    return tensors.to_bytes(arrays, {"dataset": about["dataset"], **scale, "classes": CLASSES})
