"""Last layers refitted on the hidden layers of trained networks, and on other features of the same dimension."""

from collections.abc import Callable, Mapping, Sequence
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
    classes: int,
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
        "random": lambda part: random_relu(width, len(layers), classes, seed, part),
    }
    parts = principal(*pixels, width) if name == "pca" else [made[name](part) for part in pixels]
    return heads_of(name, seed, Features.of(*parts), labels, test.labels, classes, strengths)


def heads_of(
    name: str,
    seed: int,
    features: Features,
    labels: Tensor,
    test_labels: Tensor,
    classes: int,
    strengths: list[float],
) -> list[Row]:
    """A row for each kind of head and strength; none of features that are not finite, as of a diverging network."""
    if not features.train.isfinite().all():
        return []
    measured = measure(features, labels, test_labels, classes, strengths)
    return [{"features": name, "dimension": features.train.shape[1], "seed": seed, **row} for row in measured]


def of_all(
    cells: dict[int, dict[str, Tensor]],
    train: Images,
    test: Images,
    classes: int,
    kinds: Sequence[str],
    seeds: int,
    strengths: list[float],
    whole: Mapping[str, tuple[Tensor, Tensor]],
) -> list[Row]:
    """Rows of the heads at every width, for the kinds of features that have a network's dimension, then of the whole.

    `cells` has the arrays of a cell by width, `whole` other features by name, of the training and the test images. Of
    the trained and the random features so many seeds are taken, of those networks that did not diverge. Heads are
    fitted side by side, each on one thread. UserError if they do not fit into memory.
    """
    todo, rows = [], {}
    for width, cell in cells.items():
        taken = range(min(seeds, len(cell["w1"])))
        trained = [seed for seed in taken if not cell["diverged"][seed]] if "trained" in kinds else []
        rows[width] = own(cell, trained)
        todo += [(width, "trained", seed) for seed in trained]
        todo += [(width, "random", seed) for seed in taken if "random" in kinds]
        todo += [(width, "pca", 0)] if "pca" in kinds else []
    dimension = max([*(width for width, _, _ in todo), *(part.shape[1] for part, _ in whole.values())], default=0)
    needed = memory_of_heads(dimension, train.per_run + test.per_run, classes * len(strengths))
    refuse_too_large(f"heads on {dimension} features", "a smaller width", needed)
    with ThreadPoolExecutor(threads(needed)) as pool:
        labels = train.of_run(0)[1]
        longest = [  # so they begin first
            pool.submit(heads_of, name, 0, Features.of(*features), labels, test.labels, classes, strengths)
            for name, features in whole.items()
        ]
        done = pool.map(lambda one: refitted(one[1], one[2], cells[one[0]], train, test, classes, strengths), todo)
        for (width, _, _), found in zip(todo, done, strict=True):
            rows[width] += found
        of_whole = [row for found in longest for row in found.result()]
    return [{"width": width, **row} for width in cells for row in rows[width]] + of_whole
