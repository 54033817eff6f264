"""No space, no permission, no folder: one clear line, and earlier results as they were."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cells.project import Project, command
from tests.official import OFFICIAL, needs_official
from tests.workspace import TINY, Workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system takes root"),
]


def mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mount {' '.join(arguments)}: {done.stderr.strip()}")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.built(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    changes = {"grid": {"width": [2], "alpha": [0.1 * place for place in range(8)]}}
    return Project.of(tmp_path, TINY | changes).with_code()


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def small(workspace: Workspace) -> Iterator[Path]:
    """metrics/ on a file system with room for what is in it, and little more."""
    folder = workspace.path / "metrics"
    before = state(folder)
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    try:
        for name, content in before.items():
            (folder / name).write_bytes(content)
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def told(output: str) -> str:
    """The one line that a person gets."""
    lines = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, output
    assert "Traceback" not in output
    return lines[0]


EVALUATE = (
    "python -m stages.evaluate --data data/prepared/data.safetensors --models data/models --paper data/paper_table1.csv"
)
INTO = [*EVALUATE.split(), "--out"]


def test_a_full_disk_ends_a_stage_in_one_line_and_leaves_the_files_as_they_were(
    workspace: Workspace, small: Path
) -> None:
    subprocess.run(["dd", "if=/dev/zero", f"of={small}/ballast"], capture_output=True)  # until it is full
    before = state(small)
    output = workspace.run(*INTO, "metrics", ok=False)
    assert re.fullmatch(r"error: metrics/\S+ cannot be written: No space left on device", told(output))
    assert state(small) == before


def test_a_stage_that_fails_under_dvc_leaves_the_earlier_results_as_they_were(
    workspace: Workspace, small: Path
) -> None:
    subprocess.run(["dd", "if=/dev/zero", f"of={small}/ballast"], capture_output=True)
    before = state(small)
    output = workspace.dvc("repro", "--force", "--single-item", "evaluate", ok=False)
    assert "No space left on device" in told(output)
    assert state(small) == before


@contextmanager
def full_at(folder: Path, size: str) -> Iterator[None]:
    """The folder is a file system of that size while this lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_while_cells_are_trained_keeps_those_that_were_finished(project: Project) -> None:
    with full_at(project.path / "data/models", "12k"):
        output = project.run(*command(2), ok=False)
        written = [path for path in (project.path / "data/models/2").iterdir() if path.suffix != ".safetensors"]
    assert re.fullmatch(r"error: data/models/2/\S+ cannot be written: No space left on device\n", output)
    assert written == []
    kept = len(project.kept())
    assert kept > 0
    assert project.run(*command(2)) == f"width 2: {8 - kept} cells trained, {kept} from the store\n"


def test_a_full_store_is_said_once_and_costs_nothing(project: Project) -> None:
    with full_at(project.store, "12k"):
        said = project.run(*command(2)).splitlines()
        assert {path.suffix for path in project.store.iterdir()} <= {".safetensors"}
    assert re.fullmatch(r"the store keeps nothing new: \S+ cannot be written: No space left on device", said[0])
    assert said[1:] == ["width 2: 8 cells trained, 0 from the store"]
    assert len(project.models()) == 8


def test_a_read_only_folder_is_named(workspace: Workspace) -> None:
    folder = workspace.path / "metrics"
    before = state(folder)
    mount("--bind", str(folder), str(folder))
    mount("-o", "remount,bind,ro", str(folder))
    try:
        output = workspace.run(*INTO, "metrics", ok=False)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert re.fullmatch(r"error: metrics/\S+ cannot be written: Read-only file system", told(output))
    assert state(folder) == before


def test_a_folder_without_permission_is_named(workspace: Workspace) -> None:
    folder = workspace.path / "elsewhere"
    folder.mkdir()
    folder.chmod(0o555)
    output = workspace.run("setpriv", "--bounding-set=-dac_override", *INTO, "elsewhere", ok=False)
    assert re.fullmatch(r"error: elsewhere/\S+ cannot be written: Permission denied", told(output))
    assert list(folder.iterdir()) == []


@needs_official
def test_no_space_for_the_archives_is_named_and_those_that_fit_are_kept(workspace: Workspace) -> None:
    workspace.change({"data": {"name": "mnist"}})
    archives = workspace.path / "data/archives"
    try:
        with full_at(archives, "64k"):
            output = workspace.run(
                *("python", "-m", "stages.download", "--out", "data/raw/other.safetensors"),
                ok=False,
                MNIST_MIRROR=str(OFFICIAL),
            )
            kept = [str(path.relative_to(archives)) for path in archives.rglob("*.gz")]
    finally:
        workspace.git("checkout", "-q", "params.yaml")
    images = archives / "mnist/t10k-images-idx3-ubyte.gz"
    assert told(output) == f"error: {images} cannot be written: No space left on device"
    assert sorted(kept) == ["mnist/t10k-labels-idx1-ubyte.gz", "mnist/train-labels-idx1-ubyte.gz"]
    assert not (workspace.path / "data/raw/other.safetensors").exists()
