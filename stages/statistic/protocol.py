"""How the paper trained, how a set of parameters differs from that, and what a caption says of both."""

from typing import Any

import pandas as pd

from stages.base.params import Data, Grid, Params, Prune, Train
from stages.base.studies import Point
from stages.statistic.tables import axis_value

# arXiv 2401.10686 and its notebook; `seed`, `seeds`, `eval_every` and `average_epochs` are ours
PUBLISHED_DATA = Data(
    name="mnist", path=None, train_per_class=500, test_per_class=500, label_noise=0.0, redraw="none", seed=0
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
    stop_at_train_error=None,
)
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


def _scaled(what: str, scale: list[float]) -> str:
    same = f"{what} the same in all layers"
    return same if set(scale) == {1.0} else f"{what} scaled by {' and '.join(map(axis_value, scale))}"


def _said(data: Data, train: Train) -> dict[str, str]:
    """A phrase for each thing that data and training options decide."""
    noise = f"{axis_value(round(100 * data.label_noise, 9))} % label noise" if data.label_noise else "true labels"
    penalty = f"penalty {train.penalty}, {train.solver}" if train.penalty != "none" else "no penalty"
    stop = train.stop_at_train_error
    momentum = f" {axis_value(train.momentum)}" if train.rule in ("momentum", "nesterov") else ""
    schedule = f"step size: {train.schedule}"
    if train.schedule == "decay_last":
        schedule += f", over {axis_value(train.decay_share)} of the epochs"
    return {
        "data": data.dataset,
        "redraw": redrawn(data.redraw, data.label_noise),
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
        "stop_at_train_error": "no early stop" if stop is None else f"stopped at training error {axis_value(stop)}",
    }


def trained(params: Params) -> str:
    """Data set, penalty, learning rate and epochs, and whatever else is not as published."""
    ours, paper = _said(params.data, params.train), _said(PUBLISHED_DATA, PUBLISHED_TRAIN)
    return ", ".join(phrase for key, phrase in ours.items() if key in ALWAYS_SAID or phrase != paper[key])


def studied(point: Point) -> str:
    """How all cells of a study were trained that has this point: what is not as published, without what varies."""
    seeds = f"{point.train.seeds} seeds"
    if isinstance(point.train, Prune):
        noise = axis_value(round(100 * point.train.label_noise, 9))
        drawn = redrawn(point.data.redraw, point.train.label_noise)
        said = {
            "data": f"{point.data.dataset}, {drawn}",
            "label_noise": f"{noise} % label noise",
            "width": f"width {point.train.width}",
            "lr": f"lr {axis_value(point.train.lr)}, a tenth of it in the second half of each round",
            "epochs": f"{point.train.epochs} epochs a round",
        }
        return ", ".join([*(phrase for key, phrase in said.items() if key not in point.place), seeds])
    ours, paper = _said(point.data, point.train), _said(PUBLISHED_DATA, PUBLISHED_TRAIN)
    varied = {"drawn" if option == "images" else option for option in point.place}
    assert isinstance(point.grid, Grid)
    if "alpha" not in varied and point.grid.alpha == [0.0]:
        ours["penalty"] = "no penalty"
    said = {key: phrase for key, phrase in ours.items() if key in ALWAYS_SAID or phrase != paper[key]}
    return ", ".join([*(phrase for key, phrase in said.items() if key not in varied), seeds])


def how(cells: pd.DataFrame, params: Params) -> str:
    """As `trained`, with the number of seeds and, if there are any, of runs that diverged."""
    diverged = int(cells.diverged.sum())
    said = [trained(params), f"{cells.seed.nunique()} seeds"]
    return ", ".join(said + [f"{diverged} of {len(cells)} runs diverged"] * (diverged > 0))


def caption(cells: pd.DataFrame, params: Params) -> str:
    """As `how`, with the published values of what is not as published."""
    ours, paper = _said(params.data, params.train), _said(PUBLISHED_DATA, PUBLISHED_TRAIN)
    different = [phrase for key, phrase in paper.items() if phrase != ours[key]]
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
