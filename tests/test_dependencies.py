"""What the code imports: as dvc.yaml declares it, downwards from room to room, and nothing heavy before its time."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml

from stages.base import code
from stages.base.console import call
from stages.commands import deps
from tests.workspace import ROOT, Workspace

STAGES = {
    name: definition.get("do", definition)
    for pipeline in ("dvc.yaml", "studies/dvc.yaml")
    for name, definition in yaml.safe_load((ROOT / pipeline).read_text())["stages"].items()
}
# of stages/, from top to bottom: a file may import from rooms that stand below its own, and from its own
ROOMS = ["", "commands", "cells", "figures", "statistic", "measure", "linear", "training", "base"]
FILES = sorted(path.relative_to(ROOT) for path in ROOT.glob("stages/**/*.py"))


def room(file: Path) -> str:
    return file.parts[1] if len(file.parts) == 3 else ""


def imports(file: Path) -> set[Path]:
    """The files of ours that this file itself imports, also inside functions and for types alone."""
    names = {name for name in code.imports(ast.parse((ROOT / file).read_text())) if name.split(".")[0] == "stages"}
    found = {Path(name.replace(".", "/")).with_suffix(".py") for name in names}
    packages = {Path(name.replace(".", "/")) / "__init__.py" for name in names}
    return {path for path in found | packages if (ROOT / path).is_file()} - {file}


def test_dvc_yaml_declares_what_the_stages_import(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    call(deps.main, "--check")


@pytest.mark.parametrize("name", STAGES)
def test_a_stages_file_has_the_stages_name(name: str) -> None:
    assert STAGES[name]["cmd"].split()[:3] == ["python", "-m", f"stages.{name}"]


def test_beside_the_rooms_stand_stages_alone() -> None:
    assert {file.stem for file in FILES if room(file) == ""} == {*STAGES, "__init__"}


def test_every_folder_is_a_room_and_has_files() -> None:
    assert {room(file) for file in FILES if (ROOT / file).stat().st_size} == set(ROOMS)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_import_goes_upwards(file: Path) -> None:
    here = ROOMS.index(room(file))
    upwards = {str(other) for other in imports(file) if ROOMS.index(room(other)) < here}
    assert upwards == set()


def test_no_stage_imports_another() -> None:
    assert [file for file in FILES if room(file) == "" and any(room(other) == "" for other in imports(file))] == []


def test_no_imports_go_in_a_circle() -> None:
    TopologicalSorter({file: imports(file) for file in FILES}).prepare()  # CycleError names the circle


@pytest.mark.parametrize("sealed", ["training", "base"])
def test_the_sealed_and_the_lowest_room_import_nothing_of_ours_outside_themselves(sealed: str) -> None:
    outside = {str(other) for file in FILES if room(file) == sealed for other in imports(file) if room(other) != sealed}
    assert outside == set()


def test_no_room_holds_more_than_a_quarter_of_the_lines() -> None:
    lines = dict.fromkeys(ROOMS, 0)
    for file in FILES:
        lines[room(file)] += len((ROOT / file).read_text().splitlines())
    assert max(lines.values()) <= sum(lines.values()) / 4, lines


HEAVY = """
import sys
from stages.base.console import call
import stages.{module} as stage
call(stage.main, *sys.argv[1:])
print(*sys.modules)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("check", {"torch", "pandas", "matplotlib", "scipy", "sklearn", "dask", "dvc"}),
        ("download", {"torch", "matplotlib", "dask", "dvc"}),
        ("prepare", {"torch", "pandas", "matplotlib", "scipy", "sklearn", "dask", "dvc"}),
        ("train", {"torch", "pandas", "matplotlib", "scipy", "sklearn", "distributed", "dvc"}),  # cells of the store
        ("verdict", {"torch", "matplotlib", "scipy.stats", "dask", "dvc"}),
        ("plot", {"torch", "scipy.stats", "dask", "dvc"}),
        ("report", {"torch", "scipy.stats", "dask", "dvc"}),
        ("commands.show", {"torch", "dask", "dvc"}),
    ],
)
def test_nobody_pays_for_what_a_stage_does_not_need(workspace: Workspace, module: str, unneeded: set[str]) -> None:
    cmd = STAGES[module]["cmd"] if module in STAGES else "python -m stages.commands.show"
    words = cmd.replace("${item.width}", "2").replace("${key}", "2").split()[3:]
    loaded = workspace.run(sys.executable, "-c", HEAVY.format(module=module), *words).splitlines()[-1].split()
    assert unneeded & set(loaded) == set()


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.built(tmp_path_factory.mktemp("light"))


def test_every_group_of_parameters_has_a_stage_that_depends_on_it() -> None:
    params = [key for stage in STAGES.values() for key in stage.get("params", [])]
    used = {key.split(".")[0] for key in params if isinstance(key, str)}
    assert used == set(yaml.safe_load((ROOT / "params.yaml").read_text()))
    of_studies = [groups["studies/params.yaml"] for groups in params if isinstance(groups, dict)]
    assert of_studies == [
        ["defaults", "readings", "studies"],
        *[["defaults", "studies.${key}"]] * 3,
        *[["defaults", "readings.${key}", "studies.${item.reads}"]] * 2,
        ["readings", "studies"],
    ]
