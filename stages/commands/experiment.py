"""Run one of experiments/*.yaml anew: `python -m stages.commands.experiment NAME`.

The file holds those parts of params.yaml that the experiment changes. They become the -S options of `dvc exp run
--temp`, which leaves the checkout alone and keeps the results as the DVC experiment NAME.
"""

import json
import subprocess
import sys
from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.base.params import ParamsError, document

FOLDER = Path("experiments")


def overrides(name: str) -> list[str]:
    """What the experiment changes, each as KEY=VALUE; UserError if there is no such file or it holds something else."""
    path = FOLDER / f"{name}.yaml"
    there = sorted(file.stem for file in FOLDER.glob("*.yaml"))
    if name not in there:
        raise files.UserError(f"{path} does not exist; the experiments here are {', '.join(there)}")
    try:
        groups = document(path.read_text(encoding="utf-8"))
    except (ParamsError, UnicodeDecodeError) as error:
        raise files.UserError(f"{path}: {error}") from None
    if not isinstance(groups, dict) or not all(isinstance(keys, dict) for keys in groups.values()):
        raise files.UserError(f"{path}: must hold groups of params.yaml with the keys that change")
    return [
        f"{group}.{key}={json.dumps(value, default=str)}"
        for group, keys in groups.items()
        for key, value in keys.items()
    ]


def refuse_here() -> None:
    """UserError where `dvc exp run --temp` fails, or ends well and keeps no experiment."""
    if not str(Path.cwd()).isascii():
        raise files.UserError(f"DVC runs no experiment --temp below a path of other letters than ASCII's, {Path.cwd()}")
    shallow = subprocess.run(["git", "rev-parse", "--is-shallow-repository"], capture_output=True, text=True)
    if shallow.stdout.strip() == "true":
        raise files.UserError(
            "DVC keeps no experiment --temp of a shallow clone; to make it whole: git fetch --unshallow"
        )


def main(name: str, /) -> None:
    refuse_here()
    changes = [word for override in overrides(name) for word in ("-S", override)]
    command = [sys.executable, "-m", "dvc", "exp", "run", "--temp", "--force", "--name", name, *changes]
    if subprocess.run(command).returncode:
        raise files.UserError(f"experiment {name} is not complete; the same command goes on with it")
    console.print(f"experiment {name}; to compare: dvc plots diff HEAD {name}; its tables: dvc exp apply {name}")


if __name__ == "__main__":
    run(main)
