"""Stage `prepare`: the class-balanced, normalised subset that every cell trains and is tested on, in one file."""

import argparse

import torch

from stages.base import files, tensors
from stages.base.console import run
from stages.base.datasets import first_per_class, normalise, with_noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    data = files.read_params().data
    arrays, about = files.read_tensors(args.raw, "dvc repro -f download", "train_images")
    raw = {name: torch.from_numpy(array) for name, array in arrays.items()}

    scale = {name: about[name] for name in ("largest", "mean", "std")}
    subset = {}
    for split, count in (("train", data.train_per_class), ("test", data.test_per_class)):
        try:
            chosen = first_per_class(raw[f"{split}_labels"], count)
        except ValueError as error:
            raise files.UserError(
                f"params.yaml: data.{split}_per_class: {count} is too many: in the {split} file of {data.name} {error}"
            ) from None
        subset[f"{split}_pixels"] = normalise(raw[f"{split}_images"][chosen], **scale)
        subset[f"{split}_labels"] = raw[f"{split}_labels"][chosen].long()
    subset["train_labels"] = with_noise(subset["train_labels"], data.label_noise, data.seed)
    made = {name: tensor.numpy() for name, tensor in subset.items()}
    about = {"dataset": data.name, "label_noise": data.label_noise, **scale, "classes": 10}
    files.write(args.out, tensors.to_bytes(made, about))


if __name__ == "__main__":
    run(main)
