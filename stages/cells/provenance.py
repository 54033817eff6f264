"""What a cell's file is a function of, as the file states it: code, data, parameters, torch, the device's type."""

from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from stages.base.tensors import digest


def code_digest(names: list[str]) -> str:
    """Of these modules of the core, as they are on disk now."""
    return digest(*((Path(__file__).parent / name).read_bytes() for name in names))


def maker(code: str, device: str) -> dict[str, str]:
    """What, besides data and parameters, decides a cell's bytes; `code` is the digest of what was loaded."""
    # a plain string: what is loaded with the file holds no classes
    return {"code": code, "torch": str(torch.__version__), "device": device}


def made_from(cell: dict[str, Any], group: str, config: BaseModel, data: str, by: dict[str, str]) -> dict[str, Any]:
    """A cell's fingerprint. `cell` is what tells it from the others, `group` the config's name in params.yaml, `data`
    the digest of the prepared data's file."""
    return {**cell, group: config.model_dump(), "data": data, **by}
