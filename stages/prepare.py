"""Stage `prepare`: the class-balanced, normalised images that every cell trains and is tested on, in one file."""

from pathlib import Path

import numpy as np

from stages.base import files, tensors
from stages.base.console import run
from stages.base.datasets import CLASSES, first_per_class, normalise


def main(raw: Path, out: Path) -> None:
    data = files.read_params().data
    images, about = files.read_tensors(raw, "dvc repro -f download", "train_images")

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
        prepared[f"{split}_pixels"] = normalise(images[f"{split}_images"][chosen], **scale)
        prepared[f"{split}_labels"] = labels[chosen].astype(np.int64)
    if data.label_noise:
        import torch  # takes seconds, which the paper's grid does not need here

        from stages.training.labels import with_noise

        true = torch.from_numpy(prepared["train_labels"])
        prepared["train_labels"] = with_noise(true, data.label_noise, data.seed, CLASSES).numpy()
    description = {"dataset": about["dataset"], "label_noise": data.label_noise, **scale, "classes": CLASSES}
    files.write(out, tensors.to_bytes(prepared, description))


if __name__ == "__main__":
    run(main)
