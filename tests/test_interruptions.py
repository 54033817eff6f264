"""Killed at seeded random moments, the next run ends with the bytes of an undisturbed one; nothing finished is lost.

KILLS=100 python -m pytest tests/test_interruptions.py    is the long form
"""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from stages.commands import repair
from tests.cells.project import made_here
from tests.processes import CREATED, Arrivals, bounded, end, start
from tests.workspace import TINY, Workspace

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "4"))
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
REPAIR = ["python", "-m", "stages.commands.repair"]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    changes = TINY | {"train": TINY["train"] | {"epochs": 200, "eval_every": 200}}
    workspace = Workspace.create(tmp_path_factory.mktemp("killed"), changes)
    workspace.repro("prepare")
    workspace.commit("prepared")
    return workspace


def store(workspace: Workspace) -> dict[str, bytes]:
    folder = workspace.path / ".dvc/tmp/cells"
    return {path.name: path.read_bytes() for path in folder.glob("*.safetensors")}


def inodes(workspace: Workspace) -> dict[str, int]:
    """Of whole cells' files: one that is written again is another one. Parts go when their cell is whole."""
    files = (workspace.path / ".dvc/tmp/cells").glob("*.safetensors")
    return {path.name: path.stat().st_ino for path in files if "-" not in path.name}


def forget(workspace: Workspace) -> None:
    """As if no cell had ever been trained here."""
    for folder in (".dvc/tmp/cells", "data/models", ".dvc/cache/runs"):
        shutil.rmtree(workspace.path / folder, ignore_errors=True)
    workspace.git("reset", "-q", "--hard")


def disturbed(process: "subprocess.Popen[str]", rng: random.Random, within: float) -> tuple[bool, str]:
    """Whether one process of the command's tree, or all of them, were sent a signal before the command ended well; and
    what it said."""
    try:
        process.wait(timeout=rng.uniform(0, within))
    except subprocess.TimeoutExpired:
        chosen = rng.choice(SIGNALS)
        with suppress(ProcessLookupError, psutil.NoSuchProcess):  # it may just have ended by itself
            tree = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
            if rng.random() < 0.5:
                os.killpg(process.pid, chosen)
            else:
                os.kill(rng.choice(sorted(tree)), chosen)
        output = end(process)
        return process.returncode != 0, output
    output = end(process)
    assert process.returncode == 0, output
    return False, output


COMMANDS = {
    "dvc repro": ["dvc", "repro", "train"],
    "dvc exp run": ["dvc", "exp", "run", "-S", "train.lr=0.02", "train"],
    "dvc exp run --temp": ["dvc", "exp", "run", "--temp", "-S", "train.lr=0.02", "train"],
}


def test_repair_leaves_an_experiment_at_work_alone_and_puts_the_branch_back_after_a_kill(workspace: Workspace) -> None:
    forget(workspace)
    branch = workspace.git("branch", "--show-current")
    (workspace.path / "README.md").write_text("not committed\n")
    pipe = workspace.path / ".dvc/tmp/cells" / sorted(made_here(workspace, widths=[3], lr=0.02))[0]
    pipe.parent.mkdir()
    os.mkfifo(pipe)  # the stage train@3 waits where it looks for this cell
    experiment = start("dvc", "exp", "run", "-S", "train.lr=0.02", "train@3", cwd=workspace.path)
    with bounded(), pipe.open("wb"):  # which waits for the stage
        assert workspace.run(*REPAIR) == ""
        assert workspace.git("branch", "--show-current") == ""
        os.killpg(experiment.pid, signal.SIGKILL)
        end(experiment)
    assert workspace.run(*REPAIR) == f"a `dvc exp run` was killed; the checkout is on {branch.strip()} again\n"
    assert workspace.run(*REPAIR) == ""
    assert workspace.git("branch", "--show-current") == branch
    assert workspace.read("README.md") == "not committed\n"
    assert "lr: 0.02" in workspace.read("params.yaml")
    assert workspace.git("diff", "--cached", "--name-only") == ""
    pipe.unlink()
    workspace.dvc("exp", "run", "-S", "train.lr=0.02", "train@3")
    assert workspace.git("branch", "--show-current") == branch


