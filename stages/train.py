"""Stage `train@WIDTH-ALPHA`: all seeds of one cell in one batched run, into one file.

The environment variable SDD_DEVICE (cpu, the default, or cuda) says where; the file records it.
"""

import argparse
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from stages import files
from stages.console import console, run
from stages.core.fit import Images, fit
from stages.core.params import Train

# every local module that decides what a cell's file holds
CODE = [
    "stages/train.py",
    "stages/core/fit.py",
    "stages/core/mlp.py",
    "stages/core/params.py",
    "stages/core/penalty.py",
]


def device_from_environment() -> torch.device:
    name = os.environ.get("SDD_DEVICE", "cpu")
    if name not in ("cpu", "cuda"):
        raise files.UserError(f"SDD_DEVICE={name}: must be cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise files.UserError("SDD_DEVICE=cuda: this torch finds no CUDA device; unset SDD_DEVICE to use the CPU")
    return torch.device(name)


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def code_digest() -> str:
    root = Path(__file__).parent.parent
    return digest(*((root / path).read_bytes() for path in CODE))


def train_cell(
    data: bytes, width: int, alpha: float, config: Train, report: Callable[[int, Tensor, Tensor], None]
) -> bytes:
    """The bytes of a cell's file: a function of the arguments, this code, torch and the device's type alone."""
    torch.set_num_threads(1)  # so that the bytes do not depend on the number of cores
    device = device_from_environment()
    content = files.tensors_from_bytes(data)
    train, test = (
        Images(content[f"{split}_pixels"].to(device), content[f"{split}_labels"].to(device))
        for split in ("train", "test")
    )
    seeds = range(config.seeds)
    result = fit(train, test, width=width, alpha=float(alpha), config=config, seeds=seeds, report=report)
    made_from: dict[str, Any] = {
        "width": width,
        "alpha": float(alpha),
        "train": config.model_dump(),
        "data": digest(data),
        "code": code_digest(),
        "torch": str(torch.__version__),  # a plain string: what is loaded holds no classes
        "device": device.type,
    }
    return files.tensors_to_bytes(
        {
            "made_from": made_from,
            "dataset": content["dataset"],
            "learning_distance": result.learning_distance,
            "diverged": result.diverged,
            **result.curves._asdict(),
            **result.net._asdict(),
        }
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    config = files.read_params().train
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"width {args.width} alpha {args.alpha:g}", total=config.epochs, state="")

        def report(epoch: int, loss: Tensor, error: Tensor) -> None:
            state = f"epoch {epoch}/{config.epochs} training loss {loss.mean():.4g} test error {error.mean():.4f}"
            progress.update(task, completed=epoch, state=state)
            if epoch == config.epochs and not console.is_terminal:
                console.print(f"width {args.width} alpha {args.alpha:g}: {state}, {config.seeds} seeds")

        files.write(args.out, train_cell(Path(args.data).read_bytes(), args.width, args.alpha, config, report))


if __name__ == "__main__":
    run(main)
