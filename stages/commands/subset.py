"""The committed part of MNIST made anew from the official archives: python -m stages.commands.subset

It holds the first 500 images of each class, of the training and of the test file: the paper's. The archives come as in
the stage `download`. Where the file's bytes change, its digest in stages/base/sources.py has to change with them.
"""

import hashlib
import io
from pathlib import Path

import numpy as np

from stages.base import files
from stages.base.console import run
from stages.base.datasets import MNIST
from stages.base.mirrors import published
from stages.base.sources import part_of
from stages.base.tensors import Array


def to_npz(arrays: dict[str, Array]) -> bytes:
    """A whole .npz file. The same arrays give the same bytes, as far as zlib is the same."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def main(archives: Path = Path("data/archives"), out: Path = Path("data/mnist_subset.npz")) -> None:
    content = to_npz(part_of(published("mnist", MNIST, archives)))
    files.write(out, content)
    print(f"{out}: {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    run(main)
