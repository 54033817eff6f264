"""How cells are split into jobs, so that each fits a core's cache and workers end together, and who may do them."""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from stages.base.files import UserError
from stages.cells.cell import Cell, Maker

# Bytes of first-layer weights that one worker trains at once. Each step passes over all of them: more of them wait for
# memory, fewer share too little. Measured with two busy processes on cores that have caches of 1 MiB each and 32 MiB
# together, as shares of the floor of tests/benchmarks/trainer.py: at width 100 with 4, 8 and 16 alphas (1.3, 2.5 and
# 5 MB) 0.63, 0.71 and 0.63; at width 50 with 6, 8 and 16 alphas (0.9, 1.3 and 2.5 MB) 0.59, 0.61 and 0.68.
BLOCK = 2_600_000

WITH_ALPHAS = ("fit", "prequential")  # procedures that train several alphas on shared batches


@dataclass(frozen=True)
class Job:
    """What one worker trains at once: some cells, each with these seeds."""

    cells: tuple[int, ...]  # their places in the list of cells
    procedure: str
    options: list[dict[str, Any]]
    seeds: range


def split(cells: list[Cell], workers: int, device: str, inputs: int) -> list[Job]:
    """Jobs that together train all seeds of all cells on images of `inputs` pixels, in the order in which they begin.

    Cells that differ in alpha alone see the same batches and go together, as many of them, and then as many seeds, as
    fit into a BLOCK. On a GPU such cells are one job. Cells that may stop early go alone, so that none trains on beside
    another. A cell's bytes depend on none of this.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        alone = place if cell.procedure not in WITH_ALPHAS or cell.options["stop_at_train_error"] is not None else None
        others = {name: value for name, value in cell.options.items() if name != "alpha"}
        alike[f"{cell.procedure} {alone} {cell.seeds} {sorted(others.items())}"].append(place)
    jobs = []
    for places in alike.values():
        first = cells[places[0]]
        of_alphas = of_seeds = 1
        if device == "cpu":
            widths = first.widths
            most = max(1, BLOCK * len(widths) // (4 * inputs * sum(widths)))  # networks
            of_alphas, of_seeds = ways(len(places), first.seeds, most, workers)
        for chosen in parts(len(places), of_alphas):
            own = tuple(places[number] for number in chosen)
            options = [cells[place].options for place in own]
            jobs += [Job(own, first.procedure, options, seeds) for seeds in parts(first.seeds, of_seeds)]
    return jobs


def ways(alphas: int, seeds: int, most: int, workers: int) -> tuple[int, int]:
    """Into how many parts to split the alphas and the seeds of a width, so that no block has more than `most` networks.

    Of the numbers with which the workers idle for less than a twentieth of the time, or else for the least time, these
    keep the most alphas together, and then the most seeds.
    """
    found = []
    few = math.ceil(alphas / most)
    for of_alphas in range(few, min(alphas, 2 * few + workers) + 1):
        few = math.ceil(seeds / max(1, most // math.ceil(alphas / of_alphas)))
        for of_seeds in range(few, min(seeds, 2 * few + workers) + 1):
            largest = math.ceil(alphas / of_alphas) * math.ceil(seeds / of_seeds)
            duration = math.ceil(of_alphas * of_seeds / workers) * largest  # in networks, one after the other
            found.append((max(duration, alphas * seeds / workers / 0.95), of_alphas, of_seeds))
    return min(found)[1:]


def parts(count: int, number: int) -> list[range]:
    """0, ..., count - 1 in so many parts of nearly the same size."""
    edges = [count * part // number for part in range(number + 1)]
    return [range(first, last) for first, last in pairwise(edges)]


def refuse_other(who: str, its: Maker, wanted: Maker, *procedures: str) -> None:
    """UserError unless a process that is what `its` says makes cells of these procedures as is wanted."""
    theirs = its.parts(*procedures)
    for what, here in wanted.parts(*procedures).items():
        if here != (there := theirs[what]):
            raise UserError(
                f"{who} has {what} {there[:16]}, this checkout has {here[:16]}: it trains nothing until it has the "
                "same and is started again"
            )
