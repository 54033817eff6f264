"""Where a data set's images come from: a mirror, scikit-learn, somebody's own file, or for MNIST the part of it that is
committed here."""

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np

from stages.base import own
from stages.base.console import console
from stages.base.datasets import CLASSES, SETS, Published
from stages.base.files import UserError
from stages.base.mirrors import NoMirrorError, published
from stages.base.params import Data
from stages.base.tensors import Array

SUBSET_SHA256 = "08eea0d1c0e93be9637255a76a3217a4042dfb121c1ea35e29a3281e316a5978"  # of data/mnist_subset.npz
ARCHIVES, SUBSET = Path("data/archives"), Path("data/mnist_subset.npz")


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
    data: Data, where: str, archives: Path = ARCHIVES, subset: Path = SUBSET
) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays that datasets.ARCHIVES names, and what is to be known of them.

    Where nobody gives MNIST, the 10,000 of its images that are committed here take its place, and `subset` is true. Of
    somebody's own data there may be no arrays for testing, and there is no `mean`; see `own.read`. Raise UserError,
    which of own data begins with `where` the data's parameters stand.
    """
    if data.name == "file":
        return _own(data, where)
    name = data.name
    largest, mean, std, source = SETS[name]
    from_subset = False
    if not isinstance(source, Published):
        arrays = source()
    else:
        try:
            arrays = published(name, source, archives)
        except NoMirrorError:
            if name != "mnist":
                raise
            arrays, from_subset = committed(subset), True
            console.print(
                f"No mirror gave MNIST, so {subset} takes its place: the first 500 images of each class, of the "
                "training and of the test file, which are all that the paper's grid needs. To try again later: dvc "
                "repro -f download",
                markup=False,
            )
    scale = {"largest": float(largest), "mean": mean, "std": std}
    classes = [str(label) for label in range(CLASSES)]
    return arrays, {"dataset": name, **scale, "classes": classes, "kind": "images", "subset": from_subset}


def _own(data: Data, where: str) -> tuple[dict[str, Array], dict[str, Any]]:
    path = Path(data.path or "")
    try:
        arrays, about = own.read(path)
    except ValueError as error:
        raise UserError(f"{where}path: {path}: {error}") from None
    console.print(f"{path}: {own.described(arrays, about)}", markup=False)
    return arrays, {"dataset": data.dataset, **about, "subset": False}
