"""Stage `prepare`: the normalised images of which cells choose their training sets, and are tested on, in one file.

They are the first so many of each class, or where every run draws images of its own, all of the training file's.
"""

from pathlib import Path

import numpy as np

from stages.base import files, tensors
from stages.base.console import run
from stages.base.datasets import CLASSES, first_per_class, normalise
from stages.training.options import OWN_IMAGES


def main(raw: Path, out: Path) -> None:
    data = files.read_params().data
    images, about = files.read_tensors(raw, "dvc repro -f download", "train_images")
    if data.redraw in OWN_IMAGES and about["subset"]:
        raise files.UserError(
            f"params.yaml: data.redraw: {data.redraw} draws from the whole training file of {about['dataset']}, "
            "which no mirror gave; where there is network: dvc repro -f download"
        )

    scale = {name: about[name] for name in ("largest", "mean", "std")}
    prepared = {}
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
            raise files.UserError(f"params.yaml: data.{split}_per_class: {count} is too many: {why}") from None
        if split == "train" and data.redraw in OWN_IMAGES:
            chosen = np.arange(len(labels))
        prepared[f"{split}_pixels"] = normalise(images[f"{split}_images"][chosen], **scale)
        prepared[f"{split}_labels"] = labels[chosen].astype(np.int64)
    description = {"dataset": about["dataset"], **scale, "classes": CLASSES}
    files.write(out, tensors.to_bytes(prepared, description))


if __name__ == "__main__":
    run(main)
