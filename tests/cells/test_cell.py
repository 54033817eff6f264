"""What makes a cell another cell, and what does not."""

import ast
import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages.base.files import read_params
from stages.base.params import Train
from stages.base.studies import WAYS
from stages.cells import cell
from stages.cells.cell import (
    Cell,
    Maker,
    digest_of,
    file_name,
    fingerprint,
    fit_cell,
    maker_here,
)
from tests.cells.project import pruned
from tests.workspace import ROOT

MAKER = Maker(code={"fit": "code", "prune": "code"}, torch="2.15.0", device="cpu", data="data")
TRAINING = ROOT / "stages/training"
DATA, TRAIN = read_params().data, read_params().train


def name(of: Cell, maker: Maker = MAKER) -> str:
    return digest_of(fingerprint(of, maker))


def grid(**changes: object) -> Cell:
    return fit_cell(DATA, TRAIN.model_copy(update=changes), 10, 25, 0.1, "data/models/25")


OTHER = {
    "seeds": 11,
    "images": 4999,
    "depth": 2,
    "epochs": 31,
    "batch_size": 33,
    "loss": "squared",
    "rule": "adam",
    "lr": 0.0010000001,
    "lr_scale": [1.0, 0.5],
    "momentum": 0.95,
    "schedule": "cosine",
    "decay_share": 0.3,
    "eval_every": 6,
    "average_epochs": 4,
    "penalty": "l1",
    "solver": "proximal",
    "penalty_scale": [1.0, 2.0],
    "penalize_bias": False,
    "shift": 1,
    "stop_at_train_error": 0.0,
}


@pytest.mark.parametrize("key", Train.model_fields)
def test_every_key_of_train_decides_a_cell(key: str) -> None:
    assert name(grid(**{key: OTHER[key]})) != name(grid())


@pytest.mark.parametrize("change", [{"label_noise": 0.1}, {"redraw": "all"}, {"seed": 1}, {"train_per_class": 400}])
def test_what_draws_the_training_set_decides_a_cell(change: dict[str, object]) -> None:
    assert name(fit_cell(DATA.model_copy(update=change), TRAIN, 10, 25, 0.1, "x")) != name(grid())


def test_width_alpha_and_kind_of_training_decide_a_cell() -> None:
    prune = [pruned(method, how) for method in ("magnitude", "random") for how in ("rewind", "scratch")]
    near = [
        fit_cell(DATA, TRAIN, 10, width, alpha, "x") for width in (5, 50) for alpha in (0.1, 0.1 + 1e-18, 0.1 + 1e-16)
    ]
    assert len({name(one) for one in prune + near}) == len(prune) + 4  # 0.1 + 1e-18 is 0.1


@pytest.mark.parametrize("part", [field.name for field in dataclasses.fields(Maker)])
def test_code_torch_device_and_data_decide_a_cell(part: str) -> None:
    other: Any = {"fit": "other"} if part == "code" else "other"
    assert name(grid(), dataclasses.replace(MAKER, **{part: other})) != name(grid())


def test_a_cells_folder_and_its_name_in_messages_decide_nothing() -> None:
    here = grid()
    assert name(dataclasses.replace(here, name="other", path=Path("elsewhere/x"))) == name(here)
    as_yaml_reads_10_and_10_0 = [fit_cell(DATA, TRAIN, 10, 25, alpha, "x") for alpha in (10, 10.0)]
    assert len({name(cell) for cell in as_yaml_reads_10_and_10_0}) == 1


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of which procedures' code is digested, as a copy."""
    folder = tmp_path / "stages/training"
    shutil.copytree(TRAINING, folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cell, "ROOT", tmp_path)
    return folder


def changed_by(path: Path) -> set[str]:
    """The procedures whose cells are stale when a remark is added to the file."""
    before, content = cell.code_of_training(), path.read_bytes()
    path.write_bytes(content + b"#")
    after = cell.code_of_training()
    path.write_bytes(content)
    return {procedure for procedure, digest in before.items() if after[procedure] != digest}


def test_a_cells_code_is_all_that_its_procedure_imports_and_nothing_else(copied: Path) -> None:
    stale = {path.name: changed_by(path) for path in copied.glob("*.py")}
    assert stale["mlp.py"] == stale["batch.py"] == stale["options.py"] == set(WAYS)
    assert stale["fit.py"] == {"fit", "prune", "grow", "prequential"}
    assert [stale[f"{name}.py"] for name in ("prune", "grow", "features")] == [{"prune"}, {"grow"}, {"features"}]
    assert [name for name in stale if not stale[name]] == ["procedures.py"]
    (copied.parent / "train.py").write_text("other = code\n")
    assert changed_by(copied.parent / "train.py") == set()


def test_a_file_that_is_renamed_is_other_code(copied: Path) -> None:
    here = cell.code_of_training()
    for path in copied.glob("*.py"):
        path.write_text(path.read_text().replace("schedule", "timetable"))
    (copied / "schedule.py").rename(copied / "timetable.py")
    assert cell.code_of_training()["fit"] != here["fit"]


def test_what_this_checkout_would_train_with_is_known_without_torch() -> None:
    code = (
        "import sys; from stages.cells import make, cell; "
        "print(cell.maker_here('data', 'cpu')); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(maker_here("data", "cpu"))


def test_the_training_room_imports_nothing_of_ours_from_outside() -> None:
    for path in TRAINING.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.split(".")[0] in ("stages", "tests")]
            assert all(name.startswith("stages.training") for name in ours), path
            assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: a relative import"


def test_two_points_of_a_grid_never_share_a_file() -> None:
    assert file_name(0.1) == "0.1.safetensors"
    assert file_name("magnitude", "lr_rewind") == "magnitude-lr_rewind.safetensors"
    alphas = [0.0, 1e-30, 1e30, 0.1, 0.1 + 1e-16, 1.0, 10.0]
    paths = {fit_cell(DATA, TRAIN, 10, width, alpha, f"models/{width}").path for width in (1, 10) for alpha in alphas}
    assert len(paths) == 2 * len(alphas)
