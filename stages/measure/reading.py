"""What the networks of a cell answer when they are asked: a value for each run and each name of an answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.linear.chosen import chosen_heads
from stages.linear.kernel_regression import answers, on_tangent_kernel
from stages.measure import activations, balance, calibration, collapse, lazy, neighbours, shifts, two_part
from stages.measure.sparsity import Seen
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Net

ERROR, SHARE, RELATIVE = "error", "share", "relative"  # units; of the last one only ratios are comparable
KERNEL_IMAGES = 500  # on which tangent kernels are compared


class Asked(NamedTuple):
    """S runs at one point, with what they were trained and tested on."""

    runs: Mapping[str, Tensor]  # the arrays of the cell, (S, ...)
    seeds: Sequence[int]
    train: Images  # labelled as in training
    true: Tensor  # the true labels, (n,) or (S, n)
    test: Images
    classes: int
    loss: str
    strength: Sequence[float]

    @property
    def net(self) -> Net:
        return Net.from_named(dict(self.runs))

    def alone(self, place: int) -> tuple[Net, Tensor, Tensor]:
        """One run's network as the only one, its training pixels (n, D), and its labels (n,)."""
        return (self.net.map(lambda parameter: parameter[place : place + 1]), *self.train.of_run(place))

    def true_labels(self, place: int) -> Tensor:
        """(n,) of one run's training images."""
        return self.true if self.true.dim() == 1 else self.true[place]


Answers = dict[str, Tensor]  # (S,), float64


class Kind(NamedTuple):
    """A kind of reading: the name of its column, what it asks, and in which unit each answer comes."""

    column: str
    ask: Callable[[Asked], Answers]
    units: Mapping[str, str]  # of an answer that is not named here, `unit`
    unit: str


def halves(test: Images) -> tuple[Images, Images]:
    """The test images at even places, which may choose, and those at odd ones, on which errors are measured."""
    return tuple(Images(test.pixels[first::2], test.labels[first::2]) for first in (0, 1))  # type: ignore[return-value]


def heads(asked: Asked) -> Answers:
    """Test errors of the networks' own last layers and of refitted ones, each at the strength that other images choose.

    Every second test image chooses, and errors are those on the others.
    """
    choosing, test = halves(asked.test)
    rows = []
    for place in range(len(asked.seeds)):
        net, pixels, labels = asked.alone(place)
        row = {"own": float(mlp.scores(net, test)[1])}
        found = chosen_heads(net, pixels, labels, choosing, test, asked.classes, asked.strength)
        row |= {str(one["head"]): float(one["test_error"]) for one in found if one["rule"] == "chosen"}
        rows.append(row)
    return by_name(rows)


def kernels(asked: Asked) -> Answers:
    """Test errors of the networks, and of regression on the tangent kernel of each at the end."""
    rows = []
    for place in range(len(asked.seeds)):
        net, pixels, labels = asked.alone(place)
        said = answers(net, asked.test.pixels)
        found = on_tangent_kernel(net, pixels, labels, asked.test, asked.classes, asked.strength, said)
        row = {"network": float(mlp.scores(net, asked.test)[1])}
        for one in found:
            row[f"tangent kernel, ridge {one['ridge']:g}"] = float(one["test_error"])
        row["disagreement with the network"] = 1 - float(found[0]["agreement"])
        rows.append(row)
    return by_name(rows)


def inside(asked: Asked) -> Answers:
    """Measures of what goes on in the networks: see the modules of this room that they come from."""
    return by_name([_inside(asked, place) for place in range(len(asked.seeds))])


def _inside(asked: Asked, place: int) -> dict[str, float]:
    net, pixels, labels = asked.alone(place)
    true = asked.true_labels(place)
    train = activations.Activations.of(net, Images(pixels, labels))
    logits = activations.Activations.of(net, asked.test).logits
    start = lazy.start_of(net, [asked.seeds[place]])
    few = balanced_few(true, asked.classes)
    found = {
        **collapse.columns(net, train, labels, true),
        **neighbours.columns(train, labels, true),
        **calibration.columns(train, labels, logits, asked.test.labels, asked.loss),
        **balance.columns(net),
        **lazy.columns(net, start, pixels[few], labels[few], asked.classes, true[few]),
    }
    return {name: float(value) for name, value in found.items()}


def balanced_few(labels: Tensor, classes: int) -> Tensor:
    """Places of the first images of each class, KERNEL_IMAGES in all, or of all if there are fewer."""
    each = KERNEL_IMAGES // classes
    return torch.cat([(labels == label).nonzero()[:each, 0] for label in range(classes)])


def moved(asked: Asked) -> Answers:
    """Test errors on images as they are, on shifted ones, and of outputs averaged over shifts."""
    found = shifts.columns(asked.net, asked.test, asked.loss)
    return {
        "as they are": found["shifted_error_0"],
        "shifted by 1": found["shifted_error_1"],
        "shifted by 2": found["shifted_error_2"],
        "averaged over 9 shifts": found["orbit_error_1"],
        "averaged over 25 shifts": found["orbit_error_2"],
    }


def lengths(asked: Asked) -> Answers:
    """Bits of a two-part code of the training labels: see `two_part`."""
    rows = []
    for place in range(len(asked.seeds)):
        net, pixels, labels = asked.alone(place)
        found = two_part.two_part(net, Seen.of(pixels), labels, asked.classes)
        rows.append({name: float(value) for name, value in found.items()})
    return by_name(rows)


def of_the_cell(*names: str) -> Callable[[Asked], Answers]:
    """What the cell itself holds by these names."""
    return lambda asked: {name: asked.runs[name].double() for name in names}


def by_name(rows: Sequence[Mapping[str, float]]) -> Answers:
    return {name: torch.tensor([row[name] for row in rows], dtype=torch.float64) for name in rows[0]}


RATIOS = ("nc1", "nc2_norms", "nc2_angles", "nc3")
KINDS = {
    "heads": Kind("head", heads, {}, ERROR),
    "kernels": Kind("predictor", kernels, {"disagreement with the network": SHARE}, ERROR),
    "shifts": Kind("images", moved, {}, ERROR),
    "inside": Kind(
        "measure",
        inside,
        {f"{name}_{labels}": RELATIVE for name in RATIOS for labels in ("given", "true")}
        | dict.fromkeys(("train_margin", "test_margin", "path_norm", "weight_change"), RELATIVE),
        SHARE,
    ),
    "lengths": Kind("measure", lengths, {}, RELATIVE),
    "prequential": Kind("measure", of_the_cell("description_bits", "description_bits_calibrated"), {}, RELATIVE),
    "smoother": Kind("measure", of_the_cell("p_eff_train", "p_eff_test", "gap"), {}, RELATIVE),
}
