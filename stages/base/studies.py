"""The contents of studies/params.yaml: questions, each with a grid of cells and the axis along which it is judged.

A study's options are those of params.yaml's groups data, grid and train, or of pruning, without the groups' names. What
it does not name is as in `defaults`.
"""

from itertools import product
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from stages.base.params import (
    LEAST_POINTS,
    Data,
    Fitting,
    Grid,
    Group,
    ParamsError,
    Prune,
    PruneGrid,
    Train,
    check,
    parse_as,
    unique,
)

# all cells of a study choose from the same images
ONE_DATA = ("data", "path", "train_per_class", "test_per_class", "redraw")
INNER = {"epoch": "fit", "round": "prune"}  # what a single run passes through, by the way of training


class Study(Group):
    """One question."""

    asks: Annotated[str, Field(min_length=1)]
    expects: str  # what should come out, and who says so
    trains: Literal["fit", "prune"]
    over: str  # an option of the grid, or what a single run passes through
    options: dict[str, Any]
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]]


class Pruning(Group):
    """What decides the runs of one cell of pruning."""

    data: Data
    grid: PruneGrid
    train: Prune


class Studies(Group):
    """studies/params.yaml"""

    defaults: dict[Literal["fit", "prune"], dict[str, Any]]
    studies: dict[str, Study]


class Point(NamedTuple):
    """A point of a study's grid: what tells it from the others, and all options there."""

    place: dict[str, Any]
    data: Data
    grid: Grid | PruneGrid  # of this point alone
    train: Train | Prune


def parse_studies(text: str) -> Studies:
    """Read and check studies/params.yaml, every point of every study included.

    Raise ParamsError that names the first key that is not allowed.
    """
    studies = parse_as(Studies, text)
    for name in studies.studies:
        points(studies, name)
    return studies


def homes(trains: str) -> dict[str, list[tuple[str, str]]]:
    """The options of a way to train: in which groups each belongs, and under which key."""
    groups: dict[str, type[Group]] = {"data": Data, "grid": Grid, "train": Train}
    if trains == "prune":
        groups = {"data": Data, "grid": PruneGrid, "train": Prune}
    found: dict[str, list[tuple[str, str]]] = {}
    for group, model in groups.items():
        for key in model.model_fields:
            option = {"name": "data", "seed": "data_seed"}.get(key, key) if group == "data" else key
            found.setdefault(option, []).append((group, key))
    return found


def points(studies: Studies, name: str) -> list[Point]:
    """Every point of the study's grid, the last option of the grid changing fastest. Raise ParamsError."""
    path, study = f"studies.{name}", studies.studies[name]
    defaults = studies.defaults[study.trains]
    known = homes(study.trains)
    named = {f"defaults.{study.trains}": defaults, f"{path}.options": study.options, f"{path}.grid": study.grid}
    for where, options in named.items():
        if unknown := [option for option in options if option not in known]:
            raise ParamsError(f"{where}.{unknown[0]}: no such option; the options are {', '.join(sorted(known))}")
    _check_axis(path, study)
    found = []
    for values in product(*study.grid.values()):
        place = dict(zip(study.grid, values, strict=True))
        found.append(_resolved(path, study.trains, place, {**defaults, **study.options, **place}))
    return found


def _check_axis(path: str, study: Study) -> None:
    axes = [*study.grid, *(axis for axis, trains in INNER.items() if trains == study.trains)]
    if study.over not in axes:
        raise ParamsError(f"{path}.over: {study.over!r} is no axis of this study; its axes are {', '.join(axes)}")
    if study.over in study.grid and len(study.grid[study.over]) < LEAST_POINTS:
        count = len(study.grid[study.over])
        raise ParamsError(f"{path}.grid.{study.over}: has {count} values, and an axis needs {LEAST_POINTS} or more")
    for option, values in study.grid.items():
        if option in ONE_DATA:
            raise ParamsError(
                f"{path}.grid.{option}: is the same at every point of a study; use options, or a second study"
            )
        try:
            unique(values)
        except ValueError as error:
            raise ParamsError(f"{path}.grid.{option}: {error}") from None


def _resolved(path: str, trains: str, place: dict[str, Any], options: dict[str, Any]) -> Point:
    groups: dict[str, dict[str, Any]] = {"data": {}, "grid": {}, "train": {}}
    names = {}
    for option, own in homes(trains).items():
        for group, key in own:
            names[f"{group}.{key}"] = option
            if option in options:
                groups[group][key] = [options[option]] if group == "grid" else options[option]
    try:
        whole = check(Fitting, groups) if trains == "fit" else check(Pruning, groups)
    except ParamsError as error:
        key, _, message = str(error).partition(": ")
        raise ParamsError(f"{path}: {names.get(key.removesuffix('.0'), key)}: {message}") from None
    return Point(place, whole.data, whole.grid, whole.train)
