"""Stage `prune@METHOD-RETRAINING`: all seeds of one cell of the pruning study in one batched run, into one file.

The environment variable SDD_DEVICE (cpu, the default, or cuda) says where; the file records it.
"""

import argparse
from pathlib import Path

from torch import Tensor

from stages.base import files
from stages.base.console import console, device_from_environment, run
from stages.base.machine import refuse_too_large
from stages.cells.pruning_cell import memory_needed, train_cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", required=True)
    parser.add_argument("--retraining", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    config = files.read_prune_params().prune
    cell = {"method": args.method, "retraining": args.retraining}
    pixels = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")["train_pixels"]
    needed = memory_needed(cell, config, *pixels.shape)
    refuse_too_large(f"width {config.width}, {config.seeds} seeds", "fewer prune.seeds or a smaller width", needed)

    def report(level: int, row: dict[str, Tensor]) -> None:
        density, train, test = (float(row[name].mean()) for name in ("density", "train_error", "test_error"))
        where = f"{args.method}, {args.retraining}: round {level} of {config.levels}"
        console.print(f"{where}, {density:.2%} of the weights, training error {train:.4f}, test error {test:.4f}")

    try:
        made = train_cells(Path(args.data).read_bytes(), [cell], config, device_from_environment(), report)
    except ValueError as error:
        raise files.UserError(str(error)) from None
    files.write(args.out, made[0])


if __name__ == "__main__":
    run(main)
