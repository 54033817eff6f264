"""Cells of the pruning study, {"method": str, "retraining": str}: from the prepared data's bytes to the file's."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from stages.base import tensors
from stages.base.datasets import with_noise
from stages.base.params import Prune
from stages.cells.cell import images
from stages.cells.provenance import code_digest, made_from, maker
from stages.training.fit import memory_of_fit
from stages.training.pruning import prune

# every module that decides what a cell's file holds
CODE = [
    *("cell.py", "datasets.py", "fit.py", "mlp.py", "params.py", "penalty.py"),
    *("provenance.py", "pruning.py", "pruning_cell.py", "sparsity.py", "tensors.py"),
]
Config = Prune
LOADED = code_digest(CODE)  # what this process runs, even where the files change while it does
NOISE_SEED = 0


def cell(options: dict[str, str]) -> dict[str, Any]:
    """The cell that a stage's command line asks for."""
    return {"method": options["method"], "retraining": options["retraining"]}


def side_by_side(cells: list[dict[str, Any]], device: str) -> list[list[dict[str, Any]]]:
    """Groups to be trained as one batch: every cell by itself."""
    return [[one] for one in cells]


def memory_needed(cell: dict[str, Any], config: Prune, images: int, inputs: int) -> int:
    """Bytes, on so many training images of `inputs` pixels."""
    return memory_of_fit(config.width, config.seeds, config.batch_size, images, inputs)


def train_cells(
    data: bytes,
    cells: list[dict[str, Any]],
    config: Prune,
    device: str = "cpu",
    report: Callable[[int, dict[str, Tensor]], None] = lambda level, row: None,
) -> list[bytes]:
    """Prune and retrain all seeds of each cell in one batched run; a file each: fingerprint, measures at every level.

    The labels get their noise here, so that the study shares the prepared data with the grid.
    """
    torch.set_num_threads(1)  # so that the bytes do not depend on the number of cores
    content = tensors.from_bytes(data)
    train, test = images(content, device)
    if content["label_noise"]:
        raise ValueError("the prepared data have noisy labels already; the pruning study needs data.label_noise 0.0")
    noisy = with_noise(content["train_labels"], config.label_noise, NOISE_SEED).to(device)
    wrong, train = noisy != train.labels, train._replace(labels=noisy)
    made = []
    for one in cells:
        fingerprint = made_from(one, "prune", config, tensors.digest(data), maker(LOADED, device))
        measures = prune(train, test, wrong, **one, config=config, report=report)
        made.append(tensors.to_bytes({"made_from": fingerprint, "dataset": content["dataset"], **measures}))
    return made
