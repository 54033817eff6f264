"""Whole files in, whole files out: parameters, tensors, and the error that a person gets for a bad one."""

import io
import os
import tempfile
from pathlib import Path
from typing import Any

from stages.core.params import Params, ParamsError, parse


class UserError(Exception):
    """What was wrong, where, and what to do, in one line."""


def read_params(path: str = "params.yaml") -> Params:
    try:
        return parse(Path(path).read_text(encoding="utf-8"))
    except ParamsError as error:
        raise UserError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text: {error}") from None


def write(path: str | Path, content: bytes) -> None:
    """Write the file whole or not at all, its folder included; what a kill leaves, git and DVC ignore."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".partial", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def tensors_to_bytes(content: dict[str, Any]) -> bytes:
    """The same bytes for the same content, whatever the file will be called."""
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def tensors_from_bytes(content: bytes) -> dict[str, Any]:
    """Tensors and plain values only: a pickle that would run code is refused."""
    import torch

    loaded = torch.load(io.BytesIO(content), weights_only=True)
    if not isinstance(loaded, dict):
        raise ValueError("not a table of tensors")
    return loaded


def read_tensors(path: str | Path, remedy: str) -> dict[str, Any]:
    """As `tensors_from_bytes`; UserError names the file and the command that mends it."""
    try:
        return tensors_from_bytes(Path(path).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} is missing; to make it: {remedy}") from None
    except OSError:
        raise
    except Exception as error:  # torch.load raises many kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path} cannot be read ({reason[:100]}); to make it anew: {remedy}") from None
