"""Processes side by side: whatever ends one of them, nobody is left behind, a line says why, finished cells stay."""

import multiprocessing
import os
import re
import resource
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml

from stages import study, train
from stages.base import files, tensors
from stages.base.console import call
from stages.base.files import UserError
from stages.cells import pool
from stages.cells.make import make, progress_said
from tests.cells.project import DATA, ENDLESS, Project, Stage, cells, command, images
from tests.processes import Arrivals, all_gone, end, family, start
from tests.workspace import small_studies


@pytest.fixture
def at_work(tmp_path: Path) -> Iterator[tuple[Project, "subprocess.Popen[str]"]]:
    """The stage with two workers: one cell is finished and in its place, and the other one trains for hours.

    It may open as few files as it says that it takes.
    """
    project = Project.of(tmp_path / "ein Ordner, für Läufe", ENDLESS).with_code()
    arrivals = Arrivals(project.path / "data/models/3")
    most = pool.FILES + 2 * pool.FILES_A_WORKER
    limited = ["bash", "-c", f'ulimit -n {most} && exec "$@"', "bash", *command(3)]
    process = start(*limited, cwd=project.path, SDD_WORKERS="2", TMPDIR="/nonexistent", HOME="/nonexistent")
    try:
        assert arrivals.next() == "0.0.safetensors"
        yield project, process
    finally:
        arrivals.close()
        process.kill()
        process.communicate()


def kept(project: Project) -> list[float]:
    """The penalty of each cell that is whole in the store."""
    return [tensors.from_bytes(content)[1]["options"]["alpha"] for content in project.kept().values()]


