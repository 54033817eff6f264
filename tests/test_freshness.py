"""What a stage declares is what it uses: no more reruns than needed, and never one too few."""

import copy
import json
import os
import random
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_dependencies import imported
from tests.workspace import ROOT, TINY, Workspace

pytestmark = pytest.mark.slow
SMALL = TINY | {"lasso": {"runs": 4, "n_features": [5, 60, 80]}}
# another allowed value for every parameter
OTHER: dict[str, dict[str, Any]] = {
    "data": {"name": "mnist", "train_per_class": 19, "test_per_class": 9, "label_noise": 0.3, "seed": 5},
    "grid": {"width": [7], "alpha": [0.7]},
    "train": {
        "seeds": 3,
        "epochs": 3,
        "batch_size": 16,
        "lr": 0.7,
        "eval_every": 2,
        "penalty": "l1",
        "solver": "proximal",
        "penalty_scale": [0.5, 0.5],
        "penalize_bias": False,
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
OTHER_PRUNING: dict[str, dict[str, Any]] = {
    "grid": {"method": ["random"], "retraining": ["scratch"]},
    "prune": {
        "label_noise": 0.3,
        "width": 6,
        "seeds": 3,
        "levels": 3,
        "share": 0.3,
        "epochs": 3,
        "batch_size": 16,
        "lr": 0.3,
    },
}
CELLS = [f"{width}-{alpha}" for width in (2, 3) for alpha in (0.0, 0.1)]
TRAIN, HEAD = {f"train@{cell}" for cell in CELLS}, {"head@2", "head@3"}
PRUNE = {"prune@magnitude-finetune", "prune@magnitude-rewind"}
USERS = {  # of a group's parameters, besides those named below
    "data": {"prepare", "evaluate", "plot", "heads"},
    "train": {"evaluate", "plot", "heads", *TRAIN},
    "lasso": {"lasso"},
    "head": {"heads", *HEAD},
}
MORE_USERS = {"data.name": {"download"}}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.create(tmp_path_factory.mktemp("fresh"), SMALL, prune=True)
    workspace.repro("--all-pipelines")
    return workspace


def stale(workspace: Workspace) -> set[str]:
    """The stages of both pipelines with a changed dependency or parameter of their own."""
    return {name.split(":")[-1] for name in json.loads(workspace.dvc("status", "--json"))}


@pytest.mark.parametrize("key", [f"{group}.{key}" for group in USERS for key in OTHER[group]])
def test_a_changed_parameter_makes_its_users_stale_and_no_other(workspace: Workspace, key: str) -> None:
    text = workspace.read("params.yaml")
    group, name = key.split(".")
    try:
        workspace.change({group: {name: OTHER[group][name]}})
        everyone = {"check", "report"}  # read the file itself
        assert stale(workspace) == everyone | USERS[group] | MORE_USERS.get(key, set())
    finally:
        (workspace.path / "params.yaml").write_text(text)


@pytest.mark.parametrize("key", OTHER_PRUNING["prune"])
def test_a_changed_parameter_of_pruning_makes_its_users_stale_and_no_other(workspace: Workspace, key: str) -> None:
    text = workspace.read("prune/params.yaml")
    try:
        workspace.change({"prune": {key: OTHER_PRUNING["prune"][key]}})
        assert stale(workspace) == {"check", "prune_report"} | PRUNE
    finally:
        (workspace.path / "prune/params.yaml").write_text(text)


@pytest.mark.parametrize(
    ("file", "key", "kept", "added", "made"),
    [
        ("params.yaml", "width", "[2, 7]", {"train@7-0.0", "train@7-0.1", "head@7"}, {"evaluate", "heads"}),
        ("params.yaml", "alpha", "[0.0, 0.7]", {"train@2-0.7", "train@3-0.7"}, {"evaluate"}),
        ("prune/params.yaml", "method", "[magnitude, random]", {"prune@random-finetune", "prune@random-rewind"}, None),
        ("prune/params.yaml", "retraining", "[rewind, scratch]", {"prune@magnitude-scratch"}, None),
    ],
)
def test_a_changed_grid_makes_the_added_cells_and_the_tables_stale_and_no_other_cell(
    workspace: Workspace, file: str, key: str, kept: str, added: set[str], made: set[str] | None
) -> None:
    text = workspace.read(file)
    params = yaml.safe_load(text)
    params["grid"][key] = yaml.safe_load(kept)
    try:
        (workspace.path / file).write_text(yaml.safe_dump(params, sort_keys=False))
        everyone = {"check", "report"} if file == "params.yaml" else {"check", "prune_report"}
        assert stale(workspace) == everyone | added | (made or set())
    finally:
        (workspace.path / file).write_text(text)


@pytest.mark.parametrize(("file", "other"), [("params.yaml", OTHER), ("prune/params.yaml", OTHER_PRUNING)])
def test_every_parameter_is_tried_with_another_value(workspace: Workspace, file: str, other: dict[str, Any]) -> None:
    params = yaml.safe_load(workspace.read(file))
    assert {group: set(keys) for group, keys in other.items()} == {group: set(keys) for group, keys in params.items()}
    assert not [key for group in other for key, value in other[group].items() if params[group][key] == value]


def stages(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Every stage of both pipelines as dvc.lock has it."""
    locked: dict[str, dict[str, Any]] = {}
    for file in ("dvc.lock", "prune/dvc.lock"):
        locked |= yaml.safe_load(workspace.read(file))["stages"]
    return locked


def test_a_changed_source_file_makes_those_that_import_it_stale_and_no_other(workspace: Workspace) -> None:
    users: dict[str, set[str]] = {}
    for name, stage in stages(workspace).items():
        words = shlex.split(stage["cmd"])
        module = "stages.code" if name == "code" else words[2]
        used = {dep["path"] for dep in stage["deps"] if dep["path"].endswith((".html", ".mplstyle", ".csv"))}
        used = {path for path in used if path.startswith(("stages/", "data/paper"))}  # not what other stages make
        for file in imported(module) | used:
            users.setdefault(file, set()).add(name)
    assert {"stages/report.html", "stages/figures.mplstyle", "data/paper_table1.csv"} <= set(users)
    of_train = imported("stages.train")
    for file, importers in users.items():
        path = workspace.path / file
        content = path.read_bytes()
        try:
            path.write_bytes(content + b"\n# a remark\n")
            # the cells have the modules of `train` as one dependency, made by `code`
            assert stale(workspace) == importers - TRAIN | ({"code"} if file in of_train else set()), file
        finally:
            path.write_bytes(content)


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


OWN_FILES = [f"stages/{name}.py" for name in ("check", "prepare", "train", "evaluate", "plot", "lasso", "heads")]
LEFT_OUT = {"name", "label_noise"}  # needs the network; is refused by the pruning study, which adds its own
CHANGES = [
    *(("params.yaml", f"{group}.{key}") for group in USERS for key in OTHER[group] if key not in LEFT_OUT),
    *(("prune/params.yaml", f"prune.{key}") for key in OTHER_PRUNING["prune"]),
    *((file, "") for file in (*OWN_FILES, "stages/core/mlp.py", "stages/core/pruning.py", "stages/core/tables.py")),
]


def test_a_repro_runs_what_is_stale_and_no_other_stage_but_those_downstream(tmp_path: Path) -> None:
    """Two changes drawn from all, or as many as RERUNS says, each from the same committed results."""
    workspace = Workspace.create(tmp_path, SMALL, prune=True)
    workspace.repro("--all-pipelines")
    workspace.commit("results")
    for file, key in random.Random(0).sample(CHANGES, min(len(CHANGES), int(os.environ.get("RERUNS", 2)))):
        group, _, name = key.partition(".")
        if name:
            value = {**OTHER, **OTHER_PRUNING}[group][name]
            with_it = {"penalty": "l1"} if name == "solver" else {}
            workspace.change({group: {name: value} | with_it})
        else:
            (tmp_path / file).write_text(workspace.read(file) + "\n# a remark\n")
        changed = stale(workspace)
        rerun = {name.split(":")[-1] for name in workspace.repro("--all-pipelines")}
        assert changed <= rerun <= changed | downstream(workspace, changed), (file, key)
        assert not stale(workspace), (file, key)
        workspace.git("checkout", "-q", ".")
        workspace.dvc("checkout", "-q", "--force")
        assert not stale(workspace), (file, key)


def others_changed(workspace: Workspace, declared: list[str], file: str = "params.yaml") -> dict[str, Any]:
    """The parameters, all but the declared ones with other values."""
    params: dict[str, Any] = yaml.safe_load(workspace.read(file))
    mixed: dict[str, Any] = copy.deepcopy(OTHER if file == "params.yaml" else OTHER_PRUNING)
    for key in declared:
        group, _, name = key.partition(".")
        if name:
            mixed[group][name] = params[group][name]
        else:
            mixed[group] = params[group]
    return mixed


@pytest.mark.parametrize(
    "name",
    [
        *(
            "check",
            "prepare",
            "code",
            "train@2-0.1",
            "evaluate",
            "verdict",
            "plot",
            "lasso",
            "head@2",
            "heads",
            "report",
        ),
        *("prune@magnitude-rewind", "prune_report"),
    ],
)
def test_a_stage_runs_on_nothing_but_what_it_declares(workspace: Workspace, tmp_path: Path, name: str) -> None:
    """In a folder with its dependencies alone, every parameter that it does not declare changed: the same bytes."""
    stage = stages(workspace)[name]
    sources = shlex.split(stages(workspace)["code"]["cmd"]) if name.startswith("train@") else []
    wanted = [dep["path"] for dep in stage["deps"]] + [word for word in sources if word.endswith(".py")]
    for path in [*wanted, "stages/__init__.py", "stages/core/__init__.py"]:
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (workspace.path / path).is_dir():
            shutil.copytree(workspace.path / path, target)
        else:
            shutil.copy(workspace.path / path, target)
    for file in ("params.yaml", "prune/params.yaml"):
        if file not in wanted:
            params = others_changed(workspace, [*stage.get("params", {}).get(file, {})], file)
            (tmp_path / file).parent.mkdir(exist_ok=True)
            (tmp_path / file).write_text(yaml.safe_dump(params, sort_keys=False))
    Workspace(tmp_path).run(*shlex.split(stage["cmd"]))
    for out in stage["outs"]:
        found = tmp_path / out["path"]
        if name == "report":  # says when and where it was made
            assert found.stat().st_size > 10_000
        else:
            assert found.read_bytes() == (workspace.path / out["path"]).read_bytes(), out["path"]


def test_the_download_needs_the_data_sets_name_alone(workspace: Workspace, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "stages", tmp_path / "stages")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(others_changed(workspace, ["data.name"]), sort_keys=False))
    Workspace(tmp_path).run(*shlex.split(stages(workspace)["download"]["cmd"]))
    raw = "data/raw/images.pt"
    assert (tmp_path / raw).read_bytes() == (workspace.path / raw).read_bytes()
