"""Mend what a kill left of DVC's own files: `python -m stages.commands.repair`. `make` does so before each run.

DVC writes its file of locks (https://github.com/treeverse/dvc/issues/7615) and dvc.lock in place, so a kill in that
moment has every later command fail on them. The first is removed; the second is taken from the last commit, and what
was recorded since is recorded again, finished cells from the store without training. While `dvc exp run` works, the
checkout is on no branch. After a kill it would stay so, and the same command would fail; it is put back on its branch,
with the experiment's parameters, as it is at the end of `dvc exp run`.
"""

import getpass
import json
import os
import re
import subprocess
from pathlib import Path

from dvc.lock import LockError, make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import YAMLError, parse_yaml
from voluptuous import Invalid

from stages.base import files
from stages.base.console import console, run

LOCKS = Path(".dvc/tmp/rwlock")
RUNNING = "refs/exps/exec/"  # DVC's names for the commits of the experiment that runs in this checkout


def refuse_nobody() -> None:
    """UserError where the system knows neither the user's name nor a home, as in some containers: DVC asks for both."""
    try:
        getpass.getuser()
    except (KeyError, OSError):
        raise files.UserError("this system has no name for its user, and DVC needs one: export USER=me") from None
    try:
        Path.home()
    except RuntimeError:
        raise files.UserError("this system has no home for its user, and DVC needs one: export HOME=/tmp") from None


def unlock() -> None:
    LOCKS.parent.mkdir(parents=True, exist_ok=True)
    try:
        with make_lock(".dvc/tmp/lock"):  # which whoever writes dvc.lock holds
            for path in (Path("dvc.lock"), Path("prune/dvc.lock")):
                if path.exists() and not readable(path):
                    restore(path)
        with make_lock(f"{LOCKS}.lock"):  # which whoever writes the file holds
            try:
                json.loads(LOCKS.read_text(encoding="utf-8") if LOCKS.exists() else "{}")
            except ValueError:
                LOCKS.unlink()
                console.print(f"{LOCKS} was left half-written by a kill, and is removed")
        if git("for-each-ref", RUNNING) and not is_at_work():
            reattach()
    except LockError:
        raise files.UserError("another DVC process works in this checkout; when it has ended, try again") from None


def readable(path: Path) -> bool:
    """For DVC, as a whole number of lines: of a stage whose last lines are gone it finds out what to do by itself."""
    try:
        text = path.read_text(encoding="utf-8")
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(text, str(path)))
    except (YAMLError, Invalid, ValueError):
        return False
    return text.endswith("\n")


def restore(path: Path) -> None:
    """The file as of the last commit; none, if there it is not. UserError if it is a merge that has to be resolved."""
    if b"<<<<<<< " in path.read_bytes():
        raise files.UserError(
            f"{path} holds an unresolved merge: git checkout --ours {path}, or --theirs, then try again"
        )
    committed = subprocess.run(["git", "show", f"HEAD:{path}"], capture_output=True)
    if committed.returncode == 0:
        files.write(path, committed.stdout)
        console.print(f"{path} was left half-written by a kill, and is taken from the last commit")
    else:
        path.unlink()
        console.print(f"{path} was left half-written by a kill, and is removed: the last commit has none")


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)  # no signal, only the question
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def is_at_work() -> bool:
    """Whether a process that is alive holds one of DVC's locks on a file of the checkout."""
    text = LOCKS.read_text(encoding="utf-8") if LOCKS.exists() else "{}"
    return any(is_alive(int(process)) for process in re.findall(r'"pid": (\d+)', text))


def git(*arguments: str) -> str:
    """What git says; nothing if it fails."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True).stdout.strip()


def reattach() -> None:
    """Put the checkout back on the branch on which it was before a `dvc exp run` that was killed."""
    if not git("symbolic-ref", "--quiet", "HEAD"):
        moves = re.findall(r"^checkout: moving from (\S+) to ", git("reflog", "--format=%gs", "HEAD"), re.MULTILINE)
        branch = f"refs/heads/{moves[0]}" if moves else ""
        if not git("status", "--porcelain", "--untracked-files=no"):  # the kill came before the changes were applied
            git("stash", "apply", "--quiet", f"{RUNNING}EXEC_MERGE")
        if branch and git("rev-parse", "--verify", "--quiet", branch):
            git("symbolic-ref", "-m", f"repair: back to {moves[0]}", "HEAD", branch)
            console.print(f"a `dvc exp run` was killed; the checkout is on {moves[0]} again", markup=False)
        git("reset", "--quiet")
    for name in git("for-each-ref", "--format=%(refname)", RUNNING).splitlines():
        git("update-ref", "--no-deref", "-d", name)


def main() -> None:
    refuse_nobody()
    unlock()


if __name__ == "__main__":
    run(main)
