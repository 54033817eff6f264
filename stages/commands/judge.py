"""Is there a double descent in your own runs? `python -m stages.commands.judge results.csv`

The file holds a row for every run and point, with a column for the axis (--axis width), one for the test error (--error
test_error) and one that tells runs apart (--run seed). Columns with such names are found without being named. A file
with a row for every point and one column a run will do as well. The judgement looks at the order of the points alone.

yes: the lower end of the 95 % interval of the peak's height is at least one point, and p < 0.05. no: the upper end is
under one point. undecided: everything else, with what would decide it.
"""

import io
import json
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd

from stages.base import anytable
from stages.base.console import run
from stages.base.files import UserError, one_line
from stages.base.params import LEAST_POINTS
from stages.statistic.judge import Judgement, judge_all
from stages.statistic.sentences import measured, sentence, title


def read(file: str) -> pd.DataFrame:
    """The table of that file, or of standard input; UserError for what is no table."""
    name = "standard input" if file == "-" else file
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return parsed(content, Path(file).suffix.lower())
    except ImportError as error:
        raise UserError(f"{name} cannot be read here: {str(error).splitlines()[0]}") from None
    except (ValueError, OverflowError) as error:  # pandas' own errors are ValueErrors
        if isinstance(error, UnicodeDecodeError):
            raise UserError(f"{name} is not UTF-8 text") from None
        raise UserError(f"{name} is no table: {one_line(error, 150)}") from None


def parsed(content: bytes, suffix: str) -> pd.DataFrame:
    """Parquet by its first bytes, JSON by its first letter, and otherwise text, separated by what its first line has
    most of: tabs, semicolons or commas."""
    if content.startswith(b"PAR1") or suffix == ".parquet":
        return pd.read_parquet(io.BytesIO(content))
    text = content.decode("utf-8-sig")
    if not text.strip():
        raise ValueError("it is empty")
    if text.lstrip().startswith("["):
        return pd.DataFrame(json.loads(text))
    if (
        text.lstrip().startswith("{")
        and isinstance(whole := _json(text), dict)
        and any(isinstance(column, dict | list) for column in whole.values())
    ):
        return pd.DataFrame(whole)  # by column, as pandas writes it
    if text.lstrip().startswith("{"):
        return pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()])
    header = text.lstrip().splitlines()[0]
    separator = max("\t;,", key=header.count)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            return with_points(pd.read_csv(io.StringIO(text), sep=separator, skipinitialspace=True, index_col=False))
        except pd.errors.ParserWarning:
            raise ValueError(
                "its rows have more values than its first line has columns; numbers with a decimal comma want another "
                "separator, such as a semicolon"
            ) from None


