"""How the paper trained, how a set of parameters differs from that, and what a caption says of both."""

from typing import Any

import pandas as pd

from stages.base.params import (
    Data,
    Features,
    Finetune,
    Grid,
    Grow,
    Params,
    Prequential,
    Prune,
    PruneGrid,
    Smooth,
    Train,
)
from stages.base.studies import Point
from stages.statistic.tables import axis_value

# arXiv 2401.10686 and its notebook; `seed`, `seeds`, `eval_every` and `average_epochs` are ours
PUBLISHED_DATA = Data(
    name="mnist",
    path=None,
    train_per_class=500,
    test_per_class=500,
    label_noise=0.0,
    redraw="none",
    permute=False,
    seed=0,
)
PUBLISHED_TRAIN = Train(
    seeds=1,
    images=None,
    depth=1,
    epochs=30,
    batch_size=32,
    loss="cross_entropy",
    rule="sgd",
    lr=0.001,
    lr_scale=[1.0, 1.0],
    momentum=0.9,
    schedule="constant",
    decay_share=0.2,
    eval_every=5,
    average_epochs=6,
    penalty="induced_1norm",
    solver="subgradient",
    penalty_scale=[1.0, 1.0],
    penalize_bias=True,
    shift=0,
    stop_at_train_error=None,
)
NO_PENALTY = PUBLISHED_TRAIN.model_dump(include=set(Train.model_fields) - set(Grow.model_fields)) | {"penalty": "none"}
# with another value of these alone the numbers are still the paper's, but for luck
NO_MATTER = {"path", "seed", "seeds", "eval_every", "average_epochs", "momentum", "decay_share"}
ALWAYS_SAID = ["data", "redraw", "penalty", "lr", "epochs"]
REDRAWN = {  # what a spread over seeds speaks of
    "none": "one training set",
    "noise": "wrong labels redrawn",
    "images": "images redrawn",
    "all": "images and wrong labels redrawn",
}


def is_as_published(params: Params) -> bool:
    """Whether the data and every option of training are the paper's, so that its numbers can stand beside ours."""
    pairs = ((params.data, PUBLISHED_DATA), (params.train, PUBLISHED_TRAIN))
    return all(ours.model_dump(exclude=NO_MATTER) == paper.model_dump(exclude=NO_MATTER) for ours, paper in pairs)


def redrawn(redraw: str, label_noise: float) -> str:
    """What every run draws for itself, in a few words: without wrong labels none are drawn."""
    if not label_noise:
        redraw = {"noise": "none", "all": "images"}.get(redraw, redraw)
    return REDRAWN[redraw]


def _labels(label_noise: float) -> str:
    return f"{axis_value(round(100 * label_noise, 9))} % label noise" if label_noise else "true labels"


def _scaled(what: str, scale: list[float]) -> str:
    same = f"{what} the same in all layers"
    return same if set(scale) == {1.0} else f"{what} scaled by {' and '.join(map(axis_value, scale))}"


def _said(data: Data, train: Train) -> dict[str, str]:
    """A phrase for each thing that data and training options decide."""
    noise = _labels(data.label_noise)
    penalty = f"penalty {train.penalty}, {train.solver}" if train.penalty != "none" else "no penalty"
    stop = train.stop_at_train_error
    momentum = f" {axis_value(train.momentum)}" if train.rule in ("momentum", "nesterov") else ""
    schedule = f"step size: {train.schedule}"
    if train.schedule == "decay_last":
        schedule += f", over {axis_value(train.decay_share)} of the epochs"
    return {
        "data": data.dataset,
        "redraw": redrawn(data.redraw, data.label_noise),
        "permute": "pixels permuted" if data.permute else "pixels in their order",
        "images": f"{data.train_per_class} + {data.test_per_class} images a class",
        "drawn": "all of them for training" if train.images is None else f"{train.images} of them for training",
        "label_noise": noise,
        "depth": f"{train.depth} hidden layer{'s' if train.depth > 1 else ''}",
        "loss": f"loss {train.loss}",
        "rule": f"rule {train.rule}{momentum}",
        "penalty": penalty,
        "penalty_scale": _scaled("penalty", train.penalty_scale),
        "penalize_bias": "biases penalised" if train.penalize_bias else "biases not penalised",
        "lr": f"lr {axis_value(train.lr)}",
        "lr_scale": _scaled("lr", train.lr_scale),
        "schedule": schedule,
        "epochs": f"{train.epochs} epochs",
        "batch_size": f"batches of {train.batch_size}",
        "shift": f"training images shifted by up to {train.shift} pixels" if train.shift else "no shifts",
        "stop_at_train_error": "no early stop" if stop is None else f"stopped at training error {axis_value(stop)}",
    }


