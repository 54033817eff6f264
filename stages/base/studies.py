"""The contents of studies/params.yaml: questions, each with a grid of cells and the axis along which it is judged.

A study's options are those of its way to train, without their groups' names. For `fit` they are those of params.yaml's
groups data, grid and train. What a study does not name is as in `defaults`.
"""

import re
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from stages.base.params import (
    LEAST_POINTS,
    Coding,
    Data,
    Descent,
    Features,
    Finetune,
    Finetuning,
    Fitting,
    Group,
    Grow,
    Growing,
    ParamsError,
    Prune,
    Pruning,
    Regressing,
    Smooth,
    Smoothing,
    check,
    parse_as,
    unique,
)
from stages.base.readings import KINDS, SWEPT, Reading

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")  # of a study
# all cells of a study choose from the same images
ONE_DATA = ("data", "path", "train_per_class", "test_per_class", "redraw", "permute")


class Way(NamedTuple):
    """A way to train, which is a module of that name in `stages/training/`."""

    model: type[Group]  # of its options in their groups
    inner: str | None  # an axis that a single run passes through


WAYS = {
    "fit": Way(Fitting, "epoch"),
    "prune": Way(Pruning, "round"),
    "grow": Way(Growing, "width"),
    "features": Way(Regressing, None),
    "prequential": Way(Coding, None),
    "smooth": Way(Smoothing, None),
    "finetune": Way(Finetuning, None),
}


Trains = Literal["fit", "prune", "grow", "features", "prequential", "smooth", "finetune"]  # the keys of WAYS


class Study(Group):
    """One question."""

    asks: Annotated[str, Field(min_length=1)]
    expects: str  # what should come out, and who says so
    trains: Trains
    over: str  # an option of the grid, or what a single run passes through
    twin: str | None = None  # the same study without `redraw` or `permute`, one of which is set here
    options: dict[str, Any]
    grid: dict[str, Annotated[list[Any], Field(min_length=1)]]

    @property
    def within_a_run(self) -> bool:
        """Whether the axis is what a single run passes through."""
        return self.over == WAYS[self.trains].inner

    @property
    def by(self) -> list[str]:
        """The options of the grid that are not the axis."""
        return [option for option in self.grid if option != self.over]


class Studies(Group):
    """studies/params.yaml"""

    defaults: dict[Trains, dict[str, Any]]
    studies: dict[str, Study]
    readings: dict[str, Reading] = Field(default_factory=dict)


class Point(NamedTuple):
    """A point of a study's grid: what tells it from the others, and all options there."""

    trains: str
    place: dict[str, Any]  # a list as text
    data: Data
    grid: Group  # of this point alone
    train: Descent | Prune | Features | Smooth | Finetune


def parse_studies(text: str) -> Studies:
    """Read and check studies/params.yaml, every point of every study included.

    Raise ParamsError that names the first key that is not allowed.
    """
    studies = parse_as(Studies, text)
    for trains, defaults in studies.defaults.items():
        _refuse_unknown(f"defaults.{trains}", defaults, trains)
    for name, study in studies.studies.items():
        _refuse_name("study", name)
        if study.trains not in studies.defaults:
            raise ParamsError(f"defaults.{study.trains}: missing")
        points(studies, name)
    for name, study in studies.studies.items():
        if study.twin is not None:
            _check_twin(studies, name, study.twin)
    for name, reading in studies.readings.items():
        _refuse_name("reading", name)
        _check_reading(studies, name, reading)
    return studies


def _refuse_name(what: str, name: str) -> None:
    if not NAME.fullmatch(name) or name == "verdicts":  # which becomes a folder, and a word of a command
        raise ParamsError(
            f"studies: {name!r} is no name for a {what}; use small letters, digits, '-' and '_', not 'verdicts'"
        )


