"""What a cell is: what decides its bytes, what its file is called, and the file's content."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from stages.base import files, tensors
from stages.base.code import imported
from stages.base.files import UserError
from stages.base.params import Data, Descent, Features, Finetune, Grid, Params, Prune, Smooth, Train
from stages.base.studies import WAYS, Point
from stages.training.runs import Arrays

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cell:
    """All seeds of one point of the grid."""

    name: str  # for messages
    path: Path  # of its file
    procedure: str  # a name in base.studies.WAYS and training.procedures.PROCEDURES
    options: dict[str, Any]  # see training.options
    seeds: int  # runs with seeds 0, 1, 2, ...

    @property
    def widths(self) -> list[int]:
        """Of the networks that each run trains."""
        return list(self.options.get("widths") or [self.options.get("width", 1)])


@dataclass(frozen=True)
class Maker:
    """What decides a cell's bytes besides its options and seeds; `data` is the digest in the data file."""

    code: dict[str, str]  # by procedure
    torch: str
    device: str
    data: str

    def parts(self, *procedures: str) -> dict[str, str]:
        """What decides cells of these procedures, by names for messages."""
        code = {f"code of {procedure}": self.code.get(procedure, "none") for procedure in procedures}
        return {**code, "torch": self.torch, "device": self.device, "data": self.data}


def code_of_training() -> dict[str, str]:
    """Of each procedure a digest of its code: the module of its name in `stages/training/` and all that it imports."""
    found = {}
    for procedure in WAYS:
        paths = sorted(imported(f"stages.training.{procedure}", ROOT))
        found[procedure] = tensors.digest(
            *(part for path in paths for part in (path.encode(), (ROOT / path).read_bytes()))
        )
    return found


def maker_here(data: str, device: str) -> Maker:
    """What this checkout would train cells with. torch's version is looked up without importing torch."""
    return Maker(code_of_training(), version("torch"), device, data)


def fingerprint(cell: Cell, maker: Maker) -> dict[str, Any]:
    """Everything that decides the cell's bytes, as it stands in the file."""
    own = {"procedure": cell.procedure, "options": cell.options, "seeds": cell.seeds}
    return {
        **own,
        "training": maker.code[cell.procedure],
        "torch": maker.torch,
        "device": maker.device,
        "data": maker.data,
    }


def digest_of(fingerprint: dict[str, Any]) -> str:
    """The name, in hexadecimal, under which the store keeps a cell."""
    return hashlib.sha256(json.dumps(fingerprint, sort_keys=True).encode()).hexdigest()


def file_name(*point: object) -> str:
    """What a cell's file is called inside its folder: the values of its point as Python writes them."""
    return f"{'-'.join(map(str, point))}.safetensors"


def drawing(data: Data, classes: int, images: int | None = None) -> dict[str, Any]:
    """The options that say which training set a run has: of all images of data.train_per_class, or of so many.

    `classes` is the number of classes in the prepared data.
    """
    count = classes * data.train_per_class if images is None else images
    return {"images": count, "label_noise": data.label_noise, "redraw": data.redraw, "data_seed": data.seed}


def refuse_more_images(
    data: Data, train: Descent | Features | Prune | Smooth | Finetune, classes: int, where: str
) -> None:
    """UserError, which begins with `where` the option stands, if runs should have more images than there are.

    Of somebody's own data this is known only when they have been read.
    """
    most = classes * data.train_per_class
    if not isinstance(train, Prune) and train.images is not None and train.images > most:
        raise UserError(
            f"{where}images: {train.images} is more than the {most} that {classes} classes and train_per_class allow"
        )


def options_of(point: Point, classes: int) -> dict[str, Any]:
    """What decides the runs at that point besides their seeds, by the names of the procedure's options."""
    own = point.train.model_dump(exclude={"seeds", "images"})
    if isinstance(point.train, Finetune):
        own["torchvision"] = version("torchvision")  # whose code and weights decide as well
    of_grid = {name: value for name, (value,) in point.grid.model_dump().items()}
    return {**of_grid, **drawing(point.data, classes, getattr(point.train, "images", None)), **own}


def fit_cell(data: Data, train: Train, classes: int, width: int, alpha: float, folder: str | Path) -> Cell:
    """The cell of the grid at that width and alpha; its file lies in the folder of its width."""
    path = Path(folder) / file_name(float(alpha))
    name = f"width {width}, alpha {float(alpha)!r}"
    point = Point("fit", {}, data, Grid(width=[width], alpha=[float(alpha)]), train)
    return Cell(name, path, "fit", options_of(point, classes), train.seeds)


def study_cell(point: Point, classes: int, folder: str | Path) -> Cell:
    """The cell of a study at that point; its file lies in the study's folder."""
    name = ", ".join(f"{option} {value}" for option, value in point.place.items())
    path = Path(folder) / file_name(*point.place.values())
    return Cell(name, path, point.trains, options_of(point, classes), point.train.seeds)


def read(cell: Cell, data: str, remedy: str) -> Arrays:
    """The arrays in the cell's file; `data` is the digest of the prepared data.

    UserError names a file that is missing, damaged, or made from other options, seeds or data than these.
    """
    arrays, about = files.read_tensors(cell.path, remedy, "test_error")
    expected = {"procedure": cell.procedure, "options": cell.options, "seeds": cell.seeds, "data": data}
    different = [key for key, value in expected.items() if about.get(key) != value]
    if different:
        raise UserError(f"{cell.path} was made from other {different[0]} than are here now; to make it: {remedy}")
    return arrays


def read_fit(params: Params, width: int, alpha: float, models: str | Path, about: dict[str, Any]) -> Arrays:
    """The arrays of the grid's cell at that width and alpha, from the folder of all models; see `read`.

    `about` is what the prepared data's file says of them.
    """
    cell = fit_cell(params.data, params.train, about["classes"], width, alpha, Path(models) / str(width))
    return read(cell, about["digest"], f"dvc repro -f train@{width}")


def plural(count: int, what: str) -> str:
    """The count with the noun in its number, such as "1 cell" or "2 cells"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def names(cells: Sequence[Cell], most: int = 3) -> str:
    """The cells' names for a message, the first few of them."""
    shown = "; ".join(cell.name for cell in cells[:most])
    return shown if len(cells) <= most else f"{shown}; and {len(cells) - most} more"
