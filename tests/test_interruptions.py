"""Killed at seeded random moments, the next run ends with the bytes of an undisturbed one; nothing finished is lost.

KILLS=100 python -m pytest tests/test_interruptions.py    is the long form, a quarter of an hour
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.test_sweep import models
from tests.workspace import TINY, Workspace

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "4"))
CUTS = KILLS  # of dvc.lock
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
SWEEP = [sys.executable, "-m", "stages.sweep", "--only-cells"]
REPRO = [sys.executable, "-m", "dvc", "repro", "evaluate"]
GRID = {"width": [2, 3], "alpha": [0.0, 0.1, 1.0]}


def written(workspace: Workspace) -> set[str]:
    """The cells whose file is in place: under its own name it is whole."""
    return {path.stem for path in (workspace.path / "data/models").glob("*.pt")}


def recorded(workspace: Workspace) -> set[str]:
    """The cells that dvc.lock knows."""
    lock = workspace.path / "dvc.lock"
    stages = yaml.safe_load(lock.read_text())["stages"] if lock.exists() else {}
    return {name.removeprefix("train@") for name in stages if name.startswith("train@")}


def trained(output: str) -> set[str]:
    """The cells that a sweep, or `dvc repro`, says it trained."""
    return set(re.findall(r"^train@(\S+): \d+ of", output, re.M)) | set(re.findall(r"stage 'train@(\S+)'", output))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    changes = TINY | {"grid": GRID, "train": TINY["train"] | {"epochs": 200, "eval_every": 200}}
    workspace = Workspace.create(tmp_path_factory.mktemp("killed"), changes)
    workspace.repro("prepare", "code")
    return workspace


@pytest.fixture(scope="module")
def undisturbed(workspace: Workspace) -> dict[str, bytes]:
    workspace.run(*SWEEP)
    found = models(workspace)
    assert len(found) == 6
    return found


def forget(workspace: Workspace) -> None:
    """As if no cell had ever been trained here."""
    shutil.rmtree(workspace.path / "data/models", ignore_errors=True)
    shutil.rmtree(workspace.path / ".dvc/cache", ignore_errors=True)
    lock = workspace.path / "dvc.lock"
    stages = yaml.safe_load(lock.read_text())
    kept = {name: stage for name, stage in stages["stages"].items() if not name.startswith(("train@", "evaluate"))}
    lock.write_text(yaml.safe_dump(stages | {"stages": kept}))


def interrupted(command: list[str], workspace: Workspace, rng: random.Random, within: float) -> tuple[bool, str]:
    """Whether one process of the command's tree, or all of them, were sent a signal before the command ended well; and
    what it said."""
    process = subprocess.Popen(
        command,
        cwd=workspace.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # a shell in the background has its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    try:
        output, _ = process.communicate(timeout=rng.uniform(0, within))
    except subprocess.TimeoutExpired:
        chosen = rng.choice(SIGNALS)
        tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        with suppress(ProcessLookupError):  # it may just have ended by itself
            if rng.random() < 0.5:
                os.killpg(process.pid, chosen)
            else:
                os.kill(rng.choice(sorted(tree)), chosen)
        try:
            output, _ = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            pytest.fail(f"{command} went on for a minute after {chosen}")
        return True, output
    assert process.returncode == 0, output
    return False, output


@pytest.mark.parametrize(("command", "finished"), [(SWEEP, written), (REPRO, recorded)], ids=["sweep", "dvc repro"])
def test_kills_lose_no_finished_cell_and_change_no_byte(
    workspace: Workspace,
    undisturbed: dict[str, bytes],
    command: list[str],
    finished: Callable[[Workspace], set[str]],
) -> None:
    rng, kills = random.Random(0), 0
    while kills < KILLS // 2:
        forget(workspace)
        keep: set[str] = set()
        again = True
        while again:
            again, output = interrupted(command, workspace, rng, within=15)
            kills += again
            assert not keep & trained(output), f"trained again after {kills} kills\n{output}"
            workspace.run("python", "-m", "stages.commands.repair")
            keep |= finished(workspace)
        assert models(workspace) == undisturbed
        assert workspace.repro("train") == set()


def test_dvcs_file_of_locks_is_removed_if_a_kill_left_it_half_written(workspace: Workspace) -> None:
    locks = workspace.path / ".dvc/tmp/rwlock"
    for left in ("", '{"read": {'):
        locks.write_text(left)
        assert "JSON structure is corrupted" in workspace.dvc("repro", "check", ok=False)
        assert "left half-written by a kill" in workspace.run(*SWEEP)
        workspace.dvc("repro", "check")
    locks.write_text("{}")
    workspace.run("python", "-m", "stages.commands.repair")
    assert locks.read_text() == "{}"


def without_sizes(lock: str) -> Any:
    """What is recorded, but for a file's size, of which DVC makes nothing where it knows the digest."""
    return yaml.safe_load(re.sub(r"\n *size: \d+", "", lock))


