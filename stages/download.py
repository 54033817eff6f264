"""Stage `download`: all images and labels of one data set, checked against the MD5 sums that were published for them.

The environment variable MNIST_MIRROR (FASHION_MNIST_MIRROR, KMNIST_MIRROR) names a folder or a web address that is
asked before all others. Where nobody gives MNIST, the 10,000 of its images that are committed here take its place.
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from stages.base import files, tensors
from stages.base.console import console, run
from stages.base.datasets import SETS, Published
from stages.base.mirrors import NoMirrorError, published
from stages.base.tensors import Array

SUBSET_SHA256 = "08eea0d1c0e93be9637255a76a3217a4042dfb121c1ea35e29a3281e316a5978"  # of data/mnist_subset.npz


def committed(path: Path) -> dict[str, Array]:
    """The arrays of the committed part of MNIST; UserError: the file is missing or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise files.UserError(f"{path} is missing; to restore it: git checkout {path}") from None
    if hashlib.sha256(content).hexdigest() != SUBSET_SHA256:
        raise files.UserError(f"{path} is damaged or was changed; to restore it: git checkout {path}")
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def main(out: Path, archives: Path = Path("data/archives"), subset: Path = Path("data/mnist_subset.npz")) -> None:
    name = files.read_params().data.name
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
    about = {"dataset": name, "largest": float(largest), "mean": mean, "std": std, "subset": from_subset}
    files.write(out, tensors.to_bytes(arrays, about))


if __name__ == "__main__":
    run(main)
