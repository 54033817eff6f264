"""A file of arrays says what was written, or that it is damaged: whatever happens to its bytes."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from stages.base.tensors import digest, from_bytes, header, to_bytes

ARRAYS: dict[str, Any] = {
    "w1": np.arange(600, dtype=np.float32).reshape(2, 3, 100),
    "epochs": np.arange(7),
    "diverged": np.array([False, True]),
    "none": np.zeros((0, 3)),
}
ABOUT: dict[str, Any] = {
    "width": 5,
    "alpha": 0.1,
    "train": {"penalty": "l1", "penalty_scale": [1.0, 1.0], "stop": None},
}
FILE = to_bytes(ARRAYS, ABOUT)
HEADER = int.from_bytes(FILE[:8], "little") + 8


def same(content: bytes) -> bool:
    arrays, about = from_bytes(content)
    alike = [
        np.array_equal(arrays[name], array) and arrays[name].dtype == array.dtype for name, array in ARRAYS.items()
    ]
    return arrays.keys() == ARRAYS.keys() and all(alike) and {**about, "digest": 0} == {**ABOUT, "digest": 0}


def test_what_was_written_comes_back_and_the_same_content_is_the_same_bytes() -> None:
    assert same(FILE)
    turned = {name: ARRAYS[name] for name in reversed(ARRAYS)}
    assert to_bytes(turned, dict(reversed(ABOUT.items()))) == FILE
    assert to_bytes({"x": np.arange(6).reshape(2, 3).T}, {}) == to_bytes({"x": np.array([[0, 3], [1, 4], [2, 5]])}, {})


def found_or_the_same(content: bytes) -> None:
    try:
        assert same(content)
    except ValueError as error:
        assert "\n" not in str(error)


def test_a_changed_bit_of_the_header_is_found_or_changes_nothing() -> None:
    for place in range(HEADER):
        for bit in range(8):
            found_or_the_same(FILE[:place] + bytes([FILE[place] ^ (1 << bit)]) + FILE[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.integers(HEADER, len(FILE) - 1), st.integers(1, 255))
def test_a_changed_byte_of_an_array_is_found(place: int, flip: int) -> None:
    with pytest.raises(ValueError, match=r"^its content is not what its digest says$"):
        from_bytes(FILE[:place] + bytes([FILE[place] ^ flip]) + FILE[place + 1 :])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 200))
def test_a_file_cut_anywhere_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        from_bytes(FILE[:start])
    found_or_the_same(FILE[:start] + FILE[start + length :])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_other_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        from_bytes(content)


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "trapped"),)

    deep = b"[" * 100_000
    for content in (
        pickle.dumps({"w1": Trap()}),
        save({"x": np.zeros(1)}),  # without a description
        save({"x": np.zeros(1)}, {"about": "no JSON"}),
        save({"x": np.zeros(1)}, {"about": "[]"}),
        save({"x": np.zeros(1)}, {"about": json.dumps({"no": "digest"})}),
        len(deep).to_bytes(8, "little") + deep,
        (2**63).to_bytes(8, "little"),
    ):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            from_bytes(content)
    assert not (tmp_path / "trapped").exists()


def test_a_header_tells_the_description_and_the_shapes_of_a_file_and_refuses_what_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILE)
    about, shapes = header(path)
    assert about == from_bytes(FILE)[1]
    assert shapes == {name: array.shape for name, array in ARRAYS.items()}
    for content in (b"", FILE[:100], pickle.dumps(1), save({"x": np.zeros(1)}), FILE[:-1]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="damaged, or a file of another kind"):
            header(path)
    with pytest.raises(FileNotFoundError):
        header(tmp_path / "none")


def test_a_digest_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