def test_a_dvc_lock_that_a_kill_cut_anywhere_is_mended_and_no_cell_trains_again(
    workspace: Workspace, undisturbed: dict[str, bytes]
) -> None:
    workspace.repro("evaluate")
    lock, rng = workspace.path / "dvc.lock", random.Random(0)
    whole = lock.read_bytes()
    committed = workspace.run("git", "ls-files", "dvc.lock")
    assert committed == ""  # so that it is mended even where no commit has it
    said = 0
    line_ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for place in [0, 1, 13, *rng.sample(range(len(whole)), CUTS // 2), *rng.sample(line_ends, CUTS // 2)]:
        lock.write_bytes(whole[:place])
        said += "dvc.lock was left half-written by a kill" in workspace.run("python", "-m", "stages.commands.repair")
        stages = workspace.repro("evaluate")
        assert not {name for name in stages if name.startswith("train@")}, place
        assert without_sizes(lock.read_text()) == without_sizes(whole.decode()), place
        assert models(workspace) == undisturbed
    assert said >= 3


def test_a_dvc_lock_that_a_kill_cut_is_taken_from_the_last_commit(workspace: Workspace) -> None:
    lock = workspace.path / "dvc.lock"
    whole = lock.read_bytes()
    workspace.commit("results")
    lock.write_bytes(whole[: whole.index(b"cmd:") + 2])
    workspace.run("python", "-m", "stages.commands.repair")
    assert lock.read_bytes() == whole
    workspace.run("python", "-m", "stages.commands.repair")
    assert workspace.git("status", "--porcelain") == ""


def test_a_merge_that_has_to_be_resolved_is_left_as_it_is(workspace: Workspace) -> None:
    lock = workspace.path / "dvc.lock"
    whole = lock.read_bytes()
    lock.write_bytes(b"<<<<<<< HEAD\n" + whole + b"=======\n" + whole + b">>>>>>> theirs\n")
    merge = lock.read_bytes()
    try:
        output = workspace.run(*SWEEP, ok=False)
        assert output.startswith("error: dvc.lock holds an unresolved merge: git checkout --ours dvc.lock, or --theirs")
        assert lock.read_bytes() == merge
    finally:
        lock.write_bytes(whole)


def test_a_kill_in_the_middle_of_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    old, new, size = b"o", b"n", 1 << 28
    target = tmp_path / "file"
    script = f"from stages import files; print(1, flush=True); files.write({str(target)!r}, {new!r} * {size})"
    rng, ends, midway = random.Random(0), set(), 0
    for _ in range(KILLS):
        target.write_bytes(old)
        writer = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        assert writer.stdout
        writer.stdout.readline()
        time.sleep(rng.uniform(0, 0.5))
        writer.kill()
        writer.wait()
        content = target.read_bytes()
        assert content in (old, new * size)
        ends.add(content[:1])
        for left in tmp_path.glob("*.partial"):
            midway += left.stat().st_size > 0
            left.unlink()
    assert old in ends
    assert midway  # a kill did come in the middle
