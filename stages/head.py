"""Stage `head@WIDTH`: other last layers on a trained cell's hidden layer, and on random features and principal
components of the same dimension."""

import argparse
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import torch

from stages.base import files
from stages.base.console import console, run
from stages.base.machine import refuse_too_large, threads
from stages.linear.heads import MEASURED, Features, hidden, measure, memory_of_heads, principal, random_relu
from stages.statistic.tables import to_csv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)  # so that the numbers do not depend on the cores
    params = files.read_params()
    config = params.head
    data = files.read_tensors(args.data, "dvc repro -f prepare", "train_pixels")
    cell = files.read_tensors(args.cell, "dvc repro", "made_from")
    width, seeds = cell["made_from"]["width"], range(min(config.seeds, len(cell["w1"])))
    pixels = data["train_pixels"], data["test_pixels"]

    common = {"dataset": data["dataset"], "alpha": cell["made_from"]["alpha"], "width": width}
    trained = [seed for seed in seeds if not cell["diverged"][seed]] if "trained" in config.features else []
    own = [
        {"features": "trained", "dimension": width, "seed": seed, "head": "own", "strength": 0.0}
        | {error: float(cell[error][-1, seed]) for error in ("test_error", "train_error")}
        for seed in trained
    ]
    made: dict[str, Callable[[int, torch.Tensor], torch.Tensor]] = {
        "trained": lambda seed, part: hidden(cell["w1"][seed], cell["b1"][seed], part),
        "random": lambda seed, part: random_relu(width, seed, part),
    }

    def on(name: str, seed: int) -> list[dict[str, Any]]:
        parts = principal(*pixels, width) if name == "pca" else [made[name](seed, part) for part in pixels]
        features = Features.of(*parts)
        if not features.train.isfinite().all():
            return []  # a network on its way to divergence
        measured = measure(features, data["train_labels"], data["test_labels"], config.strength)
        return [{"features": name, "dimension": features.train.shape[1], "seed": seed, **row} for row in measured]

    todo = [("trained", seed) for seed in trained]
    todo += [("random", seed) for seed in seeds] * ("random" in config.features)
    todo += [("pca", 0)] * ("pca" in config.features)
    needed = memory_of_heads(width, len(pixels[0]) + len(pixels[1])) if todo else 0
    refuse_too_large(f"heads on {width} features", "a smaller width", needed)
    with ThreadPoolExecutor(threads(needed)) as pool:
        done = pool.map(lambda one: on(*one), todo)
    rows = [{**common, **row} for part in (own, *done) for row in part]
    columns = [*common, "features", "dimension", "seed", *MEASURED]
    files.write(args.out, to_csv(pd.DataFrame(rows, columns=columns)))
    on_what = ", ".join(dict.fromkeys(row["features"] for row in rows))
    console.print(f"width {width}: {len(rows)} heads{' on ' * bool(rows)}{on_what}")


if __name__ == "__main__":
    run(main)