PUBLISHED = _said(PUBLISHED_DATA, PUBLISHED_TRAIN)


def _shown(said: dict[str, str]) -> dict[str, str]:
    """The phrases that a caption shows: those that are always said, and those that differ from the published ones."""
    return {key: phrase for key, phrase in said.items() if key in ALWAYS_SAID or phrase != PUBLISHED[key]}


def trained(params: Params) -> str:
    """How the networks of params.yaml were trained, as in a caption."""
    return ", ".join(_shown(_said(params.data, params.train)).values())


def studied(point: Point) -> str:
    """How all cells of a study were trained that has this point: what is not as published, without what varies."""
    data, train = point.data, point.train
    match train:
        case Train():
            said = _shown(_said(data, train))
            assert isinstance(point.grid, Grid)
            said["width"] = f"width {point.grid.width[0]}"
            if "alpha" not in point.place:
                (alpha,) = point.grid.alpha
                said["penalty"] = f"{said['penalty']}, alpha {axis_value(alpha)}" if alpha else "no penalty"
            if isinstance(train, Prequential):
                said["first_block"] = f"labels coded in blocks, the first of {train.first_block}"
        case Smooth():
            said = {
                "data": f"{data.dataset}, {redrawn(data.redraw, data.label_noise)}",
                "drawn": f"{data.train_per_class} images a class",
                "label_noise": _labels(data.label_noise),
                "training": "odd and even classes told apart by all images at once",
                "lr": f"lr {axis_value(train.lr)}",
                "steps": f"{train.steps} steps",
            }
        case Finetune():
            said = {
                "data": f"{data.dataset}, {redrawn(data.redraw, data.label_noise)}",
                "drawn": f"{data.train_per_class} images a class",
                "label_noise": _labels(data.label_noise),
                "backbone": f"{train.backbone} from {train.weights} weights, {train.pixels} pixels a side",
                "frozen": "all of it trained" if train.frozen == "none" else "its last layer alone trained",
                "lr": f"lr {axis_value(train.lr)}, momentum {axis_value(train.momentum)}",
                "epochs": f"{train.epochs} epochs",
            }
        case Grow():
            plain = Train(**train.model_dump(exclude={"widths"}), **NO_PENALTY)
            said = {**_shown(_said(data, plain)), "penalty": "no penalty"}
        case Prune():
            assert isinstance(point.grid, PruneGrid)
            said = {
                "data": f"{data.dataset}, {redrawn(data.redraw, train.label_noise)}",
                "label_noise": _labels(train.label_noise),
                "method": f"pruned by {point.grid.method[0]}",
                "retraining": f"retrained by {point.grid.retraining[0]}",
                "width": f"width {train.width}",
                "lr": f"lr {axis_value(train.lr)}, a tenth of it in the second half of each round",
                "epochs": f"{train.epochs} epochs a round",
                "share": f"{axis_value(round(100 * train.share, 9))} % of the weights pruned a round",
            }
        case Features():
            said = {
                "data": f"{data.dataset}, {redrawn(data.redraw, data.label_noise)}",
                "label_noise": _labels(data.label_noise),
                "drawn": f"{data.train_per_class} images a class"
                + (f", {train.images} of them for training" if train.images else ""),
                "training": "least squares on random ReLU features",
            }
    varied = {"drawn" if option == "images" else option for option in point.place}
    return ", ".join([*(phrase for key, phrase in said.items() if key not in varied), f"{train.seeds} seeds"])


def how(cells: pd.DataFrame, params: Params) -> str:
    """As `trained`, with the number of seeds and, if there are any, of runs that diverged."""
    diverged = int(cells.diverged.sum())
    said = [trained(params), f"{cells.seed.nunique()} seeds"]
    return ", ".join(said + [f"{diverged} of {len(cells)} runs diverged"] * (diverged > 0))


def caption(cells: pd.DataFrame, params: Params) -> str:
    """As `how`, with the published values of what is not as published."""
    ours = _said(params.data, params.train)
    different = [phrase for key, phrase in PUBLISHED.items() if phrase != ours[key]]
    published = f"published: {', '.join(different)}" if different else "as published"
    return f"{how(cells, params)} ({published})"


def differences(now: dict[str, Any], committed: dict[str, Any]) -> list[str]:
    """What differs between two contents of params.yaml, as "train.lr = 0.1 (committed: 0.001)"."""
    ours, theirs = (
        {f"{group}.{key}": value for group, keys in params.items() for key, value in keys.items()}
        for params in (now, committed)
    )
    return [
        f"{key} = {value} (committed: {theirs.get(key, 'none')})"
        for key, value in ours.items()
        if value != theirs.get(key)
    ]
