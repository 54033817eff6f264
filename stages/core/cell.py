"""One cell, a width and an alpha: from the prepared data's bytes to the bytes of the cell's file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from stages.core import tensors
from stages.core.fit import Images, fit
from stages.core.params import Train
from stages.core.tensors import digest

# every module that decides what a cell's file holds
CODE = ["cell.py", "fit.py", "mlp.py", "params.py", "penalty.py", "tensors.py"]


def maker(device: str) -> dict[str, str]:
    """What, besides data and parameters, decides a cell's bytes: this code, torch, the device's type."""
    code = digest(*((Path(__file__).parent / name).read_bytes() for name in CODE))
    # a plain string: what is loaded with the file holds no classes
    return {"code": code, "torch": str(torch.__version__), "device": device}


def made_from(data: str, width: int, alpha: float, config: Train, by: dict[str, str]) -> dict[str, Any]:
    """A cell's fingerprint: all that its bytes are a function of. `data` is the digest of the prepared data's file."""
    return {"width": width, "alpha": float(alpha), "train": config.model_dump(), "data": data, **by}


def train_cell(
    data: bytes,
    width: int,
    alpha: float,
    config: Train,
    device: str = "cpu",
    report: Callable[[int, Tensor, Tensor], None] = lambda epoch, loss, error: None,
) -> bytes:
    """Train all seeds of a cell; its file holds the fingerprint, the curves, and the networks of the last epoch."""
    torch.set_num_threads(1)  # so that the bytes do not depend on the number of cores
    content = tensors.from_bytes(data)
    train, test = (
        Images(content[f"{split}_pixels"].to(device), content[f"{split}_labels"].to(device))
        for split in ("train", "test")
    )
    seeds = range(config.seeds)
    result = fit(train, test, width=width, alpha=float(alpha), config=config, seeds=seeds, report=report)
    return tensors.to_bytes(
        {
            "made_from": made_from(digest(data), width, alpha, config, maker(device)),
            "dataset": content["dataset"],
            "learning_distance": result.learning_distance,
            "diverged": result.diverged,
            **result.curves._asdict(),
            **result.net._asdict(),
        }
    )
