"""Remove DVC's file of locks if a kill left it half-written: `python -m stages.unlock`. `make` and `sweep` do so.

DVC writes .dvc/tmp/rwlock in place, so a kill in that moment has every later command fail on it
(https://github.com/treeverse/dvc/issues/7615).
"""

import argparse
import json
from pathlib import Path

from dvc.lock import make_lock

from stages.console import console, run


def unlock() -> None:
    locks = Path(".dvc/tmp/rwlock")
    if not locks.exists():
        return
    with make_lock(".dvc/tmp/rwlock.lock"):  # which whoever writes the file holds
        try:
            json.loads(locks.read_text())
        except ValueError:
            locks.unlink()
            console.print(f"{locks} was left half-written by a kill, and is removed")


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    unlock()


if __name__ == "__main__":
    run(main)
