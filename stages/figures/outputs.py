"""How a side study ends: its tables, numbers, sentence, figure and plot data as files."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from stages.base import files
from stages.base.console import console
from stages.figures.style import save
from stages.statistic.tables import to_csv, to_json, to_records


def write_study(
    name: str,
    metrics: Path,
    plots: Path,
    *,
    tables: dict[str, pd.DataFrame],
    numbers: dict[str, Any],
    sentence: str,
    figure: Figure,
    points: pd.DataFrame,
) -> None:
    """Write metrics/TABLE.csv for every table, metrics/NAME.json and NAME.md, plots/NAME.png and NAME.json, and say the
    sentence. Raise UserError that names a file that cannot be written."""
    for stem, table in tables.items():
        files.write(metrics / f"{stem}.csv", to_csv(table))
    files.write(metrics / f"{name}.json", to_json(numbers))
    files.write(metrics / f"{name}.md", f"{sentence}\n".encode())
    save(plots / f"{name}.png", figure)
    files.write(plots / f"{name}.json", to_records(points))
    console.print(sentence)
