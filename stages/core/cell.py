"""Cells, a width and an alpha each: from the prepared data's bytes to the bytes of the cell's file."""

from collections.abc import Callable, Sequence
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


def code_on_disk() -> str:
    return digest(*((Path(__file__).parent / name).read_bytes() for name in CODE))


LOADED = code_on_disk()  # what this process runs, even where the files change while it does


def maker(device: str) -> dict[str, str]:
    """What, besides data and parameters, decides a cell's bytes: the code loaded, torch, the device's type."""
    # a plain string: what is loaded with the file holds no classes
    return {"code": LOADED, "torch": str(torch.__version__), "device": device}


def made_from(data: str, width: int, alpha: float, config: Train, by: dict[str, str]) -> dict[str, Any]:
    """A cell's fingerprint: all that its bytes are a function of. `data` is the digest of the prepared data's file."""
    return {"width": width, "alpha": float(alpha), "train": config.model_dump(), "data": data, **by}


def train_cells(
    data: bytes,
    width: int,
    alphas: Sequence[float],
    config: Train,
    device: str = "cpu",
    report: Callable[[int, Tensor, Tensor], None] = lambda epoch, loss, error: None,
) -> list[bytes]:
    """Train all seeds of the width's cells in one batched run; a file each: fingerprint, curves, final networks."""
    torch.set_num_threads(1)  # so that the bytes do not depend on the number of cores
    content = tensors.from_bytes(data)
    train, test = (
        Images(content[f"{split}_pixels"].to(device), content[f"{split}_labels"].to(device))
        for split in ("train", "test")
    )
    runs = [(float(alpha), seed) for alpha in alphas for seed in range(config.seeds)]
    of_runs, seeds = zip(*runs, strict=True)
    whole = fit(train, test, width=width, alphas=of_runs, seeds=seeds, config=config, report=report)
    cells = []
    for i, alpha in enumerate(alphas):
        result = whole.part(slice(i * config.seeds, (i + 1) * config.seeds)) if len(alphas) > 1 else whole
        cells.append(
            tensors.to_bytes(
                {
                    "made_from": made_from(digest(data), width, alpha, config, maker(device)),
                    "dataset": content["dataset"],
                    "stopped": result.stopped,
                    "learning_distance": result.learning_distance,
                    "diverged": result.diverged,
                    **result.curves._asdict(),
                    **result.net._asdict(),
                }
            )
        )
    return cells
