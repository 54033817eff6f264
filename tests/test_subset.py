"""The committed part of MNIST is what it says it is."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from stages import prepare
from stages.base import tensors
from stages.base.console import call
from stages.base.datasets import first_per_class
from stages.base.files import UserError
from stages.base.sources import committed
from stages.commands.subset import PER_CLASS, to_npz
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


@pytest.mark.parametrize("redraw", ["images", "all"])
def test_training_images_are_not_redrawn_from_it(redraw: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs would get the same ones."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("redraw: none", f"redraw: {redraw}"))
    about = {"dataset": "mnist", "largest": 255.0, "mean": 0.1307, "std": 0.3081, "subset": True}
    Path("raw").write_bytes(tensors.to_bytes(committed(ROOT / "data/mnist_subset.npz"), about))
    with pytest.raises(
        UserError, match=rf"^params.yaml: data.redraw: {redraw} draws from the whole training file of mni"
    ):
        call(prepare.main, "--raw", "raw", "--out", "data")
    assert not Path("data").exists()
