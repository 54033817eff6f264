"""No space, no permission, no folder: one clear line, and earlier results as they were."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace import Workspace

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
    workspace = Workspace.create(tmp_path_factory.mktemp("disk"))
    workspace.repro()
    workspace.commit("results")
    return workspace


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


EVALUATE = "python -m stages.evaluate --data data/prepared/data.pt --models data/models --paper data/paper_table1.csv"
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


def test_a_full_disk_in_a_sweep_keeps_the_cells_that_were_finished(workspace: Workspace) -> None:
    folder = workspace.path / "data/models"
    kept = state(folder)
    workspace.change({"grid": {"alpha": [0.0, 0.1, 1.0, 2.0]}, "train": {"seeds": 3}})
    mount("-t", "tmpfs", "-o", "size=40k", "tmpfs", str(folder))
    try:
        output = workspace.run("python", "-m", "stages.sweep", "--only-cells", ok=False)
        assert "No space left on device" in told(output)
        finished = state(folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)
    assert finished
    assert not [name for name in finished if not name.endswith(".pt")]
    assert state(folder) == kept
    for name, content in finished.items():
        (folder / name).write_bytes(content)
    output = workspace.run("python", "-m", "stages.sweep", "--only-cells")
    assert f"{8 - len(finished)} cells trained" in output
    workspace.git("checkout", "-q", ".")
    workspace.dvc("checkout", "-q", "--force")


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


def test_no_space_in_the_folder_for_temporary_files_is_named(workspace: Workspace, tmp_path: Path) -> None:
    mount("-t", "tmpfs", "-o", "size=16k", "tmpfs", str(tmp_path))
    try:
        command = ["python", "-m", "stages.download", "--out", "data/raw/other.pt"]
        workspace.change({"data": {"name": "mnist"}})
        (workspace.path / "mirror").mkdir()
        (workspace.path / "mirror/train-images-idx3-ubyte.gz").write_bytes(bytes(1 << 20))
        output = workspace.run(
            *command,
            ok=False,
            TMPDIR=str(tmp_path),
            MNIST_MIRROR="mirror",
            HTTP_PROXY="http://127.0.0.1:9",
            HTTPS_PROXY="http://127.0.0.1:9",
        )
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
    assert told(output).startswith(f"error: {tmp_path}/")
    assert told(output).endswith("/train-images-idx3-ubyte.gz cannot be written: No space left on device")
    assert "no mirror" not in output
    assert not (workspace.path / "data/raw/other.pt").exists()
