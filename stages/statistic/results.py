"""What the stages `evaluate` and `verdict` leave in a folder, read in one way by everything that shows it."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.base import files
from stages.base.params import Params

CELLS, CURVES, PAPER, VERDICT = "cells.csv", "curves.csv", "paper.csv", "verdict.json"


class Results(NamedTuple):
    cells: pd.DataFrame  # a row per width, alpha and seed
    paper: pd.DataFrame  # a row per cell that the paper has too
    verdict: dict[str, Any]
    params: Params  # with which they were made

    @property
    def dataset(self) -> str:
        return str(self.cells.dataset.iloc[0])


def read_cells(path: Path) -> pd.DataFrame:
    """Raise UserError for a file that is no such table, or in which a run stands twice."""
    cells: pd.DataFrame = files.read_table(path)
    keys = ["width", "alpha", "seed"]
    if not {*keys} <= {*cells}:
        raise files.UserError(f"{path} holds no {', '.join(keys)}, {files.OTHER_KIND}")
    if (twice := cells[cells.duplicated(keys)]).size:
        run = ", ".join(f"{key} {twice[key].iloc[0]}" for key in keys)
        raise files.UserError(f"{path} holds a run twice, {run}; to make it anew: dvc repro")
    return cells


def read_results(folder: Path) -> Results:
    """Raise UserError that names a missing or damaged file and the command that makes it."""
    missing = [name for name in (CELLS, PAPER, VERDICT) if not (folder / name).exists()]
    if missing:
        raise files.UserError(f"{folder / missing[0]} is missing; to make it: dvc repro")
    cells = read_cells(folder / CELLS)
    verdict = files.read_verdict(folder / VERDICT, cells.dataset.iloc[0])
    return Results(cells, files.read_table(folder / PAPER), verdict, files.read_params())
