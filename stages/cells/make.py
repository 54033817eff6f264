"""Put the files of cells in place: from the store where it has them, else by training, side by side on every core."""

import math
import os
import shlex
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from rich.progress import BarColumn, Progress, TextColumn

from stages.base import files, tensors
from stages.base.console import console
from stages.base.files import UserError
from stages.base.machine import device_asked, memory, refuse_too_large, workers_asked
from stages.cells import ending, pool, store
from stages.cells.cell import Cell, Maker, fingerprint, maker_here, names, plural
from stages.cells.jobs import Job, split
from stages.training.options import OWN_IMAGES
from stages.training.runs import CHUNK, Arrays, joined

CLUSTER = "DASK_SCHEDULER_ADDRESS"
SILENCE_S = 60.0  # between two lines of progress where there is no terminal to draw a bar on
CLASSIFIER = 1 << 30  # bytes that a classifier of torchvision of the size of mobilenet_v3_small takes, about
Results = Generator[tuple[Job, list[Arrays] | BaseException]]


def make(what: str, wanted: Callable[[int], list[Cell]], data: Path, command: str, only: str = "") -> None:
    """Write every wanted cell's file, and say how many cells were trained and how many came from the store.

    `data` is the path of the prepared data's file, and `wanted` gives the cells for its number of classes. UserError if
    a cell cannot be trained; the others are then in the store, and the same call goes on from there. UserError as well
    if code, data or what is wanted changed meanwhile, because DVC would record that the old cells were made from the
    new state. `command` is the stage's command, for the message of a failure. If a cell is named by `only`, that one
    alone is trained, as by `alone`.
    """
    if only:
        alone(wanted, data, only)
        return
    with ending.cleanly():
        most = store.size_allowed()
        maker, shape = _maker(data)
        cells = wanted(shape.classes)
        missing = []
        for cell in cells:
            content = store.get(fingerprint(cell, maker))
            if content is None:
                missing.append(cell)
            else:
                with ending.after_this():
                    files.write(cell.path, content)
                    store.drop_parts(fingerprint(cell, maker))  # that a kill has left
        if missing:
            try:
                _train(what, missing, maker, data, shape, command)
            finally:
                store.trim(most)
        now, shape_now = _maker(data)
        same = wanted(shape.classes) == cells and all(
            fingerprint(cell, now) == fingerprint(cell, maker) for cell in cells
        )
        if not same or shape_now != shape:
            raise UserError(f"{what}: code, data or parameters changed during training; run the same command again")
    where = f" on {os.environ[CLUSTER]}" if missing and os.environ.get(CLUSTER) else ""
    console.print(f"{what}: {plural(len(missing), 'cell')} trained{where}, {len(cells) - len(missing)} from the store")


def alone(wanted: Callable[[int], list[Cell]], data: Path, name: str) -> None:
    """Train the wanted cell of that name in this process, whether or not the store has it, and keep nothing.

    An error is raised as it is, so that its traceback shows where in the code it came up. UserError if no cell has
    that name.
    """
    from stages.cells.worker import Worker

    maker, shape = _maker(data)
    cells = wanted(shape.classes)
    found = [cell for cell in cells if cell.name == name]
    if not found:
        raise UserError(f"there is no cell {name!r}; there are {names(cells)}")
    worker = Worker(data.read_bytes())
    jobs = split(found, 1, maker.device, shape.inputs)
    shares = [0.0] * len(jobs)
    with _bar(name, found) as bar:
        told = _of(jobs, bar, found)
        for place, job in enumerate(jobs):

            def report(share: float, place: int = place) -> None:
                shares[place] = share
                told(shares)

            worker.work(job, maker, report)
    console.print(f"{name}: trained without an error; nothing was written")


class Shape(NamedTuple):
    """Of the prepared data."""

    images: int  # for training
    inputs: int  # pixels of each
    classes: int


def _maker(data: Path) -> tuple[Maker, Shape]:
    """What the cells would be made with now, and the shape of the data."""
    about, shapes = files.read_header(data, "dvc repro -f prepare", "train_pixels")
    images, inputs = shapes["train_pixels"]
    return maker_here(about["digest"], device_asked()), Shape(images, inputs, about["classes"])


def parameters(cell: Cell, shape: Shape) -> int:
    """Of one of the cell's networks, about."""
    width = max(cell.widths)
    return int(width * (shape.inputs + shape.classes + 2) + (cell.options.get("depth", 1) - 1) * width * width)


def networks_kept(cell: Cell) -> int:
    """In the cell's file."""
    if cell.procedure == "prune" and cell.options["keep_networks"]:
        return int(cell.seeds * (cell.options["levels"] + 1))
    return cell.seeds if cell.procedure == "fit" else 0


