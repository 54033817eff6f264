"""Killed at seeded random moments, the next run ends with the bytes of an undisturbed one; nothing finished is lost.

KILLS=100 python -m pytest tests/test_interruptions.py    is the long form
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from tests.cells.project import DATA, made_here
from tests.processes import Arrivals, end, start
from tests.workspace import TINY, Workspace, ran

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("KILLS", "4"))
SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
REPAIR = ["python", "-m", "stages.commands.repair"]
LR = {"train": {"lr": 0.02}}


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
    """A file that is written again is another one."""
    return {path.name: path.stat().st_ino for path in (workspace.path / ".dvc/tmp/cells").glob("*.safetensors")}


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


@pytest.mark.parametrize("command", COMMANDS)
def test_kills_lose_no_finished_cell_and_change_no_byte(workspace: Workspace, command: str) -> None:
    rng = random.Random(command)
    changes = {"lr": 0.02} if "exp" in command else {}
    branch, kills = workspace.git("branch", "--show-current").strip(), 0
    while kills < KILLS // 2:
        forget(workspace)
        finished: dict[str, int] = {}
        again = True
        while again:
            again, output = disturbed(start(*COMMANDS[command], cwd=workspace.path), rng, within=10)
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
