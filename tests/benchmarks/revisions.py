"""The main job of two revisions of this repository, side by side in one run: seconds, everything counted.

    python -m tests.benchmarks.revisions 6fd54ca 'python -m stages.sweep' HEAD 'dvc repro' [--cells 480]

Each revision is cloned into an empty folder, its command is run there, then `dvc repro` with nothing to do. The default
is the committed grid; --cells asks for that many cells instead, which train in milliseconds on scikit-learn's digits.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from tests.workspace import ROOT

TRIVIAL = {
    "data": {"name": "digits", "train_per_class": 2, "test_per_class": 1},
    "train": {"seeds": 1, "epochs": 1, "eval_every": 1},
}


def seconds(command: str, folder: Path) -> float:
    """How long a shell command takes there; CalledProcessError if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    start = time.perf_counter()
    subprocess.run(command, shell=True, cwd=folder, env={**os.environ, "PATH": path}, check=True, capture_output=True)
    return time.perf_counter() - start


def measure(revision: str, command: str, cells: int | None) -> tuple[float, float]:
    """Seconds of the command in a fresh clone, and of `dvc repro` after it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "clone", "-q", str(ROOT), name], check=True)
        subprocess.run(["git", "checkout", "-q", revision], cwd=folder, check=True)
        # as if nothing had ever been recorded: the committed results have no cached files here
        (folder / "dvc.lock").unlink()
        if cells:
            params = yaml.safe_load((folder / "params.yaml").read_text())
            for group, values in TRIVIAL.items():
                params[group] |= values
            params["grid"] = {"width": [1, 2, 3, 4, 5, 6], "alpha": [i / 1000 for i in range(cells // 6)]}
            (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        return seconds(command, folder), seconds("dvc repro", folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="+", metavar="REVISION COMMAND")
    parser.add_argument("--cells", type=int)
    args = parser.parse_args()
    table = Table("revision", "command", "seconds", "dvc repro with nothing to do, s")
    for revision, command in zip(args.revisions[::2], args.revisions[1::2], strict=True):
        first, nothing = measure(revision, command, args.cells)
        table.add_row(revision, command, f"{first:.1f}", f"{nothing:.1f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
