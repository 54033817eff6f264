"""Whatever the parameters' types allow, the stages make results of it or say in one line why not."""

import json
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stages import download, evaluate, head, heads, lasso, plot, prepare, prune, prune_report, show, train, verdict
from stages.base import console
from stages.base.files import UserError
from stages.base.params import cell_name, parse
from tests.workspace import ROOT

POSITIVE = st.one_of(st.floats(1e-30, 1e30), st.sampled_from([1e-30, 1e30, 1e-3, 1.0]))
NOT_NEGATIVE = st.one_of(st.just(0.0), POSITIVE)


def some(values: st.SearchStrategy[Any], least: int, most: int) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=least, max_size=most, unique=True)


PENALTIES = ["induced_1norm", "l1", "l2", "none"]
ON_IMAGES: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "data": {
        "name": st.just("digits"),
        "train_per_class": st.integers(1, 20),
        "test_per_class": st.integers(1, 20),
        "label_noise": st.sampled_from([0.0, 0.2, 0.999]),
        "seed": st.integers(0, 2**32 - 1),
    },
    "grid": {"width": some(st.integers(1, 4), 1, 3), "alpha": some(st.one_of(NOT_NEGATIVE, st.integers(1, 5)), 1, 4)},
    "train": {
        "seeds": st.integers(1, 5),
        "epochs": st.integers(1, 3),
        "batch_size": st.integers(1, 400),
        "lr": POSITIVE,
        "eval_every": st.integers(1, 5),
        # and its solver
        "penalty": st.sampled_from([*((p, "subgradient") for p in PENALTIES), ("l1", "proximal"), ("l2", "proximal")]),
        "penalty_scale": st.lists(NOT_NEGATIVE, min_size=2, max_size=2),
        "penalize_bias": st.booleans(),
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
PRUNING: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "grid": {
        "method": some(st.sampled_from(["magnitude", "random", "gradient"]), 1, 2),
        "retraining": some(st.sampled_from(["finetune", "lr_rewind", "rewind", "scratch"]), 1, 2),
    },
    "prune": {
        "label_noise": st.sampled_from([0.0, 0.2, 0.999]),
        "width": st.integers(1, 4),
        "seeds": st.integers(1, 5),
        "levels": st.integers(1, 20),
        "share": st.floats(1e-6, 0.999999),
        "epochs": st.integers(1, 2),
        "batch_size": st.integers(1, 400),
        "lr": POSITIVE,
    },
}


def values(groups: dict[str, dict[str, st.SearchStrategy[Any]]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({group: st.fixed_dictionaries(keys) for group, keys in groups.items()})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [])
    return tmp_path


def change(groups: dict[str, Any], file: str = "params.yaml") -> None:
    params = yaml.safe_load((ROOT / file).read_text())
    for group, keys in groups.items():
        params[group] |= keys
    Path(file).parent.mkdir(exist_ok=True)
    Path(file).write_text(yaml.safe_dump(params))


def call(stage: ModuleType, *arguments: object) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        console.call(stage.main, *map(str, arguments))


def no_nan(text: str) -> None:
    pytest.fail(f"{text} in JSON")


def assert_json() -> None:
    """That what was written is standard JSON, in which nothing is nan or infinite."""
    for path in (*Path("metrics").glob("*.json"), *Path("plots").glob("*.json")):
        json.loads(path.read_text(), parse_constant=no_nan)


HERE = settings(
    max_examples=int(os.environ.get("EXAMPLES", 10)),
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
    change(groups)
    if not Path("raw.pt").exists():
        call(download, "--out", "raw.pt")
    call(prepare, "--raw", "raw.pt", "--out", "data.pt")
    grid = parse(Path("params.yaml").read_text()).grid
    for width, alpha in grid.cells():
        out = f"models/{cell_name(width, alpha)}.pt"
        call(train, "--width", width, "--alpha", alpha, "--data", "data.pt", "--out", out)
    paper = ROOT / "data/paper_table1.csv"
    call(evaluate, "--data", "data.pt", "--models", "models", "--paper", paper, "--out", "metrics")
    call(verdict, "--cells", "metrics/cells.csv", "--out", "metrics")
    call(plot, "--metrics", "metrics", "--out", "plots")
    call(show)
    assert_json()
    for width in grid.width:
        cell = f"models/{cell_name(width, grid.alpha[0])}.pt"
        call(head, "--cell", cell, "--data", "data.pt", "--out", f"heads/{width}.csv")
    try:
        call(heads, "--heads", "heads", "--data", "data.pt", "--metrics", "metrics", "--plots", "plots")
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
@given(values(PRUNING))
def test_pruning_of_allowed_values_ends_in_results(folder: Path, groups: dict[str, Any]) -> None:
    change({"data": {"name": "digits", "train_per_class": 5, "test_per_class": 5}})
    change(groups, "prune/params.yaml")
    if not Path("data.pt").exists():
        call(download, "--out", "raw.pt")
        call(prepare, "--raw", "raw.pt", "--out", "data.pt")
    for method in groups["grid"]["method"]:
        for retraining in groups["grid"]["retraining"]:
            how = ("--method", method, "--retraining", retraining)
            call(prune, *how, "--data", "data.pt", "--out", f"pruned/{method}-{retraining}.pt")
    call(prune_report, "--cells", "pruned", "--metrics", "metrics", "--plots", "plots")
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
    call(download, "--out", "raw.pt")
    call(prepare, "--raw", "raw.pt", "--out", "data.pt")
    call(train, "--width", 2, "--alpha", 1.0, "--data", "data.pt", "--out", "cell.pt")
    call(head, "--cell", "cell.pt", "--data", "data.pt", "--out", "heads/2.csv")
    last = ("--heads", "heads", "--data", "data.pt", "--metrics", "metrics", "--plots", "plots")
    if message:
        with pytest.raises(UserError, match=message):
            call(heads, *last)
    else:
        call(heads, *last)
        assert_json()
