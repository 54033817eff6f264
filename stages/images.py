"""Stage `images@NAME`: the normalised images from which a study's cells choose, and their test set."""

from pathlib import Path

from stages.base import files
from stages.base.console import run
from stages.base.sources import images_of
from stages.base.studies import points
from stages.cells.prepared import prepared
from stages.training.options import OWN_IMAGES


def main(name: str, out: Path) -> None:
    data = points(files.read_studies(), name)[0].data  # the same at every point
    where = f"studies/params.yaml: studies.{name}.options."
    files.write(out, prepared(*images_of(data, where, data.redraw in OWN_IMAGES), data, where))


if __name__ == "__main__":
    run(main)
