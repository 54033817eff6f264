"""Several experiments in one figure: `python -m stages.commands.compare FOLDER... --out PNG [--over width]`.

Over alpha, the default: test accuracy, one panel a width. Over width: test and training error at the smallest alpha.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.figures import comparison
from stages.figures.style import save
from stages.statistic.results import read_results


def main(*folders: Path, out: Path, over: str = "alpha") -> None:
    if over not in ("alpha", "width"):
        raise files.UserError(f"--over {over}: must be alpha or width")
    names = ["paper" if folder == Path("metrics") else folder.name for folder in folders]
    experiments = {name: read_results(folder) for name, folder in zip(names, folders, strict=True)}
    if over == "width":
        save(out, comparison.over_width(experiments))
    elif comparison.common_widths(experiments):
        save(out, comparison.over_alpha(experiments))
    else:
        raise files.UserError(f"no width is in all of {', '.join(names)}; to compare over width: --over width")


if __name__ == "__main__":
    run(main)
