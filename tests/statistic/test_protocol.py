"""What is comparable with the paper, and what a caption says."""

from typing import Any

import pandas as pd
import pytest

from stages.base.params import Data, Params, Train, parse
from stages.statistic.protocol import NO_MATTER, caption, differences, how, is_as_published
from tests.workspace import ROOT

PUBLISHED = parse((ROOT / "params.yaml").read_text())
OTHER: dict[str, dict[str, Any]] = {
    "data": {
        "name": "digits",
        "path": "data/own/other.npz",
        "train_per_class": 400,
        "test_per_class": 74,
        "label_noise": 0.2,
        "redraw": "all",
        "permute": True,
        "seed": 1,
    },
    "train": {
        "seeds": 3,
        "images": 1000,
        "depth": 2,
        "epochs": 60,
        "batch_size": 64,
        "loss": "squared",
        "rule": "adam",
        "lr": 0.1,
        "lr_scale": [1.0, 0.5],
        "momentum": 0.5,
        "schedule": "decay_last",
        "decay_share": 0.5,
        "eval_every": 1,
        "average_epochs": 4,
        "penalty": "none",
        "solver": "proximal",
        "penalty_scale": [1.0, 0.5],
        "penalize_bias": False,
        "shift": 1,
        "stop_at_train_error": 0.0,
    },
}
CELLS = pd.DataFrame({"seed": [0, 1, 2], "diverged": False})


def changed(group: str, key: str) -> Params:
    part = getattr(PUBLISHED, group)
    return PUBLISHED.model_copy(update={group: part.model_copy(update={key: OTHER[group][key]})})


def test_the_committed_parameters_are_the_papers() -> None:
    assert is_as_published(PUBLISHED)
    assert (
        how(CELLS, PUBLISHED)
        == "mnist, one training set, penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 3 seeds"
    )
    assert caption(CELLS, PUBLISHED) == f"{how(CELLS, PUBLISHED)} (as published)"


def test_there_is_another_value_of_every_option() -> None:
    assert {*OTHER["data"]} == {*Data.model_fields}
    assert {*OTHER["train"]} == {*Train.model_fields}


@pytest.mark.parametrize(("group", "key"), [(group, key) for group in OTHER for key in OTHER[group]])
def test_any_other_option_is_named_and_makes_the_papers_numbers_incomparable(group: str, key: str) -> None:
    params = changed(group, key)
    assert is_as_published(params) == (key in NO_MATTER)
    assert (how(CELLS, params) == how(CELLS, PUBLISHED)) == (key in NO_MATTER)
    assert ("published: " in caption(CELLS, params)) == (key not in NO_MATTER)


def test_a_caption_gives_both_values_and_counts_the_runs_that_diverged() -> None:
    assert caption(CELLS.assign(diverged=[True, False, True]), changed("train", "lr")) == (
        "mnist, one training set, penalty induced_1norm, subgradient, lr 0.1, 30 epochs, 3 seeds, "
        "2 of 3 runs diverged (published: lr 0.001)"
    )


def test_close_values_of_an_option_are_told_apart() -> None:
    train = PUBLISHED.train.model_copy(update={"lr": 0.0010000001})
    assert "lr 0.0010000001" in how(CELLS, PUBLISHED.model_copy(update={"train": train}))


def test_what_differs_from_other_parameters_is_listed_with_both_values() -> None:
    now, then = {"train": {"lr": 0.1, "new": 1}, "grid": {"width": [5]}}, {"train": {"lr": 0.2}, "grid": {"width": [5]}}
    assert differences(now, then) == ["train.lr = 0.1 (committed: 0.2)", "train.new = 1 (committed: none)"]
