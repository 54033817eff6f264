"""What the networks of a cell answer when they are asked: a value for each run and each name of an answer."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from stages.base.readings import ERROR, REFERENCE, RELATIVE, SHARE
from stages.linear.chosen import chosen, halves
from stages.linear.finetuned import features_of, swept
from stages.linear.heads import Features, hidden
from stages.linear.kernel_regression import answers, on_tangent_kernel
from stages.measure import activations, balance, calibration, collapse, lazy, neighbours, shifts, two_part
from stages.measure.sparsity import Seen
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Layer, Net
from stages.training.runs import Arrays

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
    features: int = 0  # how many of them, in a sweep

    @property
    def net(self) -> Net:
        return Net.from_named(dict(self.runs))

    def alone(self, place: int) -> tuple[Net, Tensor, Tensor]:
        """One run's network as the only one, its training pixels (n, D), and its labels (n,)."""
        return (self.net.map(lambda parameter: parameter[place : place + 1]), *self.train.of_run(place))

    def arrays(self) -> Arrays:
        """Those of the cell, as NumPy's."""
        return {name: values.numpy() for name, values in self.runs.items()}

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


def heads(asked: Asked) -> Answers:
    """Test errors of the networks' own last layers and of refitted ones; see `chosen`.

    Features are the last hidden layer, or those that the cell of a classifier keeps. Of a classifier the own error is
    that on all test images.
    """
    kept = "test_features" in asked.runs
    measured = Images(*(halves(part)[1] for part in (asked.test.pixels, asked.test.labels)))
    rows = []
    for place in range(len(asked.seeds)):
        labels = asked.train.of_run(place)[1]
        own = float(asked.runs["test_error"][place]) if kept else float(mlp.scores(asked.alone(place)[0], measured)[1])
        features = features_of(asked.arrays(), place) if kept else hidden_features(asked, place)
        row = {"own": own}
        if features.train.isfinite().all():
            row |= chosen(features, labels, asked.test.labels, asked.classes, asked.strength)
        rows.append(row)
    return by_name(rows)


def hidden_features(asked: Asked, place: int) -> Features:
    """The last hidden layer of one run's network, on its training images and on the test images."""
    net, pixels, _ = asked.alone(place)
    layers = [Layer(weight[0], bias[0]) for weight, bias in net.layers[:-1]]
    return Features.of(hidden(layers, pixels), hidden(layers, asked.test.pixels))


def sweep(asked: Asked) -> Answers:
    """Test errors of ridge regression on so many of the features that a classifier's cell keeps, by ridge."""
    rows = []
    for place in range(len(asked.seeds)):
        found = swept(
            asked.arrays(), place, asked.train, asked.test.labels, asked.classes, [asked.features], asked.strength
        )
        none = {repr(ridge): torch.nan for ridge in asked.strength}  # where there are not so many features
        rows.append(none | {repr(one["ridge"]): float(one["test_error"]) for one in found})
    return by_name(rows)


def kernels(asked: Asked) -> Answers:
    """Test errors of the networks, and of regression on the tangent kernel of each at the end."""
    rows = []
    for place in range(len(asked.seeds)):
        net, pixels, labels = asked.alone(place)
        if not all(parameter.isfinite().all() for parameter in net.parameters()):
            rows.append({"network": float(asked.runs["test_error"][place, -1])})
            continue
        said = answers(net, asked.test.pixels)
        found = on_tangent_kernel(net, pixels, labels, asked.test, asked.classes, asked.strength, said)
        row = {"network": float(mlp.scores(net, asked.test)[1])}
        for one in found:
            row[f"tangent kernel with ridge {one['ridge']!r}"] = float(one["test_error"])
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
    """Bits of a two-part code of the training labels: see `two_part`. There are none of a diverged network."""
    rows: list[dict[str, float]] = []
    for place in range(len(asked.seeds)):
        net, pixels, labels = asked.alone(place)
        if not all(parameter.isfinite().all() for parameter in net.parameters()):
            rows.append(dict.fromkeys(two_part.COLUMNS, torch.nan))
            continue
        found = two_part.two_part(net, Seen.of(pixels), labels, asked.classes)
        rows.append({name: float(value) for name, value in found.items()})
    return by_name(rows) | references(asked)


def references(asked: Asked) -> Answers:
    """Bits of the runs' labels by the uniform code, and what their wrong labels alone cost who knows the true ones."""
    rows = []
    for place in range(len(asked.seeds)):
        labels = asked.train.of_run(place)[1]
        wrong = int((labels != asked.true_labels(place)).sum())
        uniform = two_part.uniform_bits(len(labels), asked.classes)
        rows.append({"uniform_bits": uniform, "noise_bits": two_part.noise_bits(len(labels), wrong, asked.classes)})
    return by_name(rows)


def prequential(asked: Asked) -> Answers:
    """Bits of a prequential code of the training labels, as the cell has them: see `training.prequential`."""
    return of_the_cell("description_bits", "description_bits_calibrated")(asked) | references(asked)


def of_the_cell(*names: str) -> Callable[[Asked], Answers]:
    """What the cell itself holds by these names."""
    return lambda asked: {name: asked.runs[name].double() for name in names}


def by_name(rows: Sequence[Mapping[str, float]]) -> Answers:
    """Columns (S,) of all names that any row has; a name that a row lacks is nan there."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: torch.tensor([row.get(name, torch.nan) for row in rows], dtype=torch.float64) for name in names}


OF_LABELS = {"uniform_bits": REFERENCE, "noise_bits": REFERENCE}
RATIOS = ("nc1", "nc2_norms", "nc2_angles", "nc3")
KINDS = {
    "heads": Kind("head", heads, {}, ERROR),
    "sweep": Kind("ridge", sweep, {}, ERROR),
    "kernels": Kind("predictor", kernels, {"disagreement with the network": SHARE}, ERROR),
    "shifts": Kind("shown", moved, {}, ERROR),
    "inside": Kind(
        "measure",
        inside,
        {f"{name}_{labels}": RELATIVE for name in RATIOS for labels in ("given", "true")}
        | dict.fromkeys(("train_margin", "test_margin", "path_norm", "weight_change"), RELATIVE),
        SHARE,
    ),
    "lengths": Kind("measure", lengths, OF_LABELS, RELATIVE),
    "prequential": Kind("measure", prequential, OF_LABELS, RELATIVE),
    "smoother": Kind("measure", of_the_cell("p_eff_train", "p_eff_test", "first_order_gap"), {}, RELATIVE),
}
