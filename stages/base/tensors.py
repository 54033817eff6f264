"""Arrays with a description as the bytes of a safetensors file, and back.

A file holds named arrays and one text, the description in JSON. The description includes a digest of itself and of
every array, so a changed byte is found on reading. Nothing here needs torch: a reader gets NumPy arrays.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

Array = NDArray[Any]
KEY = "about"  # the only key of the file's metadata: with one key the file has the same bytes every time


def digest(*parts: bytes) -> str:
    """SHA-256 of the parts in this order, in hexadecimal. The same bytes cut into other parts give another one."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def digest_of(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> str:
    """One name for these arrays and this description."""
    parts = [json.dumps(about, sort_keys=True).encode()]
    for name, array in sorted(arrays.items()):
        parts += [f"{name} {array.dtype.str} {array.shape}".encode(), np.ascontiguousarray(array).tobytes()]
    return digest(*parts)


def to_bytes(arrays: Mapping[str, Array], about: Mapping[str, Any]) -> bytes:
    """A whole safetensors file. `about` must be what JSON can hold; the same content gives the same bytes."""
    whole = {**about, "digest": digest_of(arrays, about)}
    solid = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(solid, {KEY: json.dumps(whole, sort_keys=True)})


def from_bytes(content: bytes) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the description, with its digest; ValueError says why these bytes are not an intact file."""
    try:
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        about = json.loads(header["__metadata__"][KEY])
        stated = about.pop("digest")
        arrays = load(content)
    except (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError):
        raise ValueError("it is damaged, or a file of another kind") from None
    if digest_of(arrays, about) != stated:
        raise ValueError("its content is not what its digest says")
    return arrays, {**about, "digest": stated}


def header(path: str | Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """The description and every array's shape, without reading the arrays and so without checking them.

    ValueError as of `from_bytes`; FileNotFoundError.
    """
    try:
        with safe_open(path, framework="np") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})[KEY])
            return about, {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, LookupError, TypeError):
        raise ValueError("it is damaged, or a file of another kind") from None
