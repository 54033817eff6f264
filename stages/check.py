"""Stage `check`: refuse bad parameters before DVC removes any output of an earlier run.

Its output never changes, so a changed parameter reruns this stage and just those that depend on that parameter.
"""

import argparse

from stages.base import files
from stages.base.console import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    files.read_params()
    files.read_prune_params()
    files.write(args.out, b"the parameters are in order\n")


if __name__ == "__main__":
    run(main)
