"""What the stages `evaluate` and `verdict` leave in a folder, read in one way by everything that shows it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from stages.base import files
from stages.base.params import Params, document, parse

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


def params_of(folder: Path) -> Params:
    """params.yaml, for experiments/NAME with the changes in experiments/NAME.yaml."""
    changes = folder.with_suffix(".yaml")
    if folder.parent.name != "experiments" or not changes.exists():
        return files.read_params()
    params = document(Path("params.yaml").read_text(encoding="utf-8"))
    for group, keys in document(changes.read_text(encoding="utf-8")).items():
        params[group] |= keys
    return parse(json.dumps(params))


def read_results(folder: Path) -> Results:
    """Raise UserError that names a missing or damaged file and the command that makes it."""
    missing = [name for name in (CELLS, PAPER, VERDICT) if not (folder / name).exists()]
    if missing:
        remedy = f"make experiment NAME={folder.name}" if folder.parent.name == "experiments" else "dvc repro"
        raise files.UserError(f"{folder / missing[0]} is missing; to make it: {remedy}")
    cells = read_cells(folder / CELLS)
    verdict = files.read_verdict(folder / VERDICT, cells.dataset.iloc[0])
    return Results(cells, files.read_table(folder / PAPER), verdict, params_of(folder))
