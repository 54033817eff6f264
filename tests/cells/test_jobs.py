"""However cells are split over workers, every run is trained once, all workers end together, and no byte changes."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base import tensors
from stages.base.files import UserError
from stages.cells.cell import Cell, Maker, fingerprint
from stages.cells.jobs import BLOCK, refuse_other, split
from stages.cells.worker import Worker
from stages.training.runs import Arrays, joined
from tests.cells.project import PIXELS, cells, data_file, pruned

PAPER = [(width, alpha / 10) for width in (5, 10, 25, 50, 75, 100) for alpha in range(16)]


def points_of(points: list[tuple[int, float]], seeds: int, procedure: str = "fit") -> list[Cell]:
    return [
        Cell(
            f"{width} {alpha}", Path(), procedure, {"width": width, "alpha": alpha, "stop_at_train_error": None}, seeds
        )
        for width, alpha in points
    ]


points = st.lists(
    st.tuples(st.sampled_from([1, 5, 25, 100, 3000]), st.floats(0, 9)), min_size=1, max_size=20, unique=True
)


@given(
    points, st.integers(1, 12), st.integers(1, 9), st.sampled_from(["cpu", "cuda"]), st.sampled_from(["fit", "prune"])
)
def test_every_seed_of_every_cell_is_trained_once(
    chosen: list[tuple[int, float]], seeds: int, workers: int, device: str, procedure: str
) -> None:
    asked = points_of(chosen, seeds, procedure)
    jobs = split(asked, workers, device, 784)
    trained = Counter((place, seed) for job in jobs for place in job.cells for seed in job.seeds)
    assert trained == Counter((place, seed) for place in range(len(asked)) for seed in range(seeds))
    for job in jobs:
        assert job.options == [asked[place].options for place in job.cells]
        assert len({one["width"] for one in job.options}) == 1


@given(points, st.integers(1, 12), st.integers(1, 9))
def test_a_block_fits_the_cache_unless_it_is_a_single_network(
    chosen: list[tuple[int, float]], seeds: int, workers: int
) -> None:
    for job in split(points_of(chosen, seeds), workers, "cpu", 784):
        networks = len(job.cells) * len(job.seeds)
        assert networks == 1 or networks * job.options[0]["width"] * 784 * 4 <= BLOCK


@given(st.integers(1, 16))
def test_no_worker_idles_for_long_at_the_end_of_a_width(workers: int) -> None:
    for width in (5, 10, 25, 50, 75, 100):
        jobs = split(points_of([point for point in PAPER if point[0] == width], 10), workers, "cpu", 784)
        busy = [0] * workers  # in runs
        for job in jobs:
            busy[busy.index(min(busy))] += len(job.cells) * len(job.seeds)
        assert max(busy) <= 1.25 * sum(busy) / workers, (width, workers, len(jobs))


def test_cells_that_may_stop_early_are_trained_apart() -> None:
    assert [job.cells for job in split(cells(3, 1, stop_at_train_error=0.1), 2, "cpu", PIXELS)] == [(0,), (1,), (2,)]
    assert [job.cells for job in split(cells(3, 1), 1, "cpu", PIXELS)] == [(0, 1, 2)]


def test_pruning_keeps_its_cells_apart() -> None:
    assert all(len(job.cells) == 1 for job in split(points_of([(5, 0.0), (5, 1.0)], 3, "prune"), 2, "cpu", 784))


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker(data_file())


@pytest.mark.parametrize(("seeds", "width"), [(1, 1), (3, 1), (9, 1), (2, 2), (5, 2), (3, 3), (7, 3), (10, 5), (3, 25)])
@pytest.mark.parametrize("penalty", ["induced_1norm", "l1"])
def test_a_cells_bytes_do_not_depend_on_the_number_of_workers(
    worker: Worker, seeds: int, width: int, penalty: str
) -> None:
    wanted = cells(3, seeds, width, penalty=penalty)
    made = [bytes_of_all(worker, wanted, workers) for workers in (1, 2, 4, 5, 30)]
    assert all(one == made[0] for one in made)


def test_nor_do_those_of_the_pruning_study(worker: Worker) -> None:
    config = {"width": 4, "seeds": 5, "share": 0.3, "batch_size": 50}
    for method in ("magnitude", "random", "gradient"):
        wanted = [pruned(method, how, **config) for how in ("finetune", "rewind", "scratch")]
        assert bytes_of_all(worker, wanted, 1) == bytes_of_all(worker, wanted, 2) == bytes_of_all(worker, wanted, 4)


def bytes_of_all(worker: Worker, wanted: list[Cell], workers: int) -> list[bytes]:
    parts: dict[int, list[Arrays]] = {}
    for job in split(wanted, workers, "cpu", PIXELS):
        for place, arrays in zip(job.cells, worker.work(job, worker.maker), strict=True):
            parts.setdefault(place, []).append(arrays)
    return [tensors.to_bytes(joined(parts[place]), fingerprint(wanted[place], worker.maker)) for place in sorted(parts)]


def test_all_cells_of_a_gpus_one_job_are_those_of_a_job_each(worker: Worker) -> None:
    wanted = cells(3, seeds=2, width=5)
    (job,) = split(wanted, 1, "cuda", PIXELS)
    together = worker.work(job, worker.maker)
    for one, other in zip(wanted, together, strict=True):
        (alone,) = worker.work(split([one], 1, "cpu", PIXELS)[0], worker.maker)
        assert all(np.array_equal(alone[name], other[name]) for name in alone)


@pytest.mark.parametrize("what", ["code", "torch", "device", "data"])
def test_a_process_that_would_make_other_bytes_is_refused(worker: Worker, what: str) -> None:
    here = Maker({"fit": "c" * 64}, "2.15.0", "cpu", "d" * 64)
    refuse_other("worker x", here, here, "fit")
    said = "code of fit" if what == "code" else what
    changed: Any = {"fit": "something else"} if what == "code" else "something else"
    other = Maker(**{**vars(here), what: changed})
    with pytest.raises(UserError, match=rf"^worker x has {said} something else, this checkout has \S+: it trains noth"):
        refuse_other("worker x", other, here, "fit")
    if what == "code":
        refuse_other("worker x", other, here, "prune")  # of which both know nothing
    wanted = Maker(**{**vars(worker.maker), what: changed})
    with pytest.raises(UserError, match=rf"has {said} \S+, this checkout has something else: it trains nothing"):
        worker.work(split(cells(1), 1, "cpu", PIXELS)[0], wanted)
