"""However cells are split over workers, every run is trained once, all workers end together, and no byte changes."""

import heapq
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base import tensors
from stages.base.files import UserError
from stages.base.params import Prune
from stages.cells.cell import Cell, Maker, fingerprint, prune_cell
from stages.cells.jobs import refuse_other, split
from stages.cells.worker import Worker
from stages.training.runs import Arrays, joined
from tests.cells.project import cells, data_file

SHAPES = {"count": st.integers(1, 20), "seeds": st.integers(1, 12), "width": st.integers(1, 40)}


@given(**SHAPES, workers=st.integers(1, 70), device=st.sampled_from(["cpu", "cuda"]))
def test_every_run_is_in_one_job_and_in_no_other(count: int, seeds: int, width: int, workers: int, device: str) -> None:
    wanted = cells(count, seeds, width)
    jobs = split(wanted, workers, device)
    runs = Counter((place, seed) for job in jobs for place in job.cells for seed in job.seeds)
    assert runs == Counter((place, seed) for place in range(count) for seed in range(seeds))
    for job in jobs:
        assert job.options == [wanted[place].options for place in job.cells]
        assert len(job.seeds) > 0
    if device == "cuda":
        assert len(jobs) == 1


@settings(max_examples=300)
@given(**SHAPES, workers=st.integers(1, 70))
def test_no_worker_trains_more_than_one_cells_runs_longer_than_another(
    count: int, seeds: int, width: int, workers: int
) -> None:
    """Each worker that is free takes the next job, and every run takes as long as any other."""
    busy = [0] * workers
    for job in split(cells(count, seeds, width), workers, "cpu"):
        heapq.heapreplace(busy, busy[0] + len(job.seeds))
    assert max(busy) - min(busy) <= seeds


def test_two_workers_share_one_cell_of_ten_seeds_evenly() -> None:
    assert [len(job.seeds) for job in split(cells(1, 10, 25), 2, "cpu")] == [5, 5]
    assert [len(job.seeds) for job in split(cells(16, 10, 25), 5, "cpu")] == [10] * 15 + [2] * 5


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
    config = Prune(label_noise=0.2, width=4, seeds=5, levels=2, share=0.3, epochs=1, batch_size=50, lr=0.1)
    for method in ("magnitude", "random", "gradient"):
        wanted = [prune_cell(config, method, how, "x") for how in ("finetune", "rewind", "scratch")]
        assert bytes_of_all(worker, wanted, 1) == bytes_of_all(worker, wanted, 2) == bytes_of_all(worker, wanted, 4)


def bytes_of_all(worker: Worker, wanted: list[Cell], workers: int) -> list[bytes]:
    parts: dict[int, list[Arrays]] = {}
    for job in split(wanted, workers, "cpu"):
        for place, arrays in zip(job.cells, worker.work(job, worker.maker), strict=True):
            parts.setdefault(place, []).append(arrays)
    return [tensors.to_bytes(joined(parts[place]), fingerprint(wanted[place], worker.maker)) for place in sorted(parts)]


def test_all_cells_of_a_gpus_one_job_are_those_of_a_job_each(worker: Worker) -> None:
    wanted = cells(3, seeds=2, width=5)
    (job,) = split(wanted, 1, "cuda")
    together = worker.work(job, worker.maker)
    for one, other in zip(wanted, together, strict=True):
        (alone,) = worker.work(split([one], 1, "cpu")[0], worker.maker)
        assert all(np.array_equal(alone[name], other[name]) for name in alone)


@pytest.mark.parametrize("what", ["training", "torch", "device", "data"])
def test_a_process_that_would_make_other_bytes_is_refused(worker: Worker, what: str) -> None:
    here = Maker("c" * 64, "2.15.0", "cpu", "d" * 64)
    refuse_other("worker x", here, here)
    other = Maker(**{**vars(here), what: "something else"})
    with pytest.raises(UserError, match=rf"^worker x has {what} something else, this checkout has \S+: it trains noth"):
        refuse_other("worker x", other, here)
    wanted = Maker(**{**vars(worker.maker), what: "something else"})
    with pytest.raises(UserError, match=rf"has {what} \S+, this checkout has something else: it trains nothing"):
        worker.work(split(cells(1), 1, "cpu")[0], wanted)
