"""Cells of the grid, {"width": int, "alpha": float}: from the prepared data's bytes to the bytes of the cell's file."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from stages.base import tensors
from stages.base.params import Train
from stages.cells.provenance import code_digest, made_from, maker
from stages.training.fit import Images, fit, memory_of_fit

# every module that decides what a cell's file holds
CODE = ["cell.py", "fit.py", "mlp.py", "params.py", "penalty.py", "provenance.py", "tensors.py"]
Config = Train
LOADED = code_digest(CODE)  # what this process runs, even where the files change while it does


def cell(options: dict[str, str]) -> dict[str, Any]:
    """The cell that a stage's command line asks for."""
    return {"width": int(options["width"]), "alpha": float(options["alpha"])}


def side_by_side(cells: list[dict[str, Any]], device: str) -> list[list[dict[str, Any]]]:
    """Groups to be trained as one batch, the longest first: on a CPU every cell, on a GPU all cells of a width."""
    if device == "cpu":
        return [[one] for one in sorted(cells, key=lambda one: -one["width"])]
    widths = sorted({one["width"] for one in cells}, reverse=True)
    return [[one for one in cells if one["width"] == width] for width in widths]


def memory_needed(cell: dict[str, Any], config: Train, images: int, inputs: int) -> int:
    """Bytes, on so many training images of `inputs` pixels."""
    return memory_of_fit(cell["width"], config.seeds, config.batch_size, images, inputs)


def images(content: dict[str, Any], device: str) -> tuple[Images, Images]:
    """The training and the test images of the prepared data."""
    train, test = (
        Images(content[f"{split}_pixels"].to(device), content[f"{split}_labels"].to(device))
        for split in ("train", "test")
    )
    return train, test


def train_cells(
    data: bytes,
    cells: list[dict[str, Any]],
    config: Train,
    device: str = "cpu",
    report: Callable[[int, Tensor, Tensor], None] = lambda epoch, loss, error: None,
) -> list[bytes]:
    """Train all seeds of cells of one width in one batched run; a file each: fingerprint, curves, final networks."""
    torch.set_num_threads(1)  # so that the bytes do not depend on the number of cores
    content = tensors.from_bytes(data)
    train, test = images(content, device)
    runs = [(one["alpha"], seed) for one in cells for seed in range(config.seeds)]
    of_runs, seeds = zip(*runs, strict=True)
    whole = fit(train, test, width=cells[0]["width"], alphas=of_runs, seeds=seeds, config=config, report=report)
    made = []
    for i, one in enumerate(cells):
        result = whole.part(slice(i * config.seeds, (i + 1) * config.seeds)) if len(cells) > 1 else whole
        made.append(
            tensors.to_bytes(
                {
                    "made_from": made_from(one, "train", config, tensors.digest(data), maker(LOADED, device)),
                    "dataset": content["dataset"],
                    "stopped": result.stopped,
                    "learning_distance": result.learning_distance,
                    "diverged": result.diverged,
                    **result.curves._asdict(),
                    **result.net._asdict(),
                }
            )
        )
    return made
