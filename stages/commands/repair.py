"""Mend what a kill left of DVC's own files: `python -m stages.commands.repair`. `make` does so before each run.

DVC writes its file of locks (https://github.com/treeverse/dvc/issues/7615) and dvc.lock in place, so a kill in that
moment has every later command fail on them. The first is removed; the second is taken from the last commit, and what
was recorded since is recorded again, finished cells from the store without training. While `dvc exp run` works, or
prepares an experiment that runs elsewhere, the checkout is on no branch, git's index may be locked, and changes that
are not committed may be in git's stash. After a kill they would stay so, and the same command would fail; all is put
back as it is at the end of `dvc exp run`.
"""

import getpass
import json
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

from dvc.lock import LockError, make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import YAMLError, parse_yaml
from voluptuous import Invalid

from stages.base import files
from stages.base.console import console, run

LOCKS = Path(".dvc/tmp/rwlock")
EXPERIMENTS_LOCKS = Path(".dvc/tmp/exps/rwlock")
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
            for path in (Path("dvc.lock"), Path("studies/dvc.lock")):
                if path.exists() and not readable(path):
                    restore(path)
        for locks in (LOCKS, EXPERIMENTS_LOCKS):
            if locks.exists():
                with make_lock(f"{locks}.lock"):  # which whoever writes the file holds
                    try:
                        json.loads(locks.read_text(encoding="utf-8"))
                    except ValueError:
                        locks.unlink()
                        console.print(f"{locks} was left half-written by a kill, and is removed")
        experiment = git("for-each-ref", RUNNING) or holders(EXPERIMENTS_LOCKS)
        if experiment and not any(map(is_alive, holders(LOCKS) + holders(EXPERIMENTS_LOCKS))):
            undo_experiment()
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


def holders(locks: Path) -> list[int]:
    """The processes that hold the locks in a file of DVC's, or did so until they were killed."""
    text = locks.read_text(encoding="utf-8") if locks.exists() else ""
    return [int(process) for process in re.findall(r'"pid": (\d+)', text)]


def git(*arguments: str) -> str:
    """What git says; nothing if it fails."""
    return subprocess.run(["git", *arguments], capture_output=True, text=True).stdout.strip()


def undo_experiment() -> None:
    """Put the checkout back on its branch, with what was not committed, after a `dvc exp run` that was killed."""
    index_lock = Path(git("rev-parse", "--git-path", "index.lock"))
    if index_lock.exists() and not git_is_at_work():
        index_lock.unlink()
        console.print(f"{index_lock} was left by a kill, and is removed", markup=False)
    branch = branch_left()
    if branch:
        clean = not git("status", "--porcelain", "--untracked-files=no")
        if clean and git("for-each-ref", f"{RUNNING}EXEC_MERGE"):  # the kill came before the changes were applied
            git("stash", "apply", "--quiet", f"{RUNNING}EXEC_MERGE")
        elif clean and git("stash", "list", "-1", "--format=%gs").startswith("WIP on (no branch)"):  # as DVC makes it
            git("stash", "pop", "--quiet")
        git("symbolic-ref", "-m", f"repair: back to {branch}", "HEAD", f"refs/heads/{branch}")
        git("reset", "--quiet")
        console.print(f"a `dvc exp run` was killed; the checkout is on {branch} again", markup=False)
    for name in git("for-each-ref", "--format=%(refname)", RUNNING).splitlines():
        git("update-ref", "--no-deref", "-d", name)
    EXPERIMENTS_LOCKS.unlink(missing_ok=True)


def branch_left() -> str:
    """The branch from which HEAD was last moved to a commit, if it is on no branch now; else nothing."""
    moves = git("reflog", "--format=%gs", "HEAD").splitlines()
    move = next((line for line in moves if not line.startswith(("commit", "reset"))), "")
    found = re.match(r"checkout: moving from (\S+) to ", move)
    if git("symbolic-ref", "--quiet", "HEAD") or not found:
        return ""
    return found[1] if git("rev-parse", "--quiet", "--verify", f"refs/heads/{found[1]}") else ""


def git_is_at_work() -> bool:
    """Whether a git command runs in the checkout. (Where the system has no /proc, none is seen.)"""
    here = Path.cwd().resolve()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is another user's
            if (process / "comm").read_text() == "git\n" and (process / "cwd").resolve().is_relative_to(here):
                return True
    return False


def main() -> None:
    refuse_nobody()
    unlock()


if __name__ == "__main__":
    run(main)