def test_repair_undoes_what_a_kill_leaves_while_an_experiment_is_prepared(workspace: Workspace) -> None:
    """The same with `git` as DVC does it: the branch is left, what is not committed is stashed, the index is locked."""
    forget(workspace)
    branch = workspace.git("branch", "--show-current")
    (workspace.path / "README.md").write_text("not committed\n")
    workspace.git("checkout", "-q", "--detach")
    workspace.git("stash", "-q")
    lock = workspace.path / ".git/index.lock"
    lock.touch()
    locks = workspace.path / ".dvc/tmp/exps/rwlock"
    locks.parent.mkdir(exist_ok=True)

    def held_by(process: int) -> None:
        locks.write_text(json.dumps({"write": {"workspace": {"pid": process, "cmd": "dvc exp run"}}}))

    held_by(os.getpid())
    assert workspace.run(*REPAIR) == ""
    ended = subprocess.Popen(["true"])
    ended.wait()
    held_by(ended.pid)
    said = workspace.run(*REPAIR)
    assert said == (
        ".git/index.lock was left by a kill, and is removed\n"
        f"a `dvc exp run` was killed; the checkout is on {branch.strip()} again\n"
    )
    assert workspace.git("branch", "--show-current") == branch
    assert workspace.read("README.md") == "not committed\n"
    assert workspace.git("stash", "list") == ""
    assert workspace.run(*REPAIR) == ""


