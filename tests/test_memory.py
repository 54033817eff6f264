"""What will not fit is refused before anything is computed, and the estimates are right."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages import lasso, train
from stages.base.console import call
from stages.base.files import UserError, read_params
from stages.base.machine import PROCESS, cores, memory, refuse_too_large, threads
from stages.cells.cell import Cell, fit_cell
from stages.cells.jobs import split
from stages.cells.make import Shape, memory_needed, refuse_too_many
from stages.linear.heads import memory_of_heads
from stages.linear.regression import memory_of_regression
from tests.cells.project import DATA, Project, cells, pruned
from tests.workspace import ROOT, some

SHAPE = Shape(images=5000, inputs=784, classes=10)
IMAGES = """
import numpy as np
pixels, labels = np.random.default_rng(0).random(({count}, 784), "float32"), np.arange({count}) % 10
images = {{"train_pixels": pixels, "train_labels": labels, "test_pixels": pixels.copy(), "test_labels": labels}}
"""
TRAIN = """
from stages.base import tensors
from stages.cells.worker import Job, Worker
worker = Worker(tensors.to_bytes(images, {{"classes": 10}}))
worker.work(Job((0,), {one.procedure!r}, [{one.options!r}], range({one.seeds})), worker.maker)
"""
END = "print(next(int(line.split()[1]) * 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def peak(code: str) -> int:
    """Bytes of memory that the code takes at most, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", code + END], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout)


def fit_of(width: int, seeds: int, images: int, batch_size: int = 32) -> Cell:
    """A cell of the grid that trains for one epoch."""
    changes = {"seeds": seeds, "epochs": 1, "batch_size": batch_size, "images": images}
    return fit_cell(read_params().data, read_params().train.model_copy(update=changes), 10, width, 1.0, "x")


def prune_of(width: int, seeds: int) -> Cell:
    return pruned("magnitude", "rewind", width=width, seeds=seeds, levels=2, train_per_class=100, batch_size=32)


CELLS = [
    pytest.param(fit_of(5, 10, 5000), 5000, id="small"),
    pytest.param(fit_of(2000, 5, 1000), 1000, id="wide"),
    pytest.param(fit_of(100, 10, 5000, 10**9), 5000, id="one batch"),
    pytest.param(prune_of(1000, 4), 1000, id="pruning"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("one", "images"), some(CELLS, 1))
def test_a_cells_estimate_is_within_a_quarter_of_the_peak(one: Cell, images: int) -> None:
    found = peak(IMAGES.format(count=images) + TRAIN.format(one=one))
    assert PROCESS + memory_needed(one, 1, one.seeds, Shape(images, 784, 10)) == pytest.approx(found, rel=0.25)


@pytest.mark.slow
def test_the_heads_estimate_is_within_a_quarter_of_the_peak() -> None:
    code = """
import torch
from stages.linear import heads
x, y = (torch.from_numpy(images[f"train_{what}"]) for what in ("pixels", "labels"))
of = heads.Features.of(heads.random_relu(1500, 1, 10, 0, x), heads.random_relu(1500, 1, 10, 1, x))
heads.ridge(of, heads.one_hot(y, 10), torch.tensor([0.1]))
"""
    assert PROCESS + memory_of_heads(1500, 10_000, 10) == pytest.approx(
        peak(IMAGES.format(count=5000) + code), rel=0.25
    )


@pytest.mark.slow
def test_the_regressions_estimate_is_within_a_quarter_of_the_peak() -> None:
    code = """
import torch  # which PROCESS counts with
from stages.linear import regression
regression.over_components(regression.published_sample(1_500_000, 8, 4, 0.01, 0), 0.1, 0)
"""
    assert PROCESS + memory_of_regression(1_500_000, 8, 60, 240) == pytest.approx(peak(code), rel=0.25)


def test_more_than_the_machine_has_is_refused_in_one_line() -> None:
    refuse_too_large("small", "nothing to do", 0)
    half = memory() // 2
    refuse_too_large("one", "nothing to do", half)
    with pytest.raises(UserError, match=r"^two: takes about \d+\.\d GiB, \d+\.\d GiB are there; take less$"):
        refuse_too_large("two", "take less", half, half)
    with pytest.raises(UserError, match=r"takes about 0\.6 GiB, 0\.0 GiB are there"):
        refuse_too_large("elsewhere", "take less", 0, here=1 << 20)


def test_as_many_threads_as_memory_holds() -> None:
    assert threads(0) == cores()
    assert threads(memory()) == 1
    assert threads((memory() - PROCESS) // 2 - 1) == min(cores(), 2)


def test_a_job_counts_with_the_seeds_that_it_has_and_only_those_side_by_side_count() -> None:
    """A network of this width fills a block, so each of the ten seeds is a job."""
    one = cells(1, seeds=10, width=1000)
    part = PROCESS + memory_needed(one[0], 1, 1, SHAPE)
    jobs = split(one, 5, "cpu", 784)
    refuse_too_many(jobs, one, SHAPE, 5, 5 * part)
    refuse_too_many(jobs, one, SHAPE, 2, 2 * part)
    with pytest.raises(UserError, match=r"^width 1000, alpha 0\.0: takes about .* or fewer workers \(SDD_WORKERS\)$"):
        refuse_too_many(jobs, one, SHAPE, 5, 5 * part - 1)
    two = cells(2, seeds=1, width=1000)
    with pytest.raises(UserError, match=r"^width 1000, alpha 0\.0; width 1000, alpha 0\.1: takes about "):
        refuse_too_many(split(two, 2, "cpu", 784), two, SHAPE, 2, 1 << 28)


HUGE = 10**8


@pytest.mark.parametrize(
    ("stage", "arguments", "changes", "message"),
    [
        (
            "train",
            f"--width {HUGE} --data {DATA} --out models",
            {},
            "width 100000000, alpha 0.0: takes about ",
        ),
        (
            "train",
            f"--width 2 --data {DATA} --out models",
            {"train": {"seeds": HUGE}},
            "width 2, alpha 0.0: takes about ",
        ),
        ("lasso", "--metrics metrics --plots plots", {"lasso": {"samples": HUGE}}, "lasso: takes about "),
    ],
)
def test_what_will_not_fit_gets_one_line_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, arguments: str, changes: dict[str, Any], message: str
) -> None:
    project = Project.of(tmp_path)
    project.change(changes)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=rf"^{message}[^\n]*GiB are there; (take )?fewer [^\n]*$"):
        call({"train": train, "lasso": lasso}[stage].main, *arguments.split())
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("of_process", "limits", "least"),
    [
        ("0::/", {}, None),
        ("0::/a/b", {"a/b/memory.max": "max", "a/memory.max": "1000000", "memory.max": "max"}, 1_000_000),
        ("0::/a/b", {"a/b/memory.max": "2000000"}, 2_000_000),
        ("4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": "3000000"}, 3_000_000),
        ("4:memory:/not/seen/here\n0::/", {"memory/memory.limit_in_bytes": "4000000"}, 4_000_000),
        ("0::/", {"memory.max": str(1 << 62)}, None),
    ],
)
def test_the_least_limit_of_the_control_groups_counts(
    tmp_path: Path, of_process: str, limits: dict[str, str], least: int | None
) -> None:
    for name, text in {"proc/self/cgroup": of_process, **{f"sys/fs/cgroup/{n}": t for n, t in limits.items()}}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory(tmp_path) == (least or whole)
    assert memory(tmp_path / "no such system") == whole
