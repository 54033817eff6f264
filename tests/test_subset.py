"""The committed part of MNIST is what it says it is."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stages.base import sources
from stages.base.datasets import first_per_class
from stages.base.files import UserError
from stages.base.mirrors import NoMirrorError
from stages.base.params import parse
from stages.base.sources import SUBSET_PER_CLASS as PER_CLASS
from stages.base.sources import committed, images_of
from stages.commands.subset import to_npz
from tests.official import OFFICIAL, needs_official
from tests.workspace import ROOT

COMMITTED = ROOT / "data/mnist_subset.npz"


def test_it_holds_the_papers_images_class_by_class() -> None:
    arrays = committed(COMMITTED)
    for split in ("train", "test"):
        labels, images = arrays[f"{split}_labels"], arrays[f"{split}_images"]
        assert labels.tolist() == [label for label in range(10) for _ in range(PER_CLASS)]
        assert images.shape == (5000, 28, 28)
        assert images.dtype == labels.dtype == np.uint8
        assert first_per_class(labels, PER_CLASS).tolist() == list(range(5000))


@needs_official
def test_the_command_makes_it_from_the_official_files(tmp_path: Path) -> None:
    out = tmp_path / "made.npz"
    command = [sys.executable, "-m", "stages.commands.subset", "--archives", str(tmp_path), "--out", str(out)]
    env = {**os.environ, "MNIST_MIRROR": str(OFFICIAL)}
    told = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout
    assert told.startswith(f"{out}: {out.stat().st_size:,} bytes, SHA-256 ")
    with zipfile.ZipFile(out) as made, zipfile.ZipFile(COMMITTED) as committed:  # another zlib packs the same otherwise
        assert made.namelist() == committed.namelist()
        for member in made.infolist():
            assert made.read(member) == committed.read(member.filename)
            assert member.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_same_arrays_are_packed_to_the_same_bytes() -> None:
    arrays = dict(np.load(io.BytesIO(COMMITTED.read_bytes())))
    assert to_npz(arrays) == to_npz(arrays)


def test_its_licence_lies_beside_it() -> None:
    text = (ROOT / "data/README.md").read_text()
    assert "mnist_subset.npz" in text
    assert "creativecommons.org/licenses/by-sa/3.0/" in text


@pytest.mark.parametrize(
    ("asked", "whole", "why"),
    [
        ({"redraw": "images"}, True, "redraw: images draws from the whole training file of mnist"),
        ({"train_per_class": 501}, False, "train_per_class: 501 is more than the 500 images of a class in data/mni"),
        ({"test_per_class": 501}, False, "test_per_class: 501 is more than the 500 images of a class in data/mni"),
    ],
)
def test_without_network_more_than_it_holds_cannot_be_had(
    asked: dict[str, Any], whole: bool, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object) -> None:
        raise NoMirrorError("no mirror gave it")

    monkeypatch.setattr(sources, "published", nowhere)
    data = parse((ROOT / "params.yaml").read_text()).data.model_copy(update=asked)
    with pytest.raises(UserError, match=rf"^here: {why}.*, and no mirror gave it$"):
        images_of(data, "here: ", whole, tmp_path, COMMITTED)


@needs_official
def test_the_same_images_come_with_and_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_MIRROR", str(OFFICIAL))
    data = parse((ROOT / "params.yaml").read_text()).data
    (arrays, about), (without, _) = images_of(data, "", False, tmp_path), (committed(COMMITTED), None)
    assert about["dataset"] == "mnist"
    assert arrays.keys() == without.keys()
    for name, array in arrays.items():
        assert array.dtype == without[name].dtype
        assert (array == without[name]).all()
    whole, _ = images_of(data.model_copy(update={"train_per_class": 501}), "", False, tmp_path)
    assert len(whole["train_labels"]) == 60_000
