"""Several experiments in one figure: `python -m stages.commands.compare FOLDER... --out PNG [--over width]`.

Over alpha, the default: test accuracy, one panel a width. Over width: test and training error at the smallest alpha.
"""

import argparse
from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.figures import comparison
from stages.figures.style import save
from stages.statistic.results import read_results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--over", choices=("alpha", "width"), default="alpha")
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+", help="with the results of an experiment each")
    args = parser.parse_args()
    names = {"paper" if folder == "metrics" else Path(folder).name: folder for folder in args.folders}
    experiments = {name: read_results(Path(folder)) for name, folder in names.items()}
    if args.over == "width":
        save(args.out, comparison.over_width(experiments))
    elif comparison.common_widths(experiments):
        save(args.out, comparison.over_alpha(experiments))
    else:
        raise files.UserError(f"no width is in all of {', '.join(args.folders)}; to compare over width: --over width")


if __name__ == "__main__":
    run(main)