def blocked(process: psutil.Process, number: signal.Signals) -> bool:
    """Whether a signal is blocked or ignored by the process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process.pid}/status").read_text().splitlines())
    return any(int(status[kind], 16) >> (number - 1) & 1 for kind in ("SigBlk", "SigIgn"))


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nobody_is_left_behind(at_work: tuple[Project, "subprocess.Popen[str]"], by: signal.Signals) -> None:
    project, process = at_work
    others = family(process)
    assert len(others) >= 3  # the one that was forked, and two workers
    with all_gone(others):
        if by == signal.SIGINT:  # as Ctrl-C does, to all of them, of whom only the first one may hear it
            assert all(blocked(other, signal.SIGINT) for other in others)
            os.killpg(process.pid, by)
        else:
            process.send_signal(by)
        output = end(process)
    assert process.returncode != 0
    if by == signal.SIGKILL:
        assert "Traceback" not in output
    else:
        said = {signal.SIGINT: "interrupted; run the same command again to go on", signal.SIGTERM: "terminated"}
        assert output == f"error: {said[by]}\n"
    assert kept(project) == [0.0]
    assert not list(project.path.rglob("*.partial"))


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_others_and_no_port_was_open(
    at_work: tuple[Project, "subprocess.Popen[str]"],
) -> None:
    project, process = at_work
    others = family(process)
    for one in [psutil.Process(process.pid), *others]:
        assert one.net_connections(kind="inet") == []
    busiest = max(others, key=lambda other: sum(other.cpu_times()[:2]) * (other.children() == []))
    with all_gone(others):
        busiest.kill()
        output = end(process)
    assert output == (
        "error: a worker process died, perhaps for want of memory, at width 3, alpha 10000.0; finished cells are kept, "
        "and the same command goes on; with SDD_WORKERS=1 it takes the least; "
        f"to see it alone: {' '.join(command(3))} --only 'width 3, alpha 10000.0'\n"
    )
    assert process.returncode == 1
    assert kept(project) == [0.0]


@pytest.mark.slow
def test_the_stage_ends_when_the_dvc_that_started_it_is_killed(tmp_path: Path) -> None:
    project = Project.of(tmp_path, ENDLESS).with_code()
    arrivals = Arrivals(project.store)
    for_dvc = ["python", "-c", f"import subprocess; subprocess.run({command(3)})"]
    dvc = start(*for_dvc, cwd=tmp_path, SDD_WORKERS="2", DVC_STAGE="train@3")
    arrivals.next()
    with all_gone(family(dvc)):
        dvc.kill()
        assert end(dvc) == "error: terminated\n"
    arrivals.close()


@pytest.mark.slow
def test_nobody_who_listens_is_needed(tmp_path: Path) -> None:
    """Standard error is a pipe that nobody reads, or is closed."""
    project = Project.of(tmp_path).with_code()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command(2), cwd=tmp_path, stdout=writer, stderr=writer)
    os.close(writer)
    assert done.returncode != 0  # as any command whose reader has gone
    assert len(project.models()) == 2
    quiet = ["bash", "-c", " ".join(command(2)) + " >&- 2>&-"]
    assert subprocess.run(quiet, cwd=tmp_path).returncode == 0


def test_a_cell_that_fails_by_itself_is_named_and_the_others_are_kept(
    project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    good, bad, worse = cells(3, width=8)
    bad.options["penalty"] = "unknown"
    worse.options["width"] = 10**13
    with pytest.raises(UserError) as error:
        make("some", lambda classes: [good, bad], Path(DATA), "the command")
    assert str(error.value) == (
        "1 cell failed (width 8, alpha 0.1): KeyError 'unknown'; "
        "to see it alone: the command --only 'width 8, alpha 0.1'"
    )
    with pytest.raises(KeyError, match="unknown"):  # with its traceback, which names the line of the trainer
        make("some", lambda classes: [good, bad], Path(DATA), "the command", only=bad.name)
    assert good.path.exists()
    monkeypatch.setattr("stages.cells.make.memory", lambda: 10**30)  # as if so much were there
    with pytest.raises(UserError, match=r"^1 cell failed \(width 8, alpha 0\.2\): \w*Error [^\n]*memory[^\n]*$"):
        make("some", lambda classes: [good, worse], Path(DATA), "the command")
    assert {path.name for path in good.path.parent.iterdir()} == {good.path.name}
    assert len(project.kept()) == 1


@pytest.mark.parametrize(
    ("main", "own", "name"),
    [
        (train.main, "stages.train --width 2", "width 2, alpha 0.0"),
        (study.main, "stages.study --name over-alpha", "alpha 0.0, width 2"),
    ],
)
def test_the_line_of_a_failed_cell_ends_with_the_command_that_trains_it_alone(
    main: Callable[..., None], own: str, name: str, project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    (project.path / "studies").mkdir()
    (project.path / "studies/params.yaml").write_text(yaml.safe_dump(small_studies()))
    arrays = images() | {"train_labels": np.full(200, 10)}  # a class that is not among the ten
    files.write(Path(DATA), tensors.to_bytes(arrays, {"dataset": "points", "classes": 10}))
    words = f"{own} --data {DATA} --out cells".split()
    with pytest.raises(UserError, match=rf"^\d cells failed \({re.escape(name)}; [^\n]+$") as error:
        call(main, *words[1:])
    _, _, said = str(error.value).partition("to see the first alone: ")
    assert shlex.split(said) == ["python", "-m", *words, "--only", name]
    with pytest.raises(IndexError):
        call(main, *shlex.split(said)[3:])
    with pytest.raises(UserError, match=rf"^there is no cell 'width 9'; there are {re.escape(name)}; [^\n]+$"):
        call(main, *words[1:], "--only", "width 9")


def test_a_cell_that_is_trained_alone_is_written_nowhere(
    project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.path)
    call(train.main, *command(2)[3:], "--only", "width 2, alpha 0.1")
    assert capsys.readouterr().err == "width 2, alpha 0.1: trained without an error; nothing was written\n"
    assert not project.store.exists()
    assert not (project.path / "data/models").exists()


def test_progress_is_a_number_a_speed_and_the_time_left() -> None:
    assert progress_said(0, before=0, total=160, seconds=2) == "0 of 160 models"
    assert progress_said(12.5, before=0, total=160, seconds=5) == "12 of 160 models, 2.5 a second, 0:00:59 left"
    assert progress_said(50, before=40, total=60, seconds=3600) == "50 of 60 models, 0.2 a minute, 1:00:00 left"
    assert progress_said(60, before=40, total=60, seconds=4) == "60 of 60 models, 5.0 a second, 0:00:00 left"


def test_no_worker_goes_on_when_a_file_cannot_be_written(project: Project, stage: Stage) -> None:
    project.change(ENDLESS)
    (project.path / "data/models").write_text("a file in the way")
    with pytest.raises(UserError, match=r"^data/models/3/0\.0\.safetensors cannot be written: "):
        stage(project, width=3)
    with all_gone([psutil.Process(child.pid) for child in multiprocessing.active_children() if child.pid]):
        pass
    assert kept(project) == [0.0]


def test_too_few_open_files_are_refused_in_one_line(project: Project, stage: Stage) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (30, hard))
    try:
        with pytest.raises(UserError, match=r"^2 worker processes take 36 open files, and 30 are allowed; raise the"):
            pool.refuse_too_many_files(2)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    pool.refuse_too_many_files(2)


def test_processes_that_cannot_be_started_get_one_line(tmp_path: Path) -> None:
    project = Project.of(tmp_path).with_code()
    deep = tmp_path / ("a" * 100)  # too long for a socket
    deep.mkdir()
    process = start(*command(2), cwd=project.path, TMPDIR=str(deep))
    assert end(process).startswith("error: 2 worker processes cannot be started (AF_UNIX path too long); SDD_WORKERS=1")


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_workers_that_is_none_is_refused(
    project: Project, stage: Stage, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDD_WORKERS", text)
    with pytest.raises(UserError, match=rf"^SDD_WORKERS={text}: must be a whole number from 1 on$"):
        stage(project)


def test_a_device_that_is_not_there_is_named(project: Project, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDD_DEVICE", "tpu")
    with pytest.raises(UserError, match=r"^SDD_DEVICE=tpu: must be cpu or cuda$"):
        stage(project)
