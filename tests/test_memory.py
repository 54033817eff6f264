"""What will not fit is refused before anything is computed, and the estimates are right."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from stages.core import cell, pruning_cell, tensors

from stages.base.files import UserError, read_params, read_prune_params
from stages.base.machine import PROCESS, cores, memory, refuse_too_large, threads
from stages.linear.heads import memory_of_heads
from stages.linear.regression import memory_of_regression
from tests.workspace import Workspace

START = """
import sys, torch
from stages.base import files
from stages.core import cell, heads, pruning_cell, regression, tensors
images = {f"{part}_{what}": value for part in ("train", "test") for what, value in
          (("pixels", torch.rand(5000, 784)), ("labels", torch.arange(5000) % 10))}
data = tensors.to_bytes({"dataset": "noise", "label_noise": 0.0, **images})
"""
END = "\nprint(next(int(line.split()[1]) * 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def peak(code: str) -> int:
    """Bytes of memory that the code takes at most, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", START + code + END], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "seeds", "batch"), [(5, 10, 32), (3000, 10, 32), (100, 100, 32), (100, 10, 10**9)])
def test_a_cells_estimate_is_within_a_quarter_of_the_peak(width: int, seeds: int, batch: int) -> None:
    changes = {"seeds": seeds, "epochs": 1, "batch_size": batch}
    one = {"width": width, "alpha": 1.0}
    found = peak(f"cell.train_cells(data, [{one}], files.read_params().train.model_copy(update={changes}))")
    config = read_params().train.model_copy(update=changes)
    assert PROCESS + cell.memory_needed(one, config, 5000, 784) == pytest.approx(found, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "seeds"), [(300, 4), (3000, 4), (300, 40)])
def test_a_pruning_cells_estimate_is_within_a_quarter_of_the_peak(width: int, seeds: int) -> None:
    changes = {"width": width, "seeds": seeds, "epochs": 1, "levels": 1}
    one = {"method": "magnitude", "retraining": "rewind"}
    config = f"files.read_prune_params().prune.model_copy(update={changes})"
    found = peak(f"pruning_cell.train_cells(data, [{one}], {config})")
    needed = pruning_cell.memory_needed(one, read_prune_params().prune.model_copy(update=changes), 5000, 784)
    assert PROCESS + needed == pytest.approx(found, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("width", [100, 2000])
def test_the_heads_estimate_is_within_a_quarter_of_the_peak(width: int) -> None:
    found = peak(
        f"""
of = heads.Features.of(*(heads.random_relu({width}, 0, images[part + "_pixels"]) for part in ("train", "test")))
del data
heads.measure(of, images["train_labels"], images["test_labels"], [0.1])"""
    )
    assert PROCESS + memory_of_heads(width, 10_000) == pytest.approx(found, rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize(("samples", "features", "n_train", "seen"), [(500_000, 50, 60, 240), (1000, 20, 1000, 4000)])
def test_the_regressions_estimate_is_within_a_quarter_of_the_peak(
    samples: int, features: int, n_train: int, seen: int
) -> None:
    found = peak(
        f"""
del data, images
regression.over_components(regression.published_sample({samples}, {features}, 10, 0.01, 0), 0.1, 0)
regression.over_features([5, {seen}], {n_train}, 0.5, [2.0], 0)"""
    )
    assert PROCESS + memory_of_regression(samples, features, n_train, seen) == pytest.approx(found, rel=0.25)


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


HUGE = 10**8
STAGE = "python -m stages."
ONTO = "--data data/prepared/data.pt --out data/x.pt"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.create(tmp_path_factory.mktemp("large"), prune=True)
    workspace.repro("prepare", "code", "train@2-0.0")
    cell = tensors.from_bytes((workspace.path / "data/models/2-0.0.pt").read_bytes())
    wide = {**cell, "made_from": {**cell["made_from"], "width": 10**6}}
    (workspace.path / "data/wide.pt").write_bytes(tensors.to_bytes(wide))
    return workspace


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "changes", "message"),
    [
        ("dvc repro train", {"grid": {"width": [HUGE]}}, "width 100000000, 2 seeds: takes about "),
        (f"{STAGE}sweep", {"grid": {"width": [HUGE]}}, "train@100000000-0.0, train@100000000-0.1: takes about "),
        (f"{STAGE}sweep --study prune", {"prune": {"width": HUGE}}, "prune/dvc.yaml:prune@magnitude-finetune, "),
        (f"{STAGE}prune --method random --retraining scratch {ONTO}", {"prune": {"seeds": HUGE}}, "100000000 seeds: "),
        ("dvc repro lasso", {"lasso": {"samples": HUGE}}, "lasso: takes about "),
        (f"{STAGE}head --cell data/wide.pt {ONTO}", {"train": {"seeds": 2}}, "heads on 1000000 features: takes about "),
        ("dvc repro train@2-0.1", {"train": {"seeds": HUGE}}, "width 2, 100000000 seeds: takes about "),
    ],
)
def test_what_will_not_fit_gets_one_line_and_leaves_no_file(
    workspace: Workspace, command: str, changes: dict[str, dict[str, object]], message: str
) -> None:
    before = sorted(workspace.path.glob("data/*/*"))
    texts = {name: workspace.read(name) for name in ("params.yaml", "prune/params.yaml")}
    try:
        workspace.change(changes)
        output = workspace.run(*command.split(), ok=False)
    finally:
        for name, text in texts.items():
            (workspace.path / name).write_text(text)
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, output
    assert message in errors[0]
    assert re.search(r"GiB are there; (fewer|a smaller) ", errors[0])
    assert "Traceback" not in output
    assert [path for path in sorted(workspace.path.glob("data/*/*")) if path not in before] == []


@pytest.mark.slow
def test_memory_that_runs_out_after_all_gets_one_line(workspace: Workspace) -> None:
    wide = f"python -m stages.train --width 1500000 --alpha 1.0 {ONTO}"  # 0.8 GB a copy
    output = workspace.run("bash", "-c", f"ulimit -v 6000000 && exec {wide}", ok=False, OPENBLAS_NUM_THREADS="1")
    assert output.startswith("error: out of memory: "), output
    assert len(output.splitlines()) == 1


@pytest.mark.slow
def test_ten_thousand_hidden_units_and_a_thousand_seeds_train(workspace: Workspace) -> None:
    text = workspace.read("params.yaml")
    try:
        workspace.run(*f"{STAGE}train --width 10000 --alpha 1.0 {ONTO}".split())
        workspace.change({"train": {"seeds": 1000}})
        output = workspace.run(*f"{STAGE}train --width 5 --alpha 1.0 {ONTO}".split())
        workspace.change({"train": {"seeds": 2}, "grid": {"width": [10_000], "alpha": [0.0]}})
        workspace.repro("evaluate")
    finally:
        (workspace.path / "params.yaml").write_text(text)
    assert "1000 seeds" in output


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
