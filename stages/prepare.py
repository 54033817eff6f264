"""Stage `prepare`: the normalised images of which cells choose their training sets, and are tested on, in one file.

They are the first so many of each class, or where every run draws images of its own, all of the training file's.
"""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.cells.prepared import prepared


def main(raw: Path, out: Path) -> None:
    images, about = files.read_tensors(raw, "dvc repro -f download", "train_images")
    files.write(out, prepared(images, about, files.read_params().data, "params.yaml: data."))


if __name__ == "__main__":
    run(main)
