"""The data sets by name, which of their images are used, and as what numbers."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stages.base.tensors import Array

OWN_FOLDER = "data/own"  # the folder of somebody's own data, on which the stages that read them depend
CLASSES = 10  # of every set that has a name here
# the arrays of a set by name, each with the archive that holds it; the smallest archive first, as it is asked for first
ARCHIVES = {
    "test_labels": "t10k-labels-idx1-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "train_images": "train-images-idx3-ubyte.gz",
}
ROWS = 1000  # of a set that are in memory as float64 at the same time
DIGITS_TRAIN_PER_CLASS = 100  # of scikit-learn's digits, which come in one piece; the rest are for testing


class Published(NamedTuple):
    """A set in MNIST's format: addresses of folders that hold its four archives, and the archives' MD5 sums."""

    md5: tuple[str, str, str, str]  # in the order of ARCHIVES
    mirrors: tuple[str, ...]

    def md5_sums(self) -> dict[str, str]:
        """The MD5 sum of each archive, by the archive's name."""
        return dict(zip(ARCHIVES.values(), self.md5, strict=True))


class DataSet(NamedTuple):
    """Where a set comes from, and how its pixels become numbers of about zero mean and unit spread."""

    largest: float  # the pixel value that becomes 1
    mean: float  # of the training file's pixels after that
    std: float  # of the training file's pixels after that
    source: Published | Callable[[], dict[str, Array]]  # the function returns the arrays that ARCHIVES names


def digits() -> dict[str, Array]:
    """scikit-learn's digits, images (N, 8, 8) of values 0 to 16 and labels (N,), both uint8, in file order."""
    from sklearn.datasets import load_digits  # takes a second, which no other data set needs

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    train = np.zeros(len(labels), dtype=bool)
    train[first_per_class(labels, DIGITS_TRAIN_PER_CLASS)] = True
    return {
        "train_images": images[train],
        "train_labels": labels[train],
        "test_images": images[~train],
        "test_labels": labels[~train],
    }


MNIST = Published(
    md5=(
        "ec29112dd5afa0611ce80d1b7f02629c",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://raw.githubusercontent.com/fgnt/mnist/master/",
        "https://azureopendatastorage.blob.core.windows.net/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
)
FASHION_MNIST = Published(
    md5=(
        "bb300cfdad3c16e7a12a480ee83cd310",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    ),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
)
KMNIST = Published(
    md5=(
        "7320c461ea6c1c855c0b718fb2a4b134",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "bdb82020997e1d708af4cf47b453dcf7",
    ),
    mirrors=(
        "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
)
SETS = {
    "mnist": DataSet(255, 0.1307, 0.3081, MNIST),
    "fashion_mnist": DataSet(255, 0.2860, 0.3530, FASHION_MNIST),
    "kmnist": DataSet(255, 0.1918, 0.3483, KMNIST),
    "digits": DataSet(16, 0.3072, 0.3764, digits),
}


def from_idx(content: bytes) -> Array:
    """The array of unsigned bytes that an IDX file holds, read-only.

    The file begins with two zeros, the type (8: unsigned bytes) and the number of dimensions, each in one byte. The
    size of each dimension follows, as a big-endian number of four bytes, and then the values. ValueError: it does not.
    """
    if content[:3] != b"\0\0\x08" or len(content) < 4:
        raise ValueError("this is no IDX file of unsigned bytes")
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def first_per_class(labels: Array, count: int, names: Sequence[object] = range(CLASSES)) -> Array:
    """Indices of the first `count` images of class 0, then of class 1, ...

    `names` are what a message calls the classes. Raise ValueError, which names the smallest class, where one has fewer.
    """
    sizes = np.bincount(labels, minlength=len(names))
    if sizes.min() < count:
        raise ValueError(f"class {names[int(sizes.argmin())]} has {sizes.min()} images")
    return np.concatenate([np.flatnonzero(labels == label)[:count] for label in range(len(names))])


def last_per_class(labels: Array, count: int, names: Sequence[object]) -> Array:
    """Whether each image, (N,), is one of the last `count` of its class; ValueError where a class has fewer."""
    found = np.zeros(len(labels), dtype=bool)
    found[len(labels) - 1 - first_per_class(labels[::-1], count, names)] = True
    return found


def normalise(images: Array, largest: float, mean: float, std: float) -> Array:
    """Pixels (N, height, width), uint8, as (N, D) float32 of about zero mean and unit spread.

    `largest` is the pixel value that becomes 1, mean and std those of the training file's pixels after that. Every
    step is rounded to float32, as torch does it, so the values are the same to the bit.
    """
    pixels = images.reshape(len(images), -1).astype(np.float32)
    return (pixels / np.float32(largest) - np.float32(mean)) / np.float32(std)


def scale_of(values: Array, each: bool) -> tuple[Array, Array]:
    """Mean and standard deviation, float64, of values (N, ...): of all of them (), or of each of a row's (D,).

    Where all values are the same the standard deviation is exactly 0. Raise ValueError where all of them are the same
    everywhere, or where they are so large that they have no standard deviation.
    """
    rows = values.reshape(len(values), -1)
    axis = 0 if each else None
    count = len(rows) if each else rows.size
    parts = [rows[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.asarray(sum(part.sum(axis, dtype=np.float64) for part in parts) / count)
        squares = sum(np.square(part.astype(np.float64) - mean).sum(axis) for part in parts)
    if not (np.isfinite(mean).all() and np.isfinite(squares).all()):
        raise ValueError("values are so large that their standard deviation is no number")
    std = np.where(rows.min(axis) == rows.max(axis), 0.0, np.sqrt(np.asarray(squares) / count))
    if not std.any():
        raise ValueError(f"all {'rows' if each else 'pixels'} are the same, or nearly so")
    return mean, std


def standardised(values: Array, mean: Array, std: Array) -> Array:
    """Values (N, ...) as (N, D) float32, less the mean and divided by the standard deviation; see `scale_of`.

    What is constant becomes 0. Raise ValueError where a value lies so far out that it is no float32.
    """
    rows = values.reshape(len(values), -1)
    found = np.zeros(rows.shape, dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(rows), ROWS):
            centred = rows[start : start + ROWS].astype(np.float64) - mean
            np.divide(centred, std, out=centred, where=std > 0)
            found[start : start + ROWS] = np.where(std > 0, centred, 0.0)
    if not np.isfinite(found).all():
        raise ValueError("a value is more than 1e38 standard deviations from the mean")
    return found
