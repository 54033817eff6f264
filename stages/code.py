"""Stage `code`: digests of some source files, a line each, as one dependency for stages that import them all."""

import argparse
import hashlib
from pathlib import Path

from stages.base import files
from stages.base.console import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    lines = [f"{hashlib.sha256(Path(source).read_bytes()).hexdigest()}  {source}\n" for source in args.sources]
    files.write(args.out, "".join(lines).encode())


if __name__ == "__main__":
    run(main)
