"""Stage `plot`: the tables as figures, PNG for people and JSON for `dvc plots`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.figures import grid
from stages.figures.style import save, width_colour
from stages.statistic.findings import answer_with_reason, by_width, d_with_interval
from stages.statistic.protocol import caption, how
from stages.statistic.results import CURVES, read_results
from stages.statistic.tables import cell_means, to_records


def points(means: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: from `cell_means`, a row a cell, errors and shares in % with bands of one standard deviation.

    Where every seed diverged, a share is nan. Where there is one seed, a band has no height.
    """
    found = means[["width", "alpha"]].assign(colour=means.width.map(width_colour))
    for name in ("test_error", "zero_fraction", "prunable_fraction"):
        value, spread = 100 * means[name], 100 * means[f"{name}_sd"].fillna(0)
        found = found.assign(**{name: value, f"{name}_low": value - spread, f"{name}_high": value + spread})
    return found


def histories(curves: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: the training curves (`curves.csv`), a row per cell and evaluated epoch, with errors in %."""
    errors = {name: 100 * curves[name] for name in ("test_error", "train_error")}
    shown = curves[["width", "alpha", "epoch", "train_loss"]].replace(np.inf, np.nan)  # of a huge step; no chart has it
    return shown.assign(**errors)


def heights(verdict: dict[str, Any]) -> pd.DataFrame:
    """For `dvc plots`: from the verdicts of one data set, a row a width, with D, its interval in points and the answer.

    A width without an interval has no row. Where no width has one, as with two seeds, the table is empty.
    """
    rows = [
        {"width": width, "colour": width_colour(width), "interval": d_with_interval(v)}
        | {"answer": answer_with_reason(v), "double_descent": v["answer"]}
        | {name: 100 * v[name] for name in ("D", "D_low", "D_high")}
        for width, v in by_width(verdict).items()
        if "D_low" in v
    ]
    return pd.DataFrame(rows)


def main(metrics: Path, out: Path) -> None:
    results = read_results(metrics)
    curves = files.read_table(metrics / CURVES)
    cells, verdict, params = results.cells, results.verdict, results.params
    figures = grid.of_cells(results) | {"over_epochs": grid.over_epochs(curves, caption(cells, params))}
    for stem, figure in figures.items():
        save(out / f"{stem}.png", figure)
    charts = {"cells": points(cell_means(cells)), "curves": histories(curves), "verdict": heights(verdict)}
    for stem, table in charts.items():
        files.write(out / f"{stem}.json", to_records(table.assign(run=how(cells, params))))


if __name__ == "__main__":
    run(main)
