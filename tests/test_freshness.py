"""What a stage declares is what it uses: no more reruns than needed, and never one too few."""

import copy
import json
import os
import random
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from stages.base.code import imported
from tests.workspace import SMALL_READINGS, SMALL_STUDIES, Workspace, some

pytestmark = pytest.mark.slow
# another allowed value for every parameter
OTHER: dict[str, dict[str, Any]] = {
    "data": {
        "name": "mnist",
        "path": "data/own/other.npz",
        "train_per_class": 19,
        "test_per_class": 9,
        "label_noise": 0.3,
        "redraw": "all",
        "permute": True,
        "seed": 5,
    },
    "grid": {"width": [7], "alpha": [0.7]},
    "train": {
        "seeds": 3,
        "images": 150,
        "depth": 2,
        "epochs": 3,
        "batch_size": 16,
        "loss": "squared",
        "rule": "momentum",
        "lr": 0.7,
        "lr_scale": [1.0, 0.5, 1.0],
        "momentum": 0.8,
        "schedule": "cosine",
        "decay_share": 0.5,
        "eval_every": 2,
        "average_epochs": 2,
        "penalty": "l1",
        "solver": "proximal",
        "penalty_scale": [0.5, 0.5, 1.0],
        "penalize_bias": False,
        "shift": 1,
        "stop_at_train_error": 0.4,
    },
    "lasso": {
        "seed": 1,
        "samples": 4000,
        "features": 60,
        "informative": 20,
        "noise": 0.1,
        "alpha": 0.2,
        "n_train": 50,
        "n_features": [5, 50, 90],
        "interpolation_noise": 0.7,
        "ridge": [3.0],
        "runs": 5,
    },
    "head": {"features": ["random"], "seeds": 1, "strength": [0.5], "backbone": "resnet18"},
}
TRAIN = {"train@2", "train@3"}
USERS = {  # of a group's parameters, besides those named below
    "data": {"evaluate", "plot", "heads"},
    "train": {"evaluate", "plot", "heads", *TRAIN},
    "lasso": {"lasso"},
    "head": {"heads"},
}
MORE_USERS = {
    "data.name": {"download", "prepare"},
    "data.path": {"download"},
    "data.train_per_class": {"download", "prepare", *TRAIN},
    "data.test_per_class": {"download", "prepare"},
    "data.label_noise": {*TRAIN},
    "data.redraw": {"download", "prepare", *TRAIN},
    "data.permute": {"prepare"},
    "data.seed": {*TRAIN},
}
OF_STUDY = {name: {f"{stage}@{name}" for stage in ("images", "study", "judge")} for name in SMALL_STUDIES}
for name, reading in SMALL_READINGS.items():
    OF_STUDY[reading["reads"]] |= {f"read@{name}", f"conclude@{name}"}
EVERY_CELL = {*TRAIN, *(f"study@{name}" for name in SMALL_STUDIES)}  # the stages that train


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.built(tmp_path_factory.mktemp("fresh"))


def test_dvc_itself_says_of_a_change_what_these_tests_read(workspace: Workspace) -> None:
    text = workspace.read("params.yaml")
    try:
        workspace.change({"train": OTHER["train"]})
        told = json.loads(workspace.dvc("status", "--json"))
        assert {name.split(":")[-1] for name in told} == workspace.stale() == {"check", "report"} | USERS["train"]
    finally:
        (workspace.path / "params.yaml").write_text(text)
    assert workspace.stale() == set()


def test_dvc_sees_a_study_once_though_a_link_leads_to_it(workspace: Workspace) -> None:
    assert (workspace.path / "data/judged/dvc.yaml").exists()
    with Repo(str(workspace.path)) as repo:
        read = {Path(stage.path).relative_to(workspace.path) for stage in repo.index.stages}
    assert read == {Path("dvc.yaml"), Path("studies/dvc.yaml")}


@pytest.mark.parametrize("key", some([f"{group}.{key}" for group in USERS for key in OTHER[group]], 8))
def test_a_changed_parameter_makes_its_users_stale_and_no_other(workspace: Workspace, key: str) -> None:
    text = workspace.read("params.yaml")
    group, name = key.split(".")
    try:
        workspace.change({group: {name: OTHER[group][name]}})
        everyone = {"check", "report"}  # read the file itself
        assert workspace.stale() == everyone | USERS[group] | MORE_USERS.get(key, set())
    finally:
        (workspace.path / "params.yaml").write_text(text)


