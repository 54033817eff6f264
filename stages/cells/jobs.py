"""How cells are split into jobs, so that workers side by side end together, and who may do them."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stages.base.files import UserError
from stages.cells.cell import Cell, Maker

ROWS = 8  # hidden units of all its networks together that a part of a cell has at least; see `split`


@dataclass(frozen=True)
class Job:
    """What one worker trains at once: some cells, each with these seeds."""

    cells: tuple[int, ...]  # their places in the list of cells
    procedure: str
    options: list[dict[str, Any]]
    seeds: range


def split(cells: list[Cell], workers: int, device: str) -> list[Job]:
    """Jobs that together train all seeds of all cells, in the order in which they should begin.

    On a CPU a job is one cell. Of the cells that are left when every worker has had the same number of whole ones, each
    is split by its seeds over all workers. On a GPU all cells are one job. A cell's bytes depend on none of this. For
    that, parts must not be too small: all first layers are one matrix product where networks are scored, and with fewer
    than four rows that product is rounded in another way (seen with MKL).
    """
    if device != "cpu":
        return [
            Job(tuple(range(len(cells))), cells[0].procedure, [one.options for one in cells], range(cells[0].seeds))
        ]
    whole = len(cells) - len(cells) % workers
    jobs = []
    for place, cell in enumerate(cells):
        least = -(-ROWS // cell.options["width"])  # seeds in a part
        parts = 1 if place < whole else max(1, min(workers, cell.seeds // least))
        edges = [cell.seeds * part // parts for part in range(parts + 1)]
        for first, last in pairwise(edges):
            jobs.append(Job((place,), cell.procedure, [cell.options], range(first, last)))
    return jobs


def refuse_other(who: str, its: Maker, wanted: Maker) -> None:
    """UserError unless a process that is what `its` says makes the cells that are wanted."""
    for what in ("training", "torch", "device", "data"):
        here, there = getattr(wanted, what), getattr(its, what)
        if here != there:
            raise UserError(f"{who} has {what} {there[:16]}, this checkout has {here[:16]}: it trains nothing")
