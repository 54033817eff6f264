"""Stage `plot`: the tables as figures, PNG for people and JSON for `dvc plots`."""

import argparse
from pathlib import Path
from typing import Any

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.figures import grid
from stages.figures.style import save, width_colour
from stages.statistic.findings import answer, by_width, d_with_interval
from stages.statistic.protocol import caption, how
from stages.statistic.results import CURVES, read_results
from stages.statistic.tables import cell_means, to_records


def points(means: pd.DataFrame) -> pd.DataFrame:
    """For `dvc plots`: a row a cell; errors and shares in %, with their bands of one standard deviation."""
    found = means[["width", "alpha"]].assign(colour=means.width.map(width_colour))
    for name in ("test_error", "zero_fraction", "prunable_fraction"):
        value, spread = 100 * means[name], 100 * means[f"{name}_sd"].fillna(0)
        found = found.assign(**{name: value, f"{name}_low": value - spread, f"{name}_high": value + spread})
    return found


def heights(verdict: dict[str, Any]) -> pd.DataFrame:
    """For `dvc plots`: a row a width, D with its interval in points, and the answer."""
    rows = [
        {"width": width, "colour": width_colour(width), "interval": d_with_interval(v), "answer": answer(v)}
        | {"double_descent": answer(v).split(":")[0], **{name: 100 * v[name] for name in ("D", "D_low", "D_high")}}
        for width, v in by_width(verdict).items()
        if "D" in v
    ]
    return pd.DataFrame(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    metrics, out = Path(args.metrics), Path(args.out)
    results = read_results(metrics)
    curves = files.read_table(metrics / CURVES)
    cells, verdict, params = results.cells, results.verdict, results.params
    figures = grid.of_cells(results) | {"over_epochs": grid.over_epochs(curves, caption(cells, params))}
    for stem, figure in figures.items():
        save(out / f"{stem}.png", figure)
    label = how(cells, params)
    files.write(out / "cells.json", to_records(points(cell_means(cells)).assign(run=label)))
    errors = {name: 100 * curves[name] for name in ("test_error", "train_error")}
    of_epochs = curves[["width", "alpha", "epoch", "train_loss"]].assign(**errors, run=label)
    files.write(out / "curves.json", to_records(of_epochs))
    files.write(out / "verdict.json", to_records(heights(verdict).assign(run=label)))


if __name__ == "__main__":
    run(main)
