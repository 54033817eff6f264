"""The store keeps finished cells as whole files, as ccache keeps compiled ones; and parts of cells that are at work.

It may be deleted at any time and shared by several people. Nothing needs it to be right: a cell whose file is not
there, or is not intact, or states another fingerprint, is trained anew.
"""

import math
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from stages.base import files, tensors
from stages.base.checkout import checkout
from stages.base.console import console
from stages.base.files import UserError
from stages.cells.cell import digest_of

NAME = re.compile(r"[0-9a-f]{64}(-\d+-\d+)?\.safetensors(\w+\.partial)?")  # a kill leaves partial ones
SIZE_GIB = 8.0  # the oldest files go beyond it, unless SDD_STORE_GIB says another size


def folder() -> Path:
    """SDD_STORE, or .dvc/tmp/cells of the checkout, which experiments that DVC runs in folders below .dvc share."""
    return checkout() / Path(os.environ.get("SDD_STORE") or ".dvc/tmp/cells").expanduser()


def path_of(fingerprint: dict[str, Any], part: range | None) -> Path:
    """Where the cell's file lies, or that of the part with these of its seeds."""
    seeds = "" if part is None else f"-{part.start}-{part.stop}"
    return folder() / f"{digest_of(fingerprint)}{seeds}.safetensors"


def get(fingerprint: dict[str, Any], part: range | None = None) -> bytes | None:
    """The file of the cell, or of a part of it, checked; or None."""
    path = path_of(fingerprint, part)
    try:
        content = path.read_bytes()
        _, about = tensors.from_bytes(content)
    except (OSError, ValueError):
        return None
    if {key: value for key, value in about.items() if key != "digest"} != described(fingerprint, part):
        return None
    with suppress(OSError):
        os.utime(path)  # the files that were used last are kept longest
    return content


def described(fingerprint: dict[str, Any], part: range | None = None) -> dict[str, Any]:
    """What stands in the file of the cell, or of the part with these of its seeds."""
    return fingerprint if part is None else {**fingerprint, "part": [part.start, part.stop]}


def put(fingerprint: dict[str, Any], content: bytes, part: range | None = None) -> bool:
    """Keep the file of the cell, or of a part of it.

    False if the store cannot be written, which is said in a line and does no other harm.
    """
    try:
        files.write(path_of(fingerprint, part), content)
    except UserError as error:
        console.print(f"the store keeps nothing new: {error}", markup=False)
        return False
    return True


def drop_parts(fingerprint: dict[str, Any]) -> None:
    """Keep the parts of that cell no longer, if there are any.

    A part that another process is about to write stays. Where a kill left one half-written, `trim` drops it in time.
    """
    for path in folder().glob(f"{digest_of(fingerprint)}-*.safetensors"):
        with suppress(OSError):
            path.unlink()


def size_allowed() -> float:
    """Bytes that the store may take; UserError if SDD_STORE_GIB is no such number."""
    text = os.environ.get("SDD_STORE_GIB") or str(SIZE_GIB)
    try:
        most = float(text) * 2**30
    except ValueError:
        most = math.nan
    if not most >= 0:
        raise UserError(f"SDD_STORE_GIB={text}: must be a number of GiB, such as 8")
    return most


def trim(most: float) -> None:
    """Drop the files that were used longest ago, until the store takes no more than so many bytes."""
    found = []
    with suppress(OSError):
        for path in folder().iterdir():
            if NAME.fullmatch(path.name):
                with suppress(OSError):  # another process may just have dropped it
                    status = path.stat()
                    found.append((status.st_mtime, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            break
        with suppress(OSError):
            path.unlink()
        total -= size
