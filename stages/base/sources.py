"""Where a data set's images come from: a mirror, scikit-learn, somebody's own file, or for MNIST the part of it that is
committed here."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from stages.base import own
from stages.base.checkout import checkout
from stages.base.console import console
from stages.base.datasets import CLASSES, SETS, Published, first_per_class
from stages.base.files import UserError
from stages.base.mirrors import NoMirrorError, published
from stages.base.params import Data
from stages.base.tensors import Array

SUBSET_SHA256 = "08eea0d1c0e93be9637255a76a3217a4042dfb121c1ea35e29a3281e316a5978"  # of data/mnist_subset.npz
ARCHIVES, SUBSET = Path("data/archives"), Path("data/mnist_subset.npz")


SUBSET_PER_CLASS = 500  # images of each class in it, of the training and of the test file


def part_of(whole: dict[str, Array]) -> dict[str, Array]:
    """The first SUBSET_PER_CLASS images and labels of each class, in file order class by class, as uint8."""
    chosen = {split: first_per_class(whole[f"{split}_labels"], SUBSET_PER_CLASS) for split in ("train", "test")}
    return {name: whole[name][chosen[name.split("_")[0]]] for name in sorted(whole)}


def too_much(data: Data, whole: bool) -> str:
    """Which of the data's parameters asks for more of MNIST than the committed part of it; nothing where none does."""
    if whole:
        return f"redraw: {data.redraw} draws from the whole training file of mnist"
    for split, count in (("train", data.train_per_class), ("test", data.test_per_class)):
        if count > SUBSET_PER_CLASS:
            return f"{split}_per_class: {count} is more than the {SUBSET_PER_CLASS} images of a class in {SUBSET}"
    return ""


def committed(path: Path) -> dict[str, Array]:
    """The arrays of the committed part of MNIST; UserError: the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; to restore it: git checkout {path}") from None
    if hashlib.sha256(content).hexdigest() != SUBSET_SHA256:
        raise UserError(f"{path} is damaged or was changed; to restore it: git checkout {path}")
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def images_of(
    data: Data, where: str, whole: bool, archives: Path = ARCHIVES, subset: Path = SUBSET
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays that datasets.ARCHIVES names, and what is to be known of them.

    Of MNIST they are the 10,000 images that are committed here where these are enough, wherever they come from, so that
    nothing depends on whether there was network. Archives that were fetched are kept in `archives`, below the
    checkout, whose experiments share them. `whole` says that all of the training file is wanted. Of somebody's
    own data there may be no arrays for testing, and there is no `mean`; see `own.read`. Raise UserError, which begins
    with `where` the data's parameters stand.
    """
    if data.name == "file":
        return _own(data, where)
    name = data.name
    largest, mean, std, source = SETS[name]
    if not isinstance(source, Published):
        arrays = source()
    else:
        try:
            arrays = published(name, source, checkout() / archives)
        except NoMirrorError as error:
            if name != "mnist":
                raise
            if why := too_much(data, whole):
                raise UserError(f"{where}{why}, and {error}") from None
            arrays = committed(subset)
            console.print(
                f"No mirror gave MNIST, so {subset} takes its place: the first {SUBSET_PER_CLASS} images of each "
                "class, of the training and of the test file, which are all that is asked for.",
                markup=False,
            )
        else:
            if name == "mnist" and not too_much(data, whole):
                arrays = part_of(arrays)
    scale = {"largest": float(largest), "mean": mean, "std": std}
    classes = [str(label) for label in range(CLASSES)]
    return arrays, {"dataset": name, **scale, "classes": classes, "kind": "images"}


def _own(data: Data, where: str) -> tuple[dict[str, Array], dict[str, Any]]:
    path = Path(data.path or "")
    try:
        arrays, about = own.read(path)
    except ValueError as error:
        raise UserError(f"{where}path: {path}: {error}") from None
    console.print(f"{path}: {own.described(arrays, about)}", markup=False)
    return arrays, {"dataset": data.dataset, **about}
