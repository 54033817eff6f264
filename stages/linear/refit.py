"""Last layers refitted on the hidden layers of trained networks, and on other features of the same dimension."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from torch import Tensor

from stages.base.machine import refuse_too_large, threads
from stages.linear.heads import Features, hidden, measure, memory_of_heads, principal, random_relu
from stages.training.images import Images
from stages.training.mlp import Layer, Net

Row = dict[str, Any]


def own(cell: dict[str, Tensor], seeds: list[int]) -> list[Row]:
    """The networks' own last layers, a row for each of these seeds, to compare the refitted ones with."""
    return [
        {"features": "trained", "seed": seed, "dimension": cell["w1"].shape[1], "head": "own", "strength": 0.0}
        | {error: float(cell[error][seed, -1]) for error in ("test_error", "train_error")}
        for seed in seeds
    ]


def refitted(
    name: str,
    seed: int,
    cell: dict[str, Tensor],
    train: Images,
    test: Images,
    strengths: list[float],
) -> list[Row]:
    """Heads on the features of that name: `trained` of the cell's network, `random` or `pca` of the same dimension.

    They are fitted to the training set of the run with that seed. A row for each kind of head and strength; none where
    the network's features are not finite.
    """
    own, labels = train.of_run(seed)
    pixels = own, test.pixels
    width = cell["w1"].shape[1]
    layers = [Layer(weight[seed], bias[seed]) for weight, bias in Net.from_named(cell).layers[:-1]]
    made: dict[str, Callable[[Tensor], Tensor]] = {
        "trained": lambda part: hidden(layers, part),
        "random": lambda part: random_relu(width, len(layers), seed, part),
    }
    parts = principal(*pixels, width) if name == "pca" else [made[name](part) for part in pixels]
    features = Features.of(*parts)
    if not features.train.isfinite().all():
        return []  # of a network on its way to divergence
    measured = measure(features, labels, test.labels, strengths)
    return [{"features": name, "dimension": features.train.shape[1], "seed": seed, **row} for row in measured]


def of_cells(
    cells: dict[int, dict[str, Tensor]],
    train: Images,
    test: Images,
    kinds: Sequence[str],
    seeds: int,
    strengths: list[float],
) -> list[Row]:
    """Rows of the heads at every width, for the kinds of features that have a network's dimension.

    `cells` has the arrays of a cell by width. Of the trained and the random features so many seeds are taken, of those
    networks that did not diverge. Heads are fitted side by side, each on one thread. UserError if they do not fit into
    memory.
    """
    todo, rows = [], {}
    for width, cell in cells.items():
        taken = range(min(seeds, len(cell["w1"])))
        trained = [seed for seed in taken if not cell["diverged"][seed]] if "trained" in kinds else []
        rows[width] = own(cell, trained)
        todo += [(width, "trained", seed) for seed in trained]
        todo += [(width, "random", seed) for seed in taken if "random" in kinds]
        todo += [(width, "pca", 0)] if "pca" in kinds else []
    needed = memory_of_heads(max(cells), train.per_run + test.per_run) if todo else 0
    refuse_too_large(f"heads on {max(cells)} features", "a smaller width", needed)
    with ThreadPoolExecutor(threads(needed)) as pool:
        done = pool.map(lambda one: refitted(one[1], one[2], cells[one[0]], train, test, strengths), todo)
        for (width, _, _), found in zip(todo, done, strict=True):
            rows[width] += found
    return [{"width": width, **row} for width in cells for row in rows[width]]
