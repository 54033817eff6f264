"""DVC does not see imports: what dvc.yaml declares must be what the code really imports."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from stages.cells.study import STUDIES, Study

STAGES = {
    name: stage
    for pipeline in ("dvc.yaml", "prune/dvc.yaml")
    for name, stage in yaml.safe_load(Path(pipeline).read_text())["stages"].items()
}


def imported(module: str) -> set[str]:
    """Files of the local modules that a module imports, itself and indirect ones included."""
    found: set[str] = set()
    todo = [module]
    while todo:
        path = Path(todo.pop().replace(".", "/") + ".py")
        if not path.exists() or str(path) in found:
            continue
        found.add(str(path))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("stages"):
                todo += [node.module, *(f"{node.module}.{name.name}" for name in node.names)]
            if isinstance(node, ast.Import):
                todo += [name.name for name in node.names if name.name.startswith("stages")]
    return found


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_every_local_module_that_it_imports_and_on_no_other(name: str) -> None:
    words = STAGES[name]["cmd"].split()
    declared = {dep for dep in STAGES[name]["deps"] if dep.endswith(".py")}
    if name == "train":  # has the digests of its modules as one dependency
        assert "data/code/train.txt" in STAGES["train"]["deps"]
        declared = {word for word in STAGES["code"]["cmd"].split() if word.endswith(".py")}
    needed = imported(words[2]) | {word for word in words if word.endswith(".py")}
    assert declared == needed


@pytest.mark.parametrize("study", STUDIES.values(), ids=list(STUDIES))
def test_a_cells_fingerprint_covers_the_code_that_trains_it(study: Study) -> None:
    assert {f"stages/core/{name}" for name in study.module().CODE} == imported(study.core)


def test_no_stage_imports_another_and_the_core_imports_no_stage() -> None:
    mains = {stage["cmd"].split()[2].replace(".", "/") + ".py" for stage in STAGES.values()}
    for path in Path("stages").glob("*.py"):
        assert not (imported(f"stages.{path.stem}") - {str(path)}) & mains, path
    for path in Path("stages/core").glob("*.py"):
        assert all(file.startswith("stages/core/") for file in imported(f"stages.core.{path.stem}"))


def test_heavy_packages_are_imported_only_where_they_are_used() -> None:
    allowed = {
        "torchvision": {"stages/download.py", "stages/backbone.py"},
        "matplotlib": {
            f"stages/{name}.py" for name in ("compare", "figures", "heads", "lasso", "plot", "prune_report")
        },
    }
    for package, files in allowed.items():
        users = {
            str(p)
            for p in Path("stages").rglob("*.py")
            if f"import {package}" in p.read_text() or f"from {package}" in p.read_text()
        }
        assert users == files
    loaded = "import sys, stages.train; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in modules
    assert {"pandas", "matplotlib", "torchvision", "dvc", "distributed"}.isdisjoint(modules)


def test_every_group_of_parameters_has_a_stage_that_depends_on_it() -> None:
    params = [key for stage in STAGES.values() for key in stage.get("params", [])]
    used = {key.split(".")[0] for key in params if isinstance(key, str)}
    assert used == set(yaml.safe_load(Path("params.yaml").read_text()))
    of_prune = [groups["prune/params.yaml"] for groups in params if isinstance(groups, dict)]
    assert of_prune == [["prune"], None]  # None is all of them
