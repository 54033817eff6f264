"""Somebody's own data set: an .npz file of arrays, or a folder that holds a folder of images for each class.

Whatever is wrong with it is a ValueError that says where, and what it must be instead.
"""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.npyio import NpzFile

from stages.base.datasets import OWN_FOLDER
from stages.base.params import SHOWN
from stages.base.tensors import Array

MOST_CLASSES = 1000
KINDS = ("images", "features")  # an image's pixels share a mean and a spread; each feature has its own
PURPOSES = {"train": "training", "test": "testing"}
UNSEEN = "in which DVC sees no change; put the folder itself there"
MODES = {"L": "grey", "RGB": "colour"}  # of images that are taken, by Pillow's name
# what NumPy and zipfile raise for a file that is damaged, encrypted, packed in another way, or of another kind
UNREADABLE = (OSError, ValueError, EOFError, LookupError, RuntimeError, SyntaxError, zipfile.BadZipFile, zlib.error)
Part = tuple[Array, Array]  # values (N, ...) and labels (N,)


def read(path: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays {train,test}_images (N, ...) and {train,test}_labels (N,), and what is to be known of them.

    Features stand under the same names. Where training and test data are not told apart, all are under train_images and
    train_labels. A label is the place of its class in `classes`, the sorted names; `kind` is one of KINDS. Raise
    ValueError.
    """
    inside = [folder for folder in path.parents if Path(OWN_FOLDER) in folder.parents]
    if links := [folder for folder in inside if folder.is_symlink()]:
        raise ValueError(f"{links[0]} is a link to a folder, {UNSEEN}")
    if path.is_dir():
        kind, parts = "images", _of_folder(path)
    elif not path.exists():
        raise ValueError("is not there; put it there, or change the path or the name of the data")
    elif path.suffix == ".npz":
        kind, parts = _of_npz(path)
    else:
        raise ValueError("must be an .npz file or a folder")
    shapes = {split: values.shape[1:] for split, (values, _) in parts.items()}
    if len(set(shapes.values())) > 1:
        shown = " and ".join(f"{_by(shape)} for {PURPOSES[split]}" for split, shape in shapes.items())
        raise ValueError(f"the {kind} are {shown}; they must be of one shape")
    classes = _classes({split: labels for split, (_, labels) in parts.items()})
    arrays: dict[str, Array] = {}
    for split, (values, labels) in parts.items():
        arrays |= {f"{split}_images": values, f"{split}_labels": np.searchsorted(classes, labels)}
    return arrays, {"classes": [SHOWN.repr(name) for name in classes.tolist()], "kind": kind}


def described(arrays: dict[str, Array], about: dict[str, Any]) -> str:
    """What was read, such as "1,200 images of 8 x 8, 12 classes ('a' to 'l'), 60 to 140 of each"."""
    classes, size = about["classes"], _by(arrays["train_images"].shape[1:])
    what = f"images of {size}" if about["kind"] == "images" else f"rows of {size} features"
    labels = {split: arrays[f"{split}_labels"] for split in PURPOSES if f"{split}_labels" in arrays}
    counts = {split: _counted(own, len(classes)) for split, own in labels.items()}
    each = counts["train"]
    if "test" in counts:
        each = " and ".join(f"{count} for {PURPOSES[split]}" for split, count in counts.items())
    total = sum(map(len, labels.values()))
    return f"{total:,} {what}, {len(classes):,} classes ({classes[0]} to {classes[-1]}), {each}"


def _counted(labels: Array, classes: int) -> str:
    counts = np.bincount(labels, minlength=classes)
    least, most = counts.min(), counts.max()
    return f"{least:,} of each" if least == most else f"{least:,} to {most:,} of each"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(f"{size:,}" for size in shape)


def _classes(labels: dict[str, Array]) -> Array:
    """The distinct labels for training, ascending; labels for testing must be among them."""
    classes = np.unique(labels["train"])
    if not 2 <= len(classes) <= MOST_CLASSES:
        raise ValueError(f"has {len(classes):,} different labels for training; from 2 to {MOST_CLASSES:,} are possible")
    of_test = labels.get("test", classes)
    if of_test.dtype.kind != classes.dtype.kind:
        raise ValueError("labels for training and for testing must both be whole numbers, or both text")
    if len(unknown := np.setdiff1d(of_test, classes)):
        raise ValueError(f"label {SHOWN.repr(unknown[:1].tolist()[0])} is there for testing and not for training")
    return classes


def _of_npz(path: Path) -> tuple[str, dict[str, Part]]:
    arrays = _arrays(path)
    for kind in KINDS:
        for prefixes in ({"train": ""}, {"train": "train_", "test": "test_"}):
            names = {split: (f"{prefix}{kind}", f"{prefix}labels") for split, prefix in prefixes.items()}
            if arrays.keys() == {name for pair in names.values() for name in pair}:
                return kind, {split: _checked(arrays, *pair) for split, pair in names.items()}
    raise ValueError(
        f"holds {SHOWN.repr(sorted(arrays))}; it must hold labels and images (or features), or all of train_labels, "
        "test_labels, train_images and test_images (or train_features and test_features)"
    )


def _arrays(path: Path) -> dict[str, Array]:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, NpzFile):
            with file:
                return {name: np.asarray(file[name]) for name in file.files}
    except UNREADABLE as error:
        why = " ".join(str(error).split())[:100]
        raise ValueError(f"cannot be read ({why}); write it with numpy.savez, of numbers and text alone") from None
    raise ValueError("holds a single array without a name; write it with numpy.savez")


def _checked(arrays: dict[str, Array], name: str, of_labels: str) -> Part:
    """The values, in a type that holds them without loss or float64, and their labels as int64 or text."""
    values, labels = arrays[name], arrays[of_labels]
    if labels.ndim != 1 or labels.dtype.kind not in "biuU":
        raise ValueError(
            f"{of_labels} is of type {labels.dtype} and shape {labels.shape}; it must be one column of whole numbers "
            "or text, as .astype(int) or .astype(str) makes them"
        )
    if values.ndim < 2 or values.dtype.kind not in "biuf" or not values.size:
        raise ValueError(
            f"{name} is of type {values.dtype} and shape {values.shape}; it must be numbers with a row for each label"
        )
    if len(values) != len(labels):
        raise ValueError(f"{name} has {len(values):,} rows, and {of_labels} has {len(labels):,}")
    if values.dtype not in (np.uint8, np.float32):
        values = values.astype(np.float64)
    if values.dtype.kind == "f" and not (finite := np.isfinite(values).reshape(len(values), -1).all(1)).all():
        raise ValueError(f"row {finite.argmin():,} of {name} is not finite; every value must be a number")
    if labels.dtype.kind == "u" and labels.size and labels.max() > np.iinfo(np.int64).max:
        raise ValueError(f"{of_labels} holds {labels.max()}; labels must be under 2**63")
    return values, labels if labels.dtype.kind == "U" else labels.astype(np.int64)


def _of_folder(path: Path) -> dict[str, Part]:
    folders = _inside(path)
    if {folder.name for folder in folders} == set(PURPOSES):
        return {folder.name: _images(_inside(folder)) for folder in reversed(folders)}
    return {"train": _images(folders)}


def _images(classes: list[Path]) -> Part:
    """Images (N, height, width) or (N, height, width, 3), uint8, by class and name, and their folders' names (N,)."""
    paths = [file for folder in classes for file in _inside(folder)]
    if not paths:
        raise ValueError("holds no images; it must hold a folder of images for each class")
    if empty := [folder for folder in classes if not _inside(folder)]:
        raise ValueError(f"{empty[0]} holds no images; every folder in it is a class")
    values, first = [], ""
    for path in paths:
        image, what = _image(path)
        first = first or what
        if what != first:
            raise ValueError(f"{path} is {what}, and {paths[0]} is {first}; they must be of one size and kind")
        values.append(image)
    return np.stack(values), np.array([path.parent.name for path in paths])


def _inside(folder: Path) -> list[Path]:
    """What a folder holds, by name, without hidden files."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; images must be in a folder for each class")
    if folder.is_symlink():
        raise ValueError(f"{folder} is a link to a folder, {UNSEEN}")
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _image(path: Path) -> tuple[Array, str]:
    """The pixels, and the size and kind in words."""
    from PIL import Image  # a tenth of a second, which no other data set needs

    if path.is_dir():
        raise ValueError(f"{path} is a folder; a class's folder must hold images alone")
    try:
        with Image.open(path) as image:
            pixels, mode = np.array(image), image.mode
    except (*UNREADABLE, Image.DecompressionBombError) as error:
        why = " ".join(str(error).split())[:100]
        raise ValueError(f"{path} cannot be read as an image ({why}); take it out, or write it anew") from None
    if mode not in MODES:
        raise ValueError(f"{path} is of Pillow's mode {mode}; it must be grey (L) or colour (RGB)")
    return pixels, f"{_by(pixels.shape[:2])} in {MODES[mode]}"
