"""A file of tensors says what was written, or that it is damaged: whatever happens to its bytes."""

import io
import os
import pickle
import tempfile
import zipfile
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.tensors import digest, from_bytes, to_bytes

CONTENT: dict[str, Any] = {
    "made_from": {"width": 5, "alpha": 0.1, "train": {"penalty": "l1", "penalty_scale": [1.0, 1.0]}},
    "w1": torch.arange(600, dtype=torch.float32).view(2, 3, 100),
    "epochs": torch.arange(7),
    "diverged": torch.tensor([False, True]),
}
FILE = to_bytes(CONTENT)
TRAPPED = os.path.join(tempfile.mkdtemp(), "trapped")


def same(found: dict[str, Any]) -> bool:
    def equal(a: Any, b: Any) -> bool:
        return torch.equal(a, b) if isinstance(b, torch.Tensor) else bool(a == b)

    return list(found) == list(CONTENT) and all(equal(found[key], value) for key, value in CONTENT.items())


def test_what_was_written_comes_back_and_the_same_content_is_the_same_bytes() -> None:
    assert same(from_bytes(FILE))
    assert to_bytes(CONTENT) == FILE


def found_or_the_same(place: int, flip: int) -> None:
    damaged = bytearray(FILE)
    damaged[place] ^= flip
    try:
        found = from_bytes(bytes(damaged))
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert same(found), (place, flip)


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_changed_byte_anywhere_is_found_or_changes_nothing(place: int, flip: int) -> None:
    found_or_the_same(place, flip)


def test_a_changed_bit_of_the_archives_directory_is_found_or_changes_nothing() -> None:
    """Every one of them: no checksum covers the directory."""
    directory = FILE.index(b"PK\x01\x02")
    for place in range(directory, len(FILE)):
        for bit in range(8):
            found_or_the_same(place, 1 << bit)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(FILE) - 1), st.integers(0, 200))
def test_a_file_cut_anywhere_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        from_bytes(FILE[:start])
    if length:
        try:
            assert same(from_bytes(FILE[:start] + FILE[start + length :]))
        except ValueError as error:
            assert "\n" not in str(error)


class Trap:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (TRAPPED,)


def test_a_pickle_that_would_run_code_is_refused() -> None:
    evil = io.BytesIO()
    torch.save({"w1": Trap()}, evil)
    for content in (evil.getvalue(), pickle.dumps(Trap()), pickle.dumps({"w1": Trap()})):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            from_bytes(content)
    assert not os.path.exists(TRAPPED)


def test_an_archive_of_other_things_is_refused() -> None:
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("../../outside", "x")
    for content in (b"", b"text", other.getvalue(), to_bytes({})[:-1]):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            from_bytes(content)
    numbers = io.BytesIO()
    torch.save([1, 2], numbers)
    with pytest.raises(ValueError, match="not a table of tensors"):
        from_bytes(numbers.getvalue())


def test_a_digest_tells_where_one_part_ends_and_the_next_begins() -> None:
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