def _check_reading(studies: Studies, name: str, reading: Reading) -> None:
    """Raise ParamsError unless the study that it reads has cells with what it measures, at the points that it names."""
    path = f"readings.{name}"
    if name in studies.studies:
        raise ParamsError(f"{path}: is the name of a study; take another one")
    if reading.reads not in studies.studies:
        raise ParamsError(f"{path}.reads: there is no study {reading.reads!r}")
    study, ways = studies.studies[reading.reads], KINDS[reading.measures]
    if study.trains not in ways:
        raise ParamsError(
            f"{path}.measures: {reading.measures!r} reads what is trained by {' or '.join(ways)}, and "
            f"{reading.reads!r} is trained by {study.trains}"
        )
    for option, values in reading.where.items():
        if option not in study.grid or any(value not in study.grid[option] for value in values):
            raise ParamsError(f"{path}.where.{option}: {values} does not stand in the grid of {reading.reads!r}")
    grid = points_read(studies, name)
    if any(isinstance(point.train, Prune) and not point.train.keep_networks for point in grid):
        raise ParamsError(f"{path}.reads: {reading.reads!r} keeps no networks; a study does with keep_networks: true")
    least = {"heads": 1e-30, "sweep": 0.0, "kernels": 0.0}.get(reading.measures)
    if least is not None and (not reading.strength or min(reading.strength) < least):
        raise ParamsError(f"{path}.strength: {reading.strength} should name numbers, each at least {least:g}")
    if reading.measures == "shifts" and grid[0].data.permute:
        raise ParamsError(f"{path}.measures: the pixels of {reading.reads!r} are permuted and cannot be shifted")
    read = {point.place[study.over] for point in grid if study.over in point.place}
    if study.over in study.grid and reading.measures != "sweep" and len(read) < LEAST_POINTS:
        raise ParamsError(f"{path}.where.{study.over}: {len(read)} values are read, and an axis needs {LEAST_POINTS}")
    if study.over == "epoch":
        raise ParamsError(f"{path}.reads: {reading.reads!r} is judged over epochs, and only the last networks are kept")
    if any(reading.seeds is not None and reading.seeds > point.train.seeds for point in grid):
        raise ParamsError(f"{path}.seeds: {reading.seeds} is more than the runs of {reading.reads!r}")


def _refuse_unknown(where: str, options: dict[str, Any], trains: str) -> None:
    known = homes(trains)
    if unknown := [option for option in options if option not in known]:
        raise ParamsError(f"{where}.{unknown[0]}: no such option; the options are {', '.join(sorted(known))}")


def _check_twin(studies: Studies, name: str, twin: str) -> None:
    """Raise ParamsError unless the twin differs in nothing but `redraw`, `permute` and seeds where both have points."""
    path = f"studies.{name}.twin"
    if twin not in studies.studies:
        raise ParamsError(f"{path}: there is no study {twin!r}")

    def by_place(name: str) -> dict[str, Point]:
        return {str(sorted(point.place.items())): point for point in points(studies, name)}

    own, other = by_place(name), by_place(twin)
    shared = [(own[place], other[place]) for place in own if place in other]
    if any(_is_plain(one.data) or not _is_plain(two.data) for one, two in shared):
        raise ParamsError(f"{path}: redraw should be none and permute false in {twin!r}, and one of them not here")
    if not shared or any(_but_for_the_set(one) != _but_for_the_set(two) for one, two in shared):
        raise ParamsError(f"{path}: {twin!r} should share points and differ in no option but redraw, permute and seeds")


def _is_plain(data: Data) -> bool:
    return data.redraw == "none" and not data.permute


def _but_for_the_set(point: Point) -> Any:
    return point.data.model_dump(exclude={"redraw", "permute"}), point.grid, point.train.model_dump(exclude={"seeds"})


def homes(trains: str) -> dict[str, list[tuple[str, str]]]:
    """The options of a way to train: in which groups each belongs, and under which key."""
    found: dict[str, list[tuple[str, str]]] = {}
    for group, field in WAYS[trains].model.model_fields.items():
        assert field.annotation
        for key in field.annotation.model_fields:
            option = {"name": "data", "seed": "data_seed"}.get(key, key) if group == "data" else key
            found.setdefault(option, []).append((group, key))
    return found


