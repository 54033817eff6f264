"""Stage `check`: refuse bad parameters before DVC removes any output of an earlier run.

Its output never changes, so a changed parameter reruns this stage and just those that depend on that parameter.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.base.params import LEAST_RUNS


def main(out: Path) -> None:
    train = files.read_params().train
    if train.seeds < LEAST_RUNS:
        console.print(f"params.yaml: train.seeds: {train.seeds}: under {LEAST_RUNS} seeds every answer is undecided")
    if train.epochs < train.average_epochs and train.epochs % 2 == 1:
        console.print(
            f"params.yaml: train.epochs: {train.epochs}: an odd number under train.average_epochs, so that what is "
            "averaged over the last epochs has one odd epoch more than even ones; an even number is better"
        )
    files.write(out, b"the parameters are in order\n")


if __name__ == "__main__":
    run(main)
