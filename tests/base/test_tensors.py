"""A file of arrays says what was written, or that it is damaged: whatever happens to its bytes."""

import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.tensors import Array, digest, from_bytes, header, to_bytes

ARRAYS: dict[str, Array] = {
    "w1": np.arange(600, dtype=np.float32).reshape(2, 3, 100),
    "epochs": np.arange(7),
    "diverged": np.array([False, True]),
    "turned": np.arange(6.0).reshape(2, 3).T,  # not in the order in which a file holds it
}
ABOUT: dict[str, Any] = {"width": 5, "alpha": 0.1, "train": {"penalty": "l1", "penalty_scale": [1.0, 1.0]}}
FILE = to_bytes(ARRAYS, ABOUT)
HEADER = 8 + int.from_bytes(FILE[:8], "little")  # bytes before the arrays
TRAPPED = os.path.join(tempfile.mkdtemp(), "trapped")


def same(found: tuple[dict[str, Array], dict[str, Any]]) -> bool:
    arrays, about = found
    alike = [
        np.array_equal(arrays[name], array) and arrays[name].dtype == array.dtype for name, array in ARRAYS.items()
    ]
    return set(arrays) == set(ARRAYS) and all(alike) and about == {**ABOUT, "digest": about["digest"]}


def test_what_was_written_comes_back_and_the_same_content_is_the_same_bytes() -> None:
    assert same(from_bytes(FILE))
    assert to_bytes(dict(reversed(ARRAYS.items())), dict(reversed(ABOUT.items()))) == FILE
    command = "import sys; from tests.base.test_tensors import FILE; sys.stdout.buffer.write(FILE)"
    environment = {**os.environ, "PYTHONHASHSEED": "1"}  # of the order of sets
    assert subprocess.run([sys.executable, "-c", command], env=environment, stdout=subprocess.PIPE).stdout == FILE


def test_a_files_header_tells_its_description_and_shapes_without_its_arrays(tmp_path: Path) -> None:
    (tmp_path / "whole").write_bytes(FILE)
    about, shapes = header(tmp_path / "whole")
    assert about == from_bytes(FILE)[1]
    assert shapes == {name: array.shape for name, array in ARRAYS.items()}
    for content in (b"", b"text", FILE[:HEADER]):
        (tmp_path / "cut").write_bytes(content)
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            header(tmp_path / "cut")


def found_or_the_same(content: bytes) -> None:
    try:
        found = from_bytes(content)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert same(found)


def flipped(place: int, bits: int) -> bytes:
    return FILE[:place] + bytes([FILE[place] ^ bits]) + FILE[place + 1 :]


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_found_or_changes_nothing(place: int, bits: int) -> None:
    found_or_the_same(flipped(place, bits))


def test_a_changed_bit_of_the_header_is_found_or_changes_nothing() -> None:
    for place in range(HEADER):
        for bit in range(8):
            found_or_the_same(flipped(place, 1 << bit))


def test_a_changed_bit_of_an_array_is_found() -> None:
    for place in range(HEADER, len(FILE), 50):
        with pytest.raises(ValueError, match="its content is not what its digest says"):
            from_bytes(flipped(place, 1))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(0, 200))
def test_a_file_cut_anywhere_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        from_bytes(FILE[:start])
    if length:
        found_or_the_same(FILE[:start] + FILE[start + length :])


class Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (TRAPPED,)


def test_a_pickle_that_would_run_code_is_refused() -> None:
    evil = io.BytesIO()
    torch.save({"w1": Trap()}, evil)
    for content in (evil.getvalue(), pickle.dumps(Trap()), pickle.dumps({"w1": Trap()})):
        with pytest.raises(ValueError, match="it is damaged, or a file of another kind"):
            from_bytes(content)
    assert not os.path.exists(TRAPPED)


def test_a_file_of_another_kind_is_refused() -> None:
    other, numbers = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("../../outside", "x")
    np.savez(numbers, w1=ARRAYS["w1"])
    for content in (b"", b"text", other.getvalue(), numbers.getvalue(), FILE[:-1], FILE + b"\0"):
        with pytest.raises(ValueError, match="it is damaged, or a file of another kind"):
            from_bytes(content)


def test_a_digest_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
