"""Whatever the parameters' types allow, the stages make results of it or say in one line why not."""

import json
import os
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stages import download, evaluate, heads, images, judge, lasso, plot, prepare, study, train, verdict
from stages.base import console
from stages.base.files import UserError, read_params
from stages.commands import show
from tests.workspace import ABOUT, ROOT, small_studies

POSITIVE = st.one_of(st.floats(1e-30, 1e30), st.sampled_from([1e-30, 1e30, 1e-3, 1.0]))
NOT_NEGATIVE = st.one_of(st.just(0.0), POSITIVE)


def some(values: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=least, max_size=most, unique=True)


PENALTIES = ["induced_1norm", "l1", "l2", "elastic", "group_l1", "group_l1_out", "log_sum", "none"]
ON_IMAGES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "data": {
        "name": st.just("digits"),
        "train_per_class": st.integers(1, 20),
        "test_per_class": st.integers(1, 20),
        "label_noise": st.sampled_from([0.0, 0.2, 0.999]),
        "redraw": st.sampled_from(["none", "noise", "images", "all"]),
        "permute": st.booleans(),
        "seed": st.integers(0, 2**32 - 1),
    },
    "grid": {"width": some(st.integers(1, 4), 1, 3), "alpha": some(st.one_of(NOT_NEGATIVE, st.integers(1, 5)), 1, 4)},
    "train": {
        "seeds": st.integers(1, 5),
        "epochs": st.integers(1, 3),
        "batch_size": st.integers(1, 400),
        "images": st.sampled_from([None, 1, 7, 10]),
        "loss": st.sampled_from(["cross_entropy", "squared"]),
        "rule": st.sampled_from(["sgd", "momentum"]),
        "lr": POSITIVE,
        "schedule": st.sampled_from(["constant", "step", "inverse_sqrt", "cosine", "decay_last"]),
        "eval_every": st.integers(1, 5),
        "average_epochs": st.sampled_from([2, 6]),
        # and its solver
        "penalty": st.sampled_from([*((p, "subgradient") for p in PENALTIES), ("l1", "proximal"), ("l2", "proximal")]),
        "penalty_scale": st.lists(NOT_NEGATIVE, min_size=2, max_size=2),
        "penalize_bias": st.booleans(),
        "shift": st.sampled_from([0, 0, 1, 9]),
        "stop_at_train_error": st.sampled_from([None, 0.0, 0.5]),
    },
    "head": {
        "features": some(st.sampled_from(["trained", "random", "pca", "pixels"]), 1, 4),
        "seeds": st.integers(1, 3),
        "strength": some(POSITIVE, 1, 3).map(sorted),
    },
}
REGRESSION: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "lasso": {
        "seed": st.integers(0, 2**32 - 1),
        "samples": st.integers(10, 200),
        "features": st.integers(6, 12),
        "informative": st.integers(1, 6),
        "noise": NOT_NEGATIVE,
        "alpha": POSITIVE,
        "n_train": st.integers(2, 30),
        "n_features": some(st.integers(1, 40), 3, 6).map(sorted),
        "interpolation_noise": NOT_NEGATIVE,
        "ridge": some(POSITIVE, 0, 2),
        "runs": st.integers(4, 6),
    }
}
PRUNING: dict[str, st.SearchStrategy[Any]] = {
    "method": some(st.sampled_from(["magnitude", "random", "gradient"]), 1, 2),
    "retraining": some(st.sampled_from(["finetune", "lr_rewind", "rewind", "scratch"]), 1, 2),
    "label_noise": st.sampled_from([[0.0], [0.2], [0.0, 0.999]]),
    "width": some(st.integers(1, 4), 1, 2),
    "depth": some(st.integers(1, 2), 1, 2),
    "levels": some(st.integers(2, 20), 2, 2),
    "share": some(st.floats(1e-6, 0.999999), 1, 1),
    "epochs": some(st.integers(1, 2), 1, 2),
    "batch_size": some(st.integers(1, 400), 1, 2),
    "lr": some(POSITIVE, 1, 2),
}