def memory_needed(cell: Cell, alphas: int, seeds: int, shape: Shape) -> int:
    """Bytes, measured, for the cell's runs with so many seeds, and as many at other alphas, as one batch.

    Each seed has a batch of the images that it sees.
    """
    images, inputs, classes = shape
    if cell.procedure == "finetune":
        return CLASSIFIER
    if cell.procedure == "smooth":  # kernels and smoothers of about as many test images as training images
        return int(4 * 16 * cell.options["images"] ** 2)
    width, own_images = max(cell.widths), cell.options["redraw"] in OWN_IMAGES
    if cell.procedure == "features":  # in double precision: the features, their decomposition, those of a chunk
        own, set_of = width * (4 * cell.options["images"] + 2 * CHUNK + 2 * inputs), cell.options["images"] * inputs
        return int(8 * (own + set_of) + 4 * 2 * images * inputs * own_images)
    networks = alphas * seeds
    # at the start, in training, at the end, their mean, scratch, where a file is made, and what a rule remembers
    copies = 8 + {"momentum": 1, "nesterov": 2, "adam": 3}.get(cell.options.get("rule", "sgd"), 0)
    weights = copies * networks * parameters(cell, shape)
    units = max(width, classes)  # of the largest layer
    size = min(cell.options.get("batch_size", 32), cell.options["images"])
    batch = size * (1.3 * seeds * inputs + 3 * networks * units)
    scored = networks * units * CHUNK + seeds * inputs * CHUNK * own_images
    pool = 2 * images * inputs * own_images  # the data's file and its arrays; what others have is part of a process
    return int(4 * (weights + batch + scored + pool))


def refuse_too_many(jobs: list[Job], cells: list[Cell], shape: Shape, at_once: int, here: int) -> None:
    """UserError if the largest jobs do not fit side by side into a memory of `here` bytes."""
    needed = {
        place: memory_needed(cells[job.cells[0]], len(job.cells), len(job.seeds), shape)
        for place, job in enumerate(jobs)
    }
    largest = sorted(needed, key=lambda place: -needed[place])[:at_once]
    what = names([cells[place] for place in dict.fromkeys(jobs[place].cells[0] for place in largest)])
    remedy = "take fewer seeds, a smaller width or fewer workers (SDD_WORKERS)"
    refuse_too_large(what, remedy, *(needed[place] for place in largest), here=here)


def _train(what: str, cells: list[Cell], maker: Maker, data: Path, shape: Shape, command: str) -> None:
    """Train the cells, and write each one's file to its place and into the store as it is finished.

    Cells that share batches are finished together. Their parts are kept meanwhile, so that a kill loses little: the
    next call uses them if it splits the cells alike, as it does with as many workers.
    """
    if with_networks := [cell for cell in cells if networks_kept(cell)]:
        largest = max(with_networks, key=lambda one: networks_kept(one) * parameters(one, shape))
        files_worth = 4 * networks_kept(largest) * parameters(largest, shape)
        remedy = "take fewer seeds or a smaller width"
        refuse_too_large(largest.name, remedy, 3 * files_worth, here=memory())  # parts, the whole cell, and its bytes
    parts: dict[int, dict[range, Arrays]] = defaultdict(dict)
    failed: dict[int, str] = {}
    kept = True
    with (
        _names_of_the_lost(cells, command),
        _bar(what, cells) as bar,
        _results(cells, maker, data, shape, bar) as (jobs, results),
    ):
        expected = Counter(place for job in jobs for place in job.cells)
        for job, result in results:
            if isinstance(result, BaseException):
                failed |= dict.fromkeys(job.cells, _reason(result))
                continue
            whole = []
            with ending.after_this():
                for place, arrays in zip(job.cells, result, strict=True):
                    own = fingerprint(cells[place], maker)
                    parts[place][job.seeds] = arrays
                    if len(parts[place]) < expected[place]:
                        content = tensors.to_bytes(arrays, store.described(own, job.seeds))
                        kept = kept and store.put(own, content, job.seeds)
                        continue
                    in_order = sorted(parts.pop(place).items(), key=lambda part: part[0].start)
                    content = tensors.to_bytes(joined([part for _, part in in_order]), own)
                    kept = kept and store.put(own, content)
                    if kept:
                        store.drop_parts(own)
                    whole.append((cells[place].path, content))
                for path, content in whole:
                    files.write(path, content)
    if failed:
        why = "; ".join(sorted(set(failed.values())))
        lost = [cells[place] for place in failed]
        raise UserError(f"{plural(len(lost), 'cell')} failed ({names(lost)}): {why}; {_how_alone(lost, command)}")


def _how_alone(cells: list[Cell], command: str) -> str:
    """Which command trains the first of these cells alone."""
    which = "it" if len(cells) == 1 else "the first"
    return f"to see {which} alone: {command} --only {shlex.quote(cells[0].name)}"


