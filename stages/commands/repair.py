"""Mend what a kill left half-written of DVC's own files: `python -m stages.commands.repair`. `make` does so.

DVC writes its file of locks (https://github.com/treeverse/dvc/issues/7615) and dvc.lock in place, so a kill in that
moment has every later command fail on them. The first is removed; the second is taken from the last commit, and what
was recorded since is recorded again, finished cells from the store without training.
"""

import getpass
import json
import subprocess
from pathlib import Path

from dvc.lock import LockError, make_lock
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils.serialize import YAMLError, parse_yaml
from voluptuous import Invalid

from stages.base import files
from stages.base.console import console, run

LOCKS = Path(".dvc/tmp/rwlock")


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


def main() -> None:
    refuse_nobody()
    unlock()


if __name__ == "__main__":
    run(main)
