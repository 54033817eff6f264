"""End to end: real dvc on a tiny grid, from results that are there already."""

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml
from dvc.exceptions import DvcException
from dvc.repo import Repo

from stages import check, evaluate
from stages.base.console import call
from stages.base.files import UserError
from tests.test_dependencies import STAGES
from tests.workspace import SMALL_READINGS, SMALL_STUDIES, Workspace, ran

pytestmark = pytest.mark.slow
TRAIN = {"train@2", "train@3"}
TABLES = {"evaluate", "verdict", "plot", "heads", "report"}
STUDIES = {*(f"{stage}@{name}" for stage in ("images", "study", "judge") for name in SMALL_STUDIES), "findings"}
STUDIES |= {f"{stage}@{name}" for stage in ("read", "conclude") for name in SMALL_READINGS}
EVERY = {"check", "download", "prepare", "lasso", *TRAIN, *TABLES, *STUDIES}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.built(tmp_path)


def files(workspace: Workspace) -> dict[Path, bytes]:
    """Every result and dvc.lock."""
    folders = ("data/raw", "data/prepared", "data/models", "data/studies", "studies", "metrics", "plots")
    found = [path for folder in folders for path in (workspace.path / folder).rglob("*") if path.is_file()]
    return {path: path.read_bytes() for path in [*found, *workspace.path.glob("**/dvc.lock")]}


def cells(workspace: Workspace) -> pd.DataFrame:
    return pd.read_csv(workspace.path / "metrics/cells.csv")


def test_every_stage_has_run_and_none_runs_twice_and_what_is_committed_stays_so(workspace: Workspace) -> None:
    locked = [yaml.safe_load(workspace.read(file))["stages"] for file in ("dvc.lock", "studies/dvc.lock")]
    assert {name for stages in locked for name in stages} == EVERY
    table = cells(workspace)
    assert len(table) == 2 * 2 * 2
    assert set(table.dataset) == {"digits"}
    assert table.test_error.between(0, 1).all()
    assert workspace.repro("--all-pipelines") == set()
    workspace.run("python", "-m", "stages.commands.repair")
    workspace.run("python", "-m", "stages.commands.pages")
    workspace.run("python", "-m", "stages.commands.show")
    assert workspace.git("status", "--porcelain") == ""


def test_metrics_and_plots_can_be_looked_at(workspace: Workspace) -> None:
    assert "best_error" in workspace.dvc("metrics", "show", "--md")
    shown = json.loads(workspace.dvc("plots", "show", "--json"))
    assert "error" not in json.dumps(list(shown))


BAD = [
    ("lr: 0.001", "lr: '1e-3'", "train.lr: '1e-3' is text to YAML"),
    ("epochs: 2", f"epochs: {10**20}", f"train.epochs: {10**20} should be less than or equal to"),
    (
        "name: digits",
        "name: cifar",
        "data.name: 'cifar' should be 'mnist', 'fashion_mnist', 'kmnist', 'digits' or 'file'",
    ),
    ("name: digits", "name: file", "data.path: None is no path, and name is 'file'"),
]
BAD_FOR_DVC = [  # which makes the cells from them, before any stage runs
    ("name: digits", "name: !!python/name:os.system x", "not valid YAML: could not determine a constructor"),
    ("epochs: 2", "epochs: !!int ''", "not valid YAML: "),
    ("  width:\n  - 2\n  - 3", "  width: 5", "grid.width: 5 should be a valid list"),
    ("  width:", "  widht:", "grid.widht: unknown key"),
    ("grid:", "grid: [", "not valid YAML: "),
]