@pytest.mark.parametrize("name", SMALL_STUDIES)
def test_a_changed_study_makes_its_own_stages_stale_and_no_other(workspace: Workspace, name: str) -> None:
    with changed_studies(workspace) as studies:
        studies["studies"][name]["options"]["seeds"] = 3
    try:
        assert workspace.stale() == {*OF_STUDY[name], "findings", "report"}
    finally:
        workspace.git("checkout", "-q", "studies/params.yaml")


def test_changed_defaults_make_all_studies_stale(workspace: Workspace) -> None:
    with changed_studies(workspace) as studies:
        studies["defaults"]["fit"]["seeds"] = 3
    try:
        assert workspace.stale() == set.union(*OF_STUDY.values()) | {"report"}
    finally:
        workspace.git("checkout", "-q", "studies/params.yaml")


@contextmanager
def changed_studies(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """The contents of studies/params.yaml, which are written when the caller has changed them."""
    path = workspace.path / "studies/params.yaml"
    studies = yaml.safe_load(path.read_text())
    yield studies
    path.write_text(yaml.safe_dump(studies, sort_keys=False))


@pytest.mark.parametrize(
    ("file", "key", "values", "users"),
    [
        ("params.yaml", "width", "[2, 7]", {"report", "train@7", "evaluate", "heads"}),  # and train@2 is not
        ("params.yaml", "alpha", "[0.0, 0.7]", {"report", "evaluate", "heads", *TRAIN}),
    ],
)
def test_a_changed_grid_makes_what_has_other_cells_stale_and_no_other(
    workspace: Workspace, file: str, key: str, values: str, users: set[str]
) -> None:
    text = workspace.read(file)
    params = yaml.safe_load(text)
    params["grid"][key] = yaml.safe_load(values)
    try:
        (workspace.path / file).write_text(yaml.safe_dump(params, sort_keys=False))
        assert workspace.stale() == {"check"} | users
    finally:
        (workspace.path / file).write_text(text)


def test_every_parameter_is_tried_with_another_value(workspace: Workspace) -> None:
    params = yaml.safe_load(workspace.read("params.yaml"))
    assert {group: set(keys) for group, keys in OTHER.items()} == {group: set(keys) for group, keys in params.items()}
    assert not [key for group in OTHER for key, value in OTHER[group].items() if params[group][key] == value]


def stages(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Every stage of both pipelines as dvc.lock has it."""
    locked: dict[str, dict[str, Any]] = {}
    for file in ("dvc.lock", "studies/dvc.lock"):
        locked |= yaml.safe_load(workspace.read(file))["stages"]
    return locked


def test_a_changed_source_file_makes_those_that_import_it_stale_and_no_other(workspace: Workspace) -> None:
    """Of some files, or with RERUNS of all."""
    paths = [path for path in workspace.path.glob("stages/**/*") if path.is_file() and path.stat().st_size]
    files = {str(path.relative_to(workspace.path)) for path in paths if "__pycache__" not in path.parts}
    sealed = {file for file in files if file.startswith("stages/training/")}  # all code that decides a cell's bytes
    users: dict[str, set[str]] = {file: set() for file in files | {"data/paper_table1.csv", "data/mnist_subset.npz"}}
    for name, stage in stages(workspace).items():
        code = sealed if name in EVERY_CELL else imported(module(stage))
        for file in {*code, *(dep["path"] for dep in stage["deps"])} & set(users):
            users[file].add(name)
    assert all(
        users[file]
        for file in map("stages/figures/{}".format, ("page.html", "page.css", "page.js", "chart.js", "style.mplstyle"))
    )
    for file, importers in ((file, users[file]) for file in some(sorted(users), 8)):
        path = workspace.path / file
        content = path.read_bytes()
        try:
            path.write_bytes(content + b"\n# a remark\n")
            assert workspace.stale() == importers, file
        finally:
            path.write_bytes(content)


def module(stage: dict[str, Any]) -> str:
    """The module that a stage runs."""
    return shlex.split(stage["cmd"])[2]


@pytest.mark.parametrize("file", some(["stages/base/params.py", "stages/cells/make.py"], 1))
def test_a_change_of_any_code_but_the_sealed_trains_nothing(tmp_path: Path, file: str) -> None:
    """Neither the schema of the parameters, nor how YAML is read, nor progress, nor an error's words decide a cell."""
    workspace = Workspace.built(tmp_path)
    (tmp_path / file).write_text(workspace.read(file) + "\n# a remark\n")
    assert workspace.repro("train", "studies/dvc.yaml:study") & EVERY_CELL == set()
    # where DVC is told to run the stage nevertheless, the store has its cells
    assert "width 2: 0 cells trained, 2 from the store" in workspace.dvc("repro", "-s", "-f", "train@2")


def downstream(workspace: Workspace, some: set[str]) -> set[str]:
    """The stages that read, in one step or several, what these make."""
    locked = stages(workspace)
    found: set[str] = set()
    while True:
        made = {Path(out["path"]) for name in some | found for out in locked[name]["outs"]}
        more = {
            name
            for name, stage in locked.items()
            for dep in stage["deps"]
            if made & {Path(dep["path"])} or Path(dep["path"]) in {folder for path in made for folder in path.parents}
        }
        if more <= found:
            return found
        found |= more


OWN_FILES = [f"stages/{name}.py" for name in ("check", "prepare", "evaluate", "plot", "lasso", "heads")]
SHARED_FILES = ["stages/training/mlp.py", "stages/training/prune.py", "stages/statistic/tables.py"]
LEFT_OUT = {"name", "depth", "lr_scale", "penalty_scale"}  # the first needs the network, the others each other
CHANGES = [
    *(("params.yaml", f"{group}.{key}") for group in USERS for key in OTHER[group] if key not in LEFT_OUT),
    *((file, "") for file in (*OWN_FILES, *SHARED_FILES)),
]


@pytest.mark.parametrize(
    ("file", "key"), random.Random(0).sample(CHANGES, min(len(CHANGES), int(os.environ.get("RERUNS", 1))))
)
def test_a_repro_runs_what_is_stale_and_no_other_stage_but_those_downstream(
    tmp_path: Path, file: str, key: str
) -> None:
    """One change drawn from all, or as many as RERUNS says."""
    workspace = Workspace.built(tmp_path)
    group, _, name = key.partition(".")
    if name:
        value = OTHER[group][name]
        with_it = {"penalty": "l1"} if name == "solver" else {}
        workspace.change({group: {name: value} | with_it})
    else:
        (tmp_path / file).write_text(workspace.read(file) + "\n# a remark\n")
    changed = workspace.stale()
    rerun = {name.split(":")[-1] for name in workspace.repro("--all-pipelines")}
    assert changed <= rerun <= changed | downstream(workspace, changed)
    assert not workspace.stale()
    workspace.git("checkout", "-q", ".")
    workspace.dvc("checkout", "-q", "--force")
    # what DVC does not keep, because the store does
    assert workspace.stale() <= set.union(*OF_STUDY.values())


def others_changed(workspace: Workspace, declared: list[str]) -> dict[str, Any]:
    """The parameters, all but the declared ones with other values."""
    params: dict[str, Any] = yaml.safe_load(workspace.read("params.yaml"))
    mixed: dict[str, Any] = copy.deepcopy(OTHER)
    for key in declared:
        group, _, name = key.partition(".")
        if name:
            mixed[group][name] = params[group][name]
        else:
            mixed[group] = params[group]
    if mixed["train"]["shift"]:
        mixed["data"]["permute"] = False  # pixels that are permuted cannot be shifted
    return mixed


ALL = ["check", "download", "prepare", "train@2", "evaluate", "verdict", "plot", "lasso", "heads", "report"]
ALL += [*sorted(OF_STUDY["pruned"]), "findings"]


@pytest.mark.parametrize("name", some(ALL, 3))
def test_a_stage_runs_on_nothing_but_what_it_declares(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """Some stages, or with RERUNS all.

    In a folder with its dependencies alone, every parameter that it does not declare changed: the same bytes.
    """
    stage = stages(workspace)[name]
    wanted = [dep["path"] for dep in stage["deps"]]
    # what the sealed folder does not hold cannot change a cell, but is needed to run
    for path in ["stages"] if name in EVERY_CELL else wanted:
        copy_to(tmp_path, workspace, path)
    for path in wanted:
        copy_to(tmp_path, workspace, path)
    if "params.yaml" not in wanted:
        params = others_changed(workspace, [*stage.get("params", {}).get("params.yaml", {})])
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    if "studies/params.yaml" in stage.get("params", {}):
        copy_to(tmp_path, workspace, "studies/params.yaml")
    Workspace(tmp_path).run(*shlex.split(stage["cmd"]))
    for out in stage["outs"]:
        for made in everything_in(workspace.path / out["path"]):
            assert (tmp_path / made.relative_to(workspace.path)).read_bytes() == made.read_bytes(), made


def copy_to(folder: Path, workspace: Workspace, path: str) -> None:
    source, target = workspace.path / path, folder / path
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)


def everything_in(path: Path) -> list[Path]:
    """The files of a folder, or the file itself."""
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