def points(studies: Studies, name: str) -> list[Point]:
    """Every point of the study's grid, the last option of the grid changing fastest. Raise ParamsError."""
    path, study = f"studies.{name}", studies.studies[name]
    defaults = studies.defaults[study.trains]
    _refuse_unknown(f"{path}.options", study.options, study.trains)
    _refuse_unknown(f"{path}.grid", study.grid, study.trains)
    if twice := [option for option in study.grid if option in study.options]:
        raise ParamsError(f"{path}.options.{twice[0]}: stands in the grid as well; take it out of one of them")
    _check_axis(path, study)
    found = []
    for values in product(*study.grid.values()):
        own = dict(zip(study.grid, values, strict=True))
        place = {option: as_place(value) for option, value in own.items()}
        found.append(_resolved(path, study, place, {**defaults, **study.options, **own}))
    if study.within_a_run and (count := min(map(_points_within, found))) < LEAST_POINTS:
        raise ParamsError(f"{path}.over: a run passes through {count} points, and an axis needs {LEAST_POINTS} or more")
    return found


class Along(NamedTuple):
    """The axis that answers are judged along, and the options that make groups: of answers, and of the study."""

    over: str
    by: list[str]  # those that have more than one value among what is read
    of_study: list[str]


def along(studies: Studies, name: str) -> Along:
    """That of a reading: its study's, unless it sweeps over features at every point."""
    reading = studies.readings[name]
    study = studies.studies[reading.reads]
    over, options = (SWEPT, [*study.grid]) if reading.measures == "sweep" else (study.over, study.by)
    varied = [option for option in options if len(reading.where.get(option, study.grid[option])) > 1]
    return Along(over, varied, study.by)


def points_read(studies: Studies, name: str) -> list[Point]:
    """The points of its study that a reading takes, in their order."""
    reading = studies.readings[name]

    def is_read(point: Point) -> bool:
        return all(point.place[option] in map(as_place, values) for option, values in reading.where.items())

    return [point for point in points(studies, reading.reads) if is_read(point)]


def as_place(value: Any) -> Any:
    """The value of an option as it tells a point from others: a list as text."""
    return " and ".join(map(str, value)) if isinstance(value, list) else value


def _points_within(point: Point) -> int:
    """How many points of its inner axis a run passes through."""
    match point.train:
        case Prune(levels=levels):
            return levels + 1
        case Grow(widths=widths):
            return len(widths)
        case Descent(epochs=epochs, eval_every=every):
            return len({*range(0, epochs + 1, every), epochs - 1, epochs})
        case _:
            return 0


def _check_axis(path: str, study: Study) -> None:
    inner = WAYS[study.trains].inner
    axes = [*study.grid, inner] if inner else [*study.grid]
    if study.over not in axes:
        raise ParamsError(f"{path}.over: {study.over!r} is no axis of this study; its axes are {', '.join(axes)}")
    if study.over in study.grid:
        values = study.grid[study.over]
        if len(values) < LEAST_POINTS:
            raise ParamsError(
                f"{path}.grid.{study.over}: has {len(values)} values, and an axis needs {LEAST_POINTS} or more"
            )
        if study.over == "seeds" or any(
            isinstance(value, bool) or not isinstance(value, int | float) for value in values
        ):
            raise ParamsError(
                f"{path}.over: {study.over!r} is no axis; an axis is an option, other than seeds, of numbers"
            )
    for option, values in study.grid.items():
        if option in ONE_DATA:
            raise ParamsError(
                f"{path}.grid.{option}: is the same at every point of a study; use options, or a second study"
            )
        try:
            unique(values)
        except ValueError as error:
            raise ParamsError(f"{path}.grid.{option}: {error}") from None


def _resolved(path: str, study: Study, place: dict[str, Any], options: dict[str, Any]) -> Point:
    groups: dict[str, dict[str, Any]] = {"data": {}, "grid": {}, "train": {}}
    names = {}
    for option, own in homes(study.trains).items():
        for group, key in own:
            names[f"{group}.{key}"] = option
            if option in options:
                groups[group][key] = [options[option]] if group == "grid" else options[option]
    try:
        whole: Any = check(WAYS[study.trains].model, groups)
    except ParamsError as error:
        key, _, message = str(error).partition(": ")
        option = names.get(".".join(key.split(".")[:2]), key)  # without a place in a list
        where = f"{path}: defaults.{study.trains}"
        if option in place:
            where = f"{path}.grid"
        elif option in study.options:
            where = f"{path}.options"
        raise ParamsError(f"{where}.{option}: {message}") from None
    return Point(study.trains, place, whole.data, whole.grid, whole.train)