@contextmanager
def _names_of_the_lost(cells: list[Cell], command: str) -> Iterator[None]:
    """Where a worker process dies, UserError names the cells that were trained meanwhile."""
    try:
        yield
    except pool.WorkerDiedError as died:
        lost = [cells[place] for place in sorted({place for job in died.jobs for place in job.cells})]
        goes_on = "finished cells are kept, and the same command goes on; with SDD_WORKERS=1 it takes the least"
        if not lost:
            raise UserError(f"{died}; {goes_on}") from None
        raise UserError(f"{died}, at {names(lost)}; {goes_on}; {_how_alone(lost, command)}") from None


def _reason(error: BaseException) -> str:
    """Why a job failed, on one line. The trainer refuses by ValueError, in words for the person who gets them."""
    said = files.one_line(error).rstrip(".")
    return said if isinstance(error, UserError | ValueError) or not str(error) else f"{type(error).__name__} {said}"


@contextmanager
def _results(
    cells: list[Cell], maker: Maker, data: Path, shape: Shape, progress: Callable[[float], None]
) -> Iterator[tuple[list[Job], Results]]:
    """The jobs, and their results as they finish: from the Dask cluster where one is named, else from this machine.

    No worker goes on when this ends, for example because a file cannot be written.
    """
    if os.environ.get(CLUSTER):
        from stages.cells import cluster

        with cluster.connect(os.environ[CLUSTER]) as client:
            machines = cluster.machines(client, maker, *{cell.procedure for cell in cells})
            jobs = split(cells, sum(at_once for at_once, _ in machines), maker.device, shape.inputs)
            for at_once, here in machines if maker.device == "cpu" else []:
                refuse_too_many(jobs, cells, shape, at_once, here)

            def run(todo: list[Job], told: Callable[[list[float]], None]) -> Results:
                return cluster.run(client, todo, maker, data.read_bytes(), told)

            with closing(_all(jobs, cells, maker, progress, run)) as results:
                yield jobs, results
    else:
        workers = workers_asked() if maker.device == "cpu" else 1
        jobs = split(cells, workers, maker.device, shape.inputs)
        if maker.device == "cpu":
            refuse_too_many(jobs, cells, shape, workers, memory())

        def run(todo: list[Job], told: Callable[[list[float]], None]) -> Results:
            return pool.run(todo, maker, data, min(workers, len(todo)), told)

        with closing(_all(jobs, cells, maker, progress, run)) as results:
            yield jobs, results


def _all(
    jobs: list[Job],
    cells: list[Cell],
    maker: Maker,
    progress: Callable[[float], None],
    run: Callable[[list[Job], Callable[[list[float]], None]], Results],
) -> Results:
    """Jobs whose parts of cells the store has, with what they made, and then those that `run` does."""
    todo = []
    for job in jobs:
        contents = [store.get(fingerprint(cells[place], maker), job.seeds) for place in job.cells]
        made = [tensors.from_bytes(content)[0] for content in contents if content is not None]
        if len(made) == len(contents):
            yield job, made
        else:
            todo.append(job)
    if todo:
        yield from run(todo, _of(todo, progress, cells))


def _of(jobs: list[Job], progress: Callable[[float], None], cells: list[Cell]) -> Callable[[list[float]], None]:
    """From the shares of these jobs that are done to the number of the cells' runs' worth, which `progress` takes."""
    runs = [len(job.cells) * len(job.seeds) for job in jobs]
    before = sum(cell.seeds for cell in cells) - sum(runs)  # what was kept of an earlier call
    return lambda shares: progress(before + sum(share * size for share, size in zip(shares, runs, strict=True)))


def progress_said(done: float, before: float, total: int, seconds: float) -> str:
    """How far it is, how fast, and how long it takes yet, where `before` of the models were there at the start."""
    said = f"{int(done)} of {total} models"
    if done <= before or seconds <= 0:
        return said
    rate = (done - before) / seconds
    fast = f"{rate:.1f} a second" if rate >= 1 else f"{60 * rate:.1f} a minute"
    left = math.ceil((total - done) / rate)
    return f"{said}, {fast}, {timedelta(seconds=left)} left"


@contextmanager
def _bar(what: str, cells: list[Cell]) -> Iterator[Callable[[float], None]]:
    """A function that is told how many runs' worth is done: a live bar on a terminal, elsewhere a line a minute."""
    total = sum(cell.seeds for cell in cells)
    columns = TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[state]}")
    start = time.monotonic()
    said = start
    before: float | None = None  # what was there at the first call: parts of an earlier run
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total, state=f"{total} models")

        def tell(done: float) -> None:
            nonlocal said, before
            before = done if before is None else before
            now = time.monotonic()
            state = progress_said(done, before, total, now - start)
            progress.update(task, completed=done, state=state)
            if not console.is_terminal and now - said > SILENCE_S:
                console.print(f"{what}: {state}", markup=False)
                said = now

        yield tell
