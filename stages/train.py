"""Stage `train@WIDTH-ALPHA`: all seeds of one cell in one batched run, into one file.

The environment variable SDD_DEVICE (cpu, the default, or cuda) says where; the file records it.
"""

import argparse
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor

from stages.base import files
from stages.base.console import console, device_from_environment, run
from stages.base.machine import refuse_too_large
from stages.cells.cell import memory_needed, train_cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--width", type=int, required=True)
    parser.add_argument("--alpha", type=float, required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    config = files.read_params().train
    cell = {"width": args.width, "alpha": args.alpha}
    pixels = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")["train_pixels"]
    needed = memory_needed(cell, config, *pixels.shape)
    refuse_too_large(f"width {args.width}, {config.seeds} seeds", "fewer train.seeds or a smaller width", needed)
    device = device_from_environment()
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"width {args.width} alpha {args.alpha:g}", total=config.epochs, state="")

        def report(epoch: int, loss: Tensor, error: Tensor) -> None:
            state = f"epoch {epoch}/{config.epochs} training loss {loss.mean():.4g} test error {error.mean():.4f}"
            progress.update(task, completed=epoch, state=state)
            if epoch == config.epochs and not console.is_terminal:
                console.print(f"width {args.width} alpha {args.alpha:g}: {state}, {config.seeds} seeds")

        files.write(args.out, train_cells(Path(args.data).read_bytes(), [cell], config, device, report)[0])


if __name__ == "__main__":
    run(main)