def values(groups: dict[str, dict[str, st.SearchStrategy[Any]]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({group: st.fixed_dictionaries(keys) for group, keys in groups.items()})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def change(groups: dict[str, Any]) -> None:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for group, keys in groups.items():
        params[group] |= keys
    Path("params.yaml").write_text(yaml.safe_dump(params))


def call(stage: ModuleType, *arguments: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        console.call(stage.main, *map(str, arguments))


def no_nan(text: str) -> None:
    pytest.fail(f"{text} in JSON")


def assert_json() -> None:
    """That what was written is standard JSON, in which nothing is nan or infinite."""
    for path in (*Path("metrics").glob("*.json"), *Path("plots").glob("*.json"), *Path("studies").glob("*/*.json")):
        json.loads(path.read_text(), parse_constant=no_nan)


HEADS = ("--models", "models", "--data", "data", "--metrics", "metrics", "--plots", "plots")


def prepared() -> None:
    """The file `data`, from scikit-learn's digits."""
    if not Path("raw").exists():
        call(download, "--out", "raw")
    call(prepare, "--raw", "raw", "--out", "data")


HERE = settings(
    max_examples=int(os.environ.get("EXAMPLES", 1)),
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # an example takes seconds: a failing one is shown as it is
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.slow
@HERE
@given(values(ON_IMAGES))
def test_a_grid_of_allowed_values_ends_in_results_or_in_one_line(folder: Path, groups: dict[str, Any]) -> None:
    groups["train"]["penalty"], groups["train"]["solver"] = groups["train"]["penalty"]
    if groups["data"]["permute"]:
        groups["train"]["shift"] = 0  # which is not allowed together
    change(groups)
    prepared()
    for width in read_params().grid.width:
        call(train, "--width", width, "--data", "data", "--out", f"models/{width}")
    paper = ROOT / "data/paper_table1.csv"
    call(evaluate, "--data", "data", "--models", "models", "--paper", paper, "--out", "metrics")
    call(verdict, "--cells", "metrics/cells.csv", "--data", "data", "--out", "metrics")
    call(plot, "--metrics", "metrics", "--out", "plots")
    call(show)
    assert_json()
    try:
        call(heads, *HEADS)
    except UserError as error:
        assert groups["head"]["features"] == ["trained"]
        assert "every network of the first of grid.alpha diverged" in str(error)
    assert_json()


@pytest.mark.slow
@HERE
@given(values(REGRESSION))
def test_a_regression_of_allowed_values_ends_in_results(folder: Path, groups: dict[str, Any]) -> None:
    change(groups)
    call(lasso, "--metrics", "metrics", "--plots", "plots")
    assert_json()


@pytest.mark.slow
@HERE
@given(st.fixed_dictionaries(PRUNING))
def test_a_study_of_allowed_values_ends_in_results(folder: Path, grid: dict[str, list[Any]]) -> None:
    studies = small_studies()
    studies["readings"] = {}
    studies["studies"] = {"one": {**ABOUT, "trains": "prune", "over": "round", "options": {}, "grid": grid}}
    studies["defaults"]["prune"]["train_per_class"] = studies["defaults"]["prune"]["test_per_class"] = 5
    Path("studies").mkdir(exist_ok=True)
    Path("studies/params.yaml").write_text(yaml.safe_dump(studies))
    call(images, "--name", "one", "--out", "data/one")
    call(study, "--name", "one", "--data", "data/one", "--out", "data/studies/one")
    out = ("--verdicts", "studies/verdicts", "--out", "studies/one")
    call(judge, "--name", "one", "--data", "data/one", "--cells", "data/studies/one", *out)
    assert_json()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("features", "lr", "message"), [(["pixels"], 0.001, None), (["trained"], 1e30, "diverged"), (["pca"], 1e30, None)]
)
def test_heads_of_few_features_or_of_diverged_networks(
    folder: Path, features: list[str], lr: float, message: str | None
) -> None:
    change(
        {
            "data": {"name": "digits", "train_per_class": 5, "test_per_class": 5},
            "grid": {"width": [2], "alpha": [1.0]},
            "train": {"lr": lr, "epochs": 5, "seeds": 2, "penalty": "l2"},
            "head": {"features": features, "strength": [0.1, 1.0]},
        }
    )
    prepared()
    call(train, "--width", 2, "--data", "data", "--out", "models/2")
    if message:
        with pytest.raises(UserError, match=message):
            call(heads, *HEADS)
    else:
        call(heads, *HEADS)
        assert_json()
