"""Stage `download`: the images and labels of one data set, checked against the MD5 sums that were published for them.

The environment variable MNIST_MIRROR (FASHION_MNIST_MIRROR, KMNIST_MIRROR) names a folder or a web address that is
asked before all others. Where nobody gives MNIST, the 10,000 of its images that are committed here take its place, and
where somebody does, these are kept if they are enough. With data.name `file` they are those of data.path.
"""

from pathlib import Path

from stages.base import files, tensors
from stages.base.console import run
from stages.base.sources import ARCHIVES, SUBSET, images_of
from stages.training.options import OWN_IMAGES


def main(out: Path, archives: Path = ARCHIVES, subset: Path = SUBSET) -> None:
    data = files.read_params().data
    files.write(
        out, tensors.to_bytes(*images_of(data, "params.yaml: data.", data.redraw in OWN_IMAGES, archives, subset))
    )


if __name__ == "__main__":
    run(main)