def with_points(table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns of numbers that have decimal commas as numbers; ValueError where they may be thousands."""
    for name in table.columns:
        if pd.api.types.is_numeric_dtype(table[name]):
            continue
        text, known = table[name].astype(str).str.strip(), table[name].notna()
        values = text[known]
        commas = values[values.str.contains(",")]
        if commas.empty or not values.str.fullmatch(r"[+-]?\d*,?\d+").all():
            continue
        if commas.str.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}").all():
            raise ValueError(
                f"{commas.iloc[0]} in column {name} may be a thousand or a decimal; write it without a comma"
            )
        table[name] = pd.to_numeric(text.str.replace(",", ".").where(known))
    return table


def _json(text: str) -> Any:
    """What the JSON holds; None where it is no single value, but one a line."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def without_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the row numbers that pandas writes as a first column without a name."""
    first = str(table.columns[0]) if len(table.columns) else ""
    numbered = first.startswith("Unnamed:") and table[first].tolist() == list(range(len(table)))
    return table.drop(columns=first) if numbered else table


def missing(group: anytable.Group) -> int:
    """How many values a table lacks that would be full if every run had every point."""
    return int(np.isnan(group.errors).sum())


def as_json(group: anytable.Group, found: Judgement) -> dict[str, Any]:
    """One judgement for programs: heights are fractions, places are values of the axis."""

    def at(place: int | None) -> Any:
        return None if place is None else group.points[place]

    return {
        "by": group.by,
        "answer": found.answer,
        "D": found.d,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "p_holm": found.p_holm,
        "peak": at(found.peak),
        "valleys": None if found.peak is None else [at(found.left), at(found.right)],
        "runs": found.runs,
        "points": len(group.points),
        "missing": missing(group),
        "why": sentence(found, group.axis, group.points, group.runs),
        "runs_needed": found.needed,
        "failed": [{"run": group.runs[r], group.axis: group.points[point]} for r, point in found.failed],
        "D_with_failed": found.d_with_failed,
    }


def show(judged: list[tuple[anytable.Group, Judgement]]) -> None:
    """A table with a line a judgement, and below it a sentence each."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    names = [escape(name) for name in judged[0][0].by]
    axis = escape(judged[0][0].axis)
    table = Table(*names, "runs", "points", f"peak at {axis}", "valleys at", "D, points [95 %]", "p", "double descent?")
    for group, found in judged:
        p = "-" if found.p_holm is None else f"{found.p_holm:.2g}"
        peak, valleys = "-", "-"
        if found.peak is not None and found.left is not None and found.right is not None:
            peak = str(group.points[found.peak])
            valleys = f"{group.points[found.left]}, {group.points[found.right]}"
        row = [str(found.runs), str(len(group.points)), peak, valleys, measured(found), p, found.answer]
        table.add_row(*(escape(word) for word in [*map(str, group.by.values()), *row]))
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 150
    console.print(table)
    for group, found in judged:
        name = f"{title(group.by)}: " if group.by else ""
        gaps = ""
        if count := missing(group):
            verb = "is" if count == 1 else "are"
            gaps = f" Of {group.errors.size} values, one for each run at each {group.axis}, {count} {verb} missing."
        print(f"{name}{sentence(found, group.axis, group.points, group.runs)}{gaps}")
    if len(judged) > 1:
        print(f"p is adjusted for the {len(judged)} groups that were judged together (Holm 1979).")


def main(
    file: Annotated[str, "CSV, TSV, JSON (a list, or an object a line) or Parquet; - is standard input"],
    /,
    axis: Annotated[str, "the column along which a peak is sought"] = "",
    error: Annotated[str, "the column that is judged"] = "",
    run: Annotated[str, "the column that tells runs apart"] = "",
    by: Annotated[tuple[str, ...], "a column with a judgement for each of its values; may be given several times"] = (),
    accuracy: Annotated[bool, "the column that is judged holds accuracies"] = False,
    percent: Annotated[bool, "that column is in percent, not in shares from 0 to 1"] = False,
    log: Annotated[bool, "draw the axis logarithmically"] = False,
    json: Annotated[bool, "print the judgements for programs"] = False,
    plot: Annotated[str, "FILE.png: draw a figure, with a panel for each judgement"] = "",
) -> None:
    if plot and not plot.endswith(".png"):
        raise UserError(f"--plot {plot}: the name of the figure must end in .png")
    table = without_index(read(file).rename(columns=str))
    try:
        columns = anytable.choose(table, axis, error, run, by, accuracy)
        found = anytable.groups(table, columns, LEAST_POINTS, percent)
    except anytable.TableError as problem:
        raise UserError(f"{'standard input' if file == '-' else file}: {problem}") from None
    if log and (low := [point for group in found for point in group.points if group.ordinal or point <= 0]):
        raise UserError(f"--log: {columns.axis} {low[0]} has no place on a logarithmic axis")
    largest = max(float(np.nanmax(group.errors)) for group in found)
    if percent and not columns.accuracy and largest <= 0.01:
        print(f"note: with --percent no error is above {100 * largest:.2g} %; are they fractions?", file=sys.stderr)
    judged = list(zip(found, judge_all([group.errors for group in found]), strict=True))
    print(f"read as: {anytable.described(columns)}", file=sys.stderr)
    if json:
        print(dumped([as_json(group, judgement) for group, judgement in judged]))
    else:
        if found[0].ordinal:
            words = ", ".join(map(str, found[0].points))
            print(f"{columns.axis} holds words, in the order of the rows: {words}", file=sys.stderr)
        show(judged)
    if plot:
        from stages.figures import judgement as figure
        from stages.figures.style import save

        save(plot, figure.judgements(judged, log))
        print(f"figure: {plot}", file=sys.stderr)


def dumped(numbers: list[dict[str, Any]]) -> str:
    def plain(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else str(value)

    return json.dumps(numbers, indent=2, allow_nan=False, default=plain)


if __name__ == "__main__":
    run(main)
