"""Tensors as bytes and back, and what tells bytes apart."""

import hashlib
import io
import zipfile
from typing import Any

import torch


def to_bytes(content: dict[str, Any]) -> bytes:
    """The same bytes for the same content, whatever the file will be called."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def from_bytes(content: bytes) -> dict[str, Any]:
    """Tensors and plain values only: a pickle that would run code is refused, and a changed byte is found by the
    archive's checksums, which `torch.load` does not look at; ValueError says what is wrong."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            damaged = archive.testzip()
            # torch.save sets none; for one that says "folder" torch.load returns memory that nothing was written to
            attributes = [entry.filename for entry in archive.infolist() if entry.external_attr]
        if damaged or attributes:
            raise ValueError(f"the checksum or the attributes of {damaged or attributes[0]} are wrong")
        loaded = torch.load(io.BytesIO(content), weights_only=True)
    except Exception as error:  # of many kinds, with pages of advice
        raise ValueError((str(error).strip().splitlines() or [type(error).__name__])[0][:100]) from None
    if not isinstance(loaded, dict):
        raise ValueError("not a table of tensors")
    return loaded


def digest(*parts: bytes) -> str:
    """One name for these bytes in this order."""
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
