"""Stage `check`: refuse bad parameters before DVC removes any output of an earlier run.

Its output never changes, so a changed parameter reruns this stage and just those that depend on that parameter.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.base.params import LEAST_RUNS


def main(out: Path) -> None:
    seeds = files.read_params().train.seeds
    if seeds < LEAST_RUNS:
        console.print(f"params.yaml: train.seeds: {seeds}: under {LEAST_RUNS} seeds every answer is undecided")
    files.write(out, b"the parameters are in order\n")


if __name__ == "__main__":
    run(main)