@pytest.mark.parametrize("command", [*COMMANDS] if KILLS > 4 else ["dvc repro"])
def test_kills_lose_no_finished_cell_and_change_no_byte(workspace: Workspace, command: str) -> None:
    rng = random.Random(command)
    changes = {"lr": 0.02} if "exp" in command else {}
    branch, kills = workspace.git("branch", "--show-current").strip(), 0
    while kills < max(1, KILLS // 4):
        forget(workspace)
        finished: dict[str, int] = {}
        again = True
        while again:
            again, output = disturbed(start(*COMMANDS[command], cwd=workspace.path), rng, within=8)
            kills += again
            now = inodes(workspace)
            assert {name: now[name] for name in finished} == finished, f"trained again after {kills} kills\n{output}"
            finished = now
            if again:
                workspace.run(*REPAIR)
        assert workspace.git("branch", "--show-current").strip() == branch
        assert store(workspace) == made_here(workspace, widths=[2, 3], **changes)
        if command == "dvc repro":
            assert workspace.repro("train") == set()


def test_of_two_at_once_the_second_says_so_and_nothing_is_lost(workspace: Workspace) -> None:
    forget(workspace)
    expected = made_here(workspace, widths=[2, 3])
    shutil.rmtree(workspace.path / ".dvc/tmp/cells", ignore_errors=True)
    (workspace.path / ".dvc/tmp/cells").mkdir()
    pipe = workspace.path / ".dvc/tmp/cells" / sorted(made_here(workspace, widths=[3]))[0]
    os.mkfifo(pipe)  # the stage train@3 waits where it looks for this cell
    first = start("dvc", "repro", "train@3", cwd=workspace.path)
    with bounded(), pipe.open("wb"):  # which waits for the stage
        second = workspace.dvc("repro", "train@3", ok=False)
        assert workspace.run(*REPAIR) == ""  # which leaves a DVC at work alone
    assert "Traceback" not in second
    busy = [line for line in second.splitlines() if f"(PID {first.pid}): " in line]
    assert len(busy) == 1, second
    output = end(first)
    assert first.returncode == 0, output
    assert "width 3: 2 cells trained, 0 from the store\n" in output
    assert "width 2: 2 cells trained, 0 from the store\n" in workspace.dvc("repro", "train")
    assert store(workspace) == expected
    assert workspace.repro("train") == set()


def test_dvcs_file_of_locks_is_removed_if_a_kill_left_it_half_written(workspace: Workspace) -> None:
    locks = workspace.path / ".dvc/tmp/rwlock"
    for left in ("", '{"read": {'):
        locks.write_text(left)
        assert "left half-written by a kill" in workspace.run(*REPAIR)
        assert not locks.exists()
    locks.write_text(left)
    assert "JSON structure is corrupted" in workspace.dvc("repro", "check", ok=False)  # or the above would be needless
    locks.write_text("{}")
    workspace.run(*REPAIR)
    assert locks.read_text() == "{}"


@pytest.fixture
def recorded(workspace: Workspace) -> bytes:
    """dvc.lock with every stage up to `evaluate`, not committed."""
    workspace.git("rm", "-q", "--cached", "--ignore-unmatch", "dvc.lock")
    workspace.git("commit", "-q", "--allow-empty", "-m", "without dvc.lock")
    workspace.repro("evaluate")
    return (workspace.path / "dvc.lock").read_bytes()


def without_sizes(lock: bytes) -> Any:
    """What is recorded, but for a file's size, of which DVC makes nothing where it knows the digest."""
    return yaml.safe_load(re.sub(r"\n *size: \d+", "", lock.decode()))


def test_a_dvc_lock_that_a_kill_cut_anywhere_is_mended_and_no_cell_trains_again(
    workspace: Workspace, recorded: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(workspace.path)
    lock, rng = Path("dvc.lock"), random.Random(0)
    line_ends = [place + 1 for place, byte in enumerate(recorded) if byte == ord("\n")]
    places = [0, 1, 13, *rng.sample(range(len(recorded)), 5 * KILLS), *rng.sample(line_ends, 5 * KILLS)]
    removed = 0
    for place in places:
        lock.write_bytes(recorded[:place])
        repair.unlock()
        removed += not lock.exists()
        assert not lock.exists() or repair.readable(lock), place
    assert capsys.readouterr().err.count("dvc.lock was left half-written by a kill, and is removed") == removed >= 3
    for place in (0, *rng.sample(line_ends, KILLS // 4)):
        lock.write_bytes(recorded[:place])
        repair.unlock()
        output = workspace.dvc("repro", "evaluate")
        assert not re.search(r"[1-9]\d* cells? trained", output), place
        assert without_sizes(lock.read_bytes()) == without_sizes(recorded), place


def test_a_dvc_lock_that_a_kill_cut_is_taken_from_the_last_commit(workspace: Workspace, recorded: bytes) -> None:
    lock = workspace.path / "dvc.lock"
    workspace.commit("results")
    lock.write_bytes(recorded[: recorded.index(b"cmd:") + 2])
    workspace.run(*REPAIR)
    assert lock.read_bytes() == recorded
    assert workspace.run(*REPAIR) == ""
    assert workspace.git("status", "--porcelain") == ""


def test_a_merge_that_has_to_be_resolved_is_left_as_it_is(workspace: Workspace, recorded: bytes) -> None:
    lock = workspace.path / "dvc.lock"
    merge = b"<<<<<<< HEAD\n" + recorded + b"=======\n" + recorded + b">>>>>>> theirs\n"
    lock.write_bytes(merge)
    output = workspace.run(*REPAIR, ok=False)
    assert output.startswith("error: dvc.lock holds an unresolved merge: git checkout --ours dvc.lock, or --theirs")
    assert lock.read_bytes() == merge
    lock.write_bytes(recorded)


def test_a_kill_in_the_middle_of_writing_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    old, new, size = b"o", b"n", 1 << 27
    target = tmp_path / "file"
    script = f"from stages.base import files; files.write({str(target)!r}, {new!r} * {size})"
    for _ in range(max(1, KILLS // 4)):
        target.write_bytes(old)
        arrivals = Arrivals(tmp_path, CREATED)
        writer = subprocess.Popen([sys.executable, "-c", script])
        assert arrivals.next().endswith(".partial")
        writer.kill()
        writer.wait()
        assert target.read_bytes() in (old, new * size)
        arrivals.close()
        for left in tmp_path.glob("*.partial"):
            left.unlink()


@pytest.mark.skipif(KILLS <= 4, reason="takes a minute; a part of make test-all")
def test_two_queued_experiments_run_at_once_and_after_a_kill_the_same_ones_train_nothing_again(
    workspace: Workspace,
) -> None:
    forget(workspace)
    arrivals = Arrivals(workspace.path / ".dvc/tmp/cells")

    def queue() -> "subprocess.Popen[str]":
        for lr in (0.03, 0.04):
            workspace.dvc("exp", "run", "--queue", "--force", "-n", f"lr{lr}", "-S", f"train.lr={lr}", "train")
        return start("dvc", "queue", "start", "-j", "2", cwd=workspace.path)

    started = queue()
    arrivals.next()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and Path(process.cwd()).is_relative_to(workspace.path):
                process.kill()
    end(started)  # its pipe is open until the last of them has ended
    kept = inodes(workspace)
    workspace.run(*REPAIR)
    workspace.dvc("queue", "remove", "--all")
    end(queue())
    now = inodes(workspace)
    assert {name: now[name] for name in kept} == kept
    assert store(workspace) == made_here(workspace, [2, 3], lr=0.03) | made_here(workspace, [2, 3], lr=0.04)
    assert {"lr0.03", "lr0.04"} <= set(workspace.dvc("exp", "list", "--name-only").split())