@pytest.mark.parametrize(("old", "new", "message"), [*BAD, *BAD_FOR_DVC])
def test_a_bad_parameter_touches_no_result_and_its_line_says_how_to_take_it_back(
    workspace: Workspace,
    old: str,
    new: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    text, before = workspace.read("params.yaml"), files(workspace)
    assert old in text
    (workspace.path / "params.yaml").write_text(text.replace(old, new))
    monkeypatch.chdir(workspace.path)
    with pytest.raises(UserError) as error:
        call(check.main, "--out", "data/params.ok")
    assert str(error.value).startswith(f"params.yaml: {message}")
    assert str(error.value).endswith("git checkout params.yaml takes it back)")
    assert "\n" not in str(error.value)
    with pytest.raises((DvcException, TypeError, LookupError)), Repo(".") as repo:
        repo.reproduce()
    told = capfd.readouterr().err.count(f"error: {error.value}\n")
    assert told == ((old, new, message) in BAD)
    assert files(workspace) == before


def test_a_person_reads_one_line_of_a_bad_parameter_and_no_traceback(workspace: Workspace) -> None:
    before = files(workspace)
    line = "error: params.yaml: train.seeds: 0 should be greater than or equal to 1"
    remedy = "(git diff params.yaml shows what changed, git checkout params.yaml takes it back)"
    output = workspace.dvc("exp", "run", "-S", "train.seeds=0", ok=False)
    assert f"{line} {remedy}\n" in output
    assert "Traceback" not in output
    assert workspace.run("python", "-m", "stages.check", "--out", "data/params.ok", ok=False) == f"{line} {remedy}\n"
    assert files(workspace) == before
    workspace.git("checkout", "params.yaml")
    assert workspace.repro() <= {"check"}


def test_check_says_where_there_are_fewer_seeds_than_a_verdict_takes(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.path)
    for seeds, few in ((2, True), (3, False)):
        workspace.change({"train": {"seeds": seeds}})
        call(check.main, "--out", "data/params.ok")
        said = capfd.readouterr().err
        assert (f"params.yaml: train.seeds: {seeds}: under 3 seeds every answer is undecided" in said) == few


def test_an_added_alpha_trains_its_own_cells_alone_and_one_that_comes_back_none(
    workspace: Workspace,
) -> None:
    workspace.change({"grid": {"alpha": [0.0, 0.1, 1.0e-5]}})
    output = workspace.dvc("repro", "evaluate")
    assert ran(output) == {"check", *TRAIN, "evaluate"}
    assert "width 2: 1 cell trained, 2 from the store" in output
    assert "width 3: 1 cell trained, 2 from the store" in output
    assert set(cells(workspace).alpha) == {0.0, 0.1, 1e-5}
    workspace.git("checkout", "params.yaml")
    output = workspace.dvc("repro", "evaluate")
    assert re.findall(r"([0-9]+) cells? trained", output) in ([], ["0", "0"])  # DVC's run-cache may have them, too
    assert workspace.git("status", "--porcelain") == ""


def test_a_removed_width_leaves_the_tables(workspace: Workspace) -> None:
    before = cells(workspace)
    workspace.change({"grid": {"width": [2]}})
    assert workspace.repro("evaluate") == {"check", "evaluate"}
    pd.testing.assert_frame_equal(cells(workspace), before[before.width == 2])
    assert (workspace.path / "data/models/3").exists()  # ... but not the disk: DVC keeps it


def test_a_damaged_cell_is_named_with_its_remedy(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workspace.path)
    evaluation = shlex.split(STAGES["evaluate"]["cmd"])[3:]
    name = "data/models/3/0.1.safetensors"
    cell = workspace.path / name
    whole = cell.read_bytes()
    cell.unlink()  # not a byte of what DVC's cache may share with it
    cell.write_bytes(whole[:-100])
    with pytest.raises(UserError) as error:
        call(evaluate.main, *evaluation)
    assert f"{name} cannot be read" in str(error.value)
    assert str(error.value).endswith("dvc repro -f train@3")
    assert "\n" not in str(error.value)
    cell.unlink()
    with pytest.raises(UserError, match=f"{name} is missing; to make it: dvc repro -f train@3"):
        call(evaluate.main, *evaluation)
    assert "train@3" in workspace.repro("-s", "-f", "train@3")
    assert cell.read_bytes() == whole


def test_one_process_on_one_core_and_several_give_the_same_bytes(workspace: Workspace) -> None:
    workspace.change({"grid": {"alpha": [0.0, 50.0]}, "train": {"seeds": 3}})
    command = shlex.split("python -m stages.train --width 30 --data data/prepared/data.safetensors --out")
    workspace.run(*command, "many", SDD_WORKERS="3", OMP_NUM_THREADS="2", SDD_STORE=str(workspace.path / "store"))
    workspace.run("taskset", "-c", "0", *command, "one", SDD_WORKERS="1", OMP_NUM_THREADS="1", SDD_STORE="another")
    one, many = ([path.read_bytes() for path in sorted((workspace.path / name).iterdir())] for name in ("one", "many"))
    assert len(one) == 2
    assert one == many
