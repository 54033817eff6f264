"""Made-up results of every size."""

from typing import Any

import numpy as np
import pandas as pd

from stages.base.params import Params, parse
from stages.statistic.guards import Case
from stages.statistic.results import Results
from stages.statistic.verdict import judged
from tests.workspace import ROOT

ALPHAS = [0.0, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 10000.0]
LONG: dict[str, Any] = {
    "epochs": 100,
    "lr": 0.1,
    "penalty": "l1",
    "solver": "proximal",
    "batch_size": 64,
    "penalty_scale": [1.0, 0.5],
}
MEASURES = [
    *("test_error", "train_error", "test_error_averaged", "test_error_last"),
    *("zero_fraction", "gini", "prunable_fraction"),
]


def widths(count: int) -> list[int]:
    return [1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 60, 100, 200, 500, 1000][-count:]


def params(**train: Any) -> Params:
    whole = parse((ROOT / "params.yaml").read_text())
    return whole.model_copy(update={"train": whole.train.model_copy(update=train)})


def cells(of_widths: list[int], alphas: list[float] = ALPHAS, seeds: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    index = [(width, alpha, seed) for width in of_widths for alpha in alphas for seed in range(seeds)]
    table = pd.DataFrame(index, columns=["width", "alpha", "seed"]).assign(dataset="fashion_mnist", diverged=False)
    return table.assign(**{name: rng.random(len(table)) for name in MEASURES})


LONGEST_VERDICT = {  # a high peak that every guard speaks against
    **{"answer": "no", "D": 0.731, "D_low": 0.712, "D_high": 0.752, "p_holm": 0.001},
    **{"D_settled": 0.111, "D_settled_low": 0.101, "D_settled_high": 0.122},
    "guards": {"settled": "no", "above_chance": "no", "sparse": "no"},
}


def verdict(of_widths: list[int]) -> dict[str, Any]:
    of_each = {f"width_{width}": LONGEST_VERDICT for width in of_widths}
    return of_each | {"over_width": {"threshold": of_widths[-1], **LONGEST_VERDICT}}


def paper(of_widths: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"width": of_widths, "alpha": 1.0, "paper_accuracy": 50.0})


def results(count: int, alphas: list[float] = ALPHAS, **train: Any) -> Results:
    of_widths = widths(count)
    table = cells(of_widths, alphas)
    table.loc[table.alpha == table.alpha.max(), "diverged"] = True
    return Results(table, paper(of_widths), verdict(of_widths), params(**train))


def curves(count: int, alphas: list[float] = ALPHAS) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    index = [(width, alpha, epoch) for width in widths(count) for alpha in alphas for epoch in range(0, 101, 10)]
    table = pd.DataFrame(index, columns=["width", "alpha", "epoch"])
    return table.assign(**{name: rng.random(len(table)) for name in ("test_error", "train_error", "train_loss")})


def cases(count: int, axis: str) -> dict[str, Case]:
    """Groups of a study with long names, each with runs over an axis."""
    rng = np.random.default_rng(0)
    points: dict[str, list[Any]] = {
        "alpha": ALPHAS,
        "width": [1, 5, 10, 100],
        "images": [250, 1000, 16000],
        "epoch": list(range(0, 300, 10)),
    }
    groups = {}
    for number in range(count):
        index = [(point, seed) for point in points[axis] for seed in range(4)]
        table = pd.DataFrame(index, columns=[axis, "seed"])
        errors = {name: rng.random(len(table)) for name in ("test_error", "train_error")}
        groups[f"label_noise 0.{number}, rule momentum, retraining lr_rewind"] = table.assign(**errors)
    return judged(groups, axis)


def heads(kinds: list[str], dimensions: list[int]) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    index = [
        (kind, dimension, head, strength, seed)
        for kind in kinds
        for dimension in dimensions
        for head in ("ridge", "lasso", "logistic")
        for strength in (0.001, 0.01, 0.1)
        for seed in range(2)
    ]
    table = pd.DataFrame(index, columns=["features", "dimension", "head", "strength", "seed"])
    return table.assign(
        test_error=rng.random(len(table)),
        nonzeros=rng.random(len(table)),
        p_eff_train=table.dimension,
        p_eff_test=2 * table.dimension,
    )
