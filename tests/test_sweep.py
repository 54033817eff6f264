"""End to end: real dvc, real Dask processes. The tests of a class share one workspace and build on each other."""

import fcntl
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from distributed import Client

from stages.base.files import UserError
from stages.base.machine import memory
from stages.cells.engine import refuse_other_makers
from stages.cells.provenance import maker
from stages.cells.study import STUDIES
from stages.sweep import allowed_name, automatic_name
from tests.workspace import TINY, Workspace, ran

pytestmark = pytest.mark.slow
SWEEP = ["python", "-m", "stages.sweep"]


def trained(output: str) -> int:
    """How many cells the sweep says it trained."""
    found = re.search(r"(\d+) cells trained", output)
    return int(found[1]) if found else 0


def models(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((workspace.path / "data/models").glob("*.pt"))}


@pytest.fixture(scope="class")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(tmp_path_factory.mktemp("project"), prune=True)


@pytest.mark.parametrize("name", ["../../..", "/tmp/x", "my run", ".git", "a..b", "a.lock", "a.", "-x", "é", "a\n"])
def test_an_experiments_name_is_a_plain_word(name: str) -> None:
    with pytest.raises(UserError, match="cannot be an experiment's name"):
        allowed_name(name)
    allowed_name("l1-proximal_2.5")


def test_experiments_without_a_name_do_not_take_each_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = Workspace.create(tmp_path)
    monkeypatch.chdir(tmp_path)
    faster = automatic_name("grid", ["train.lr=0.1"])
    assert faster == automatic_name("grid", ["train.lr=0.1"])
    assert len({faster, automatic_name("grid", ["train.lr=0.2"]), automatic_name("prune", ["train.lr=0.1"])}) == 3
    workspace.change({"train": {"epochs": 3}})
    assert automatic_name("grid", ["train.lr=0.1"]) != faster


class TestSweep:
    def test_it_trains_every_cell_and_leaves_dvc_nothing_to_do(self, workspace: Workspace) -> None:
        output = workspace.run(*SWEEP)
        assert trained(output) == 4
        assert ran(output) == {"evaluate", "verdict", "plot", "lasso", "head@2", "head@3", "heads", "report"}
        assert workspace.repro() == set()
        workspace.commit("results")

    def test_its_bytes_are_those_of_the_stages(self, workspace: Workspace) -> None:
        swept = models(workspace)
        cells = "train@2-0.0", "train@3-0.1"
        assert ran(workspace.dvc("repro", "--force", "--single-item", *cells)) == set(cells)
        assert models(workspace) == swept

    def test_a_second_sweep_trains_nothing(self, workspace: Workspace) -> None:
        output = workspace.run(*SWEEP)
        assert (trained(output), ran(output)) == (0, set())

    def test_a_cell_known_to_dvcs_cache_is_not_trained_again(self, workspace: Workspace) -> None:
        shutil.rmtree(workspace.path / "data/models")
        assert trained(workspace.run(*SWEEP)) == 0
        workspace.change({"train": {"lr": 0.01}})
        assert trained(workspace.run(*SWEEP)) == 4
        workspace.git("checkout", "-q", ".")
        assert trained(workspace.run(*SWEEP)) == 0

    def test_a_leftover_made_from_other_parameters_is_never_adopted(self, workspace: Workspace) -> None:
        old = models(workspace)
        workspace.change({"train": {"lr": 0.02}})
        assert trained(workspace.run(*SWEEP)) == 4
        assert all(models(workspace)[name] != old[name] for name in old)
        workspace.git("checkout", "-q", ".")
        workspace.run(*SWEEP)

    def test_changed_code_makes_every_cell_stale(self, workspace: Workspace) -> None:
        code = workspace.path / "stages/core/penalty.py"
        code.write_text(code.read_text() + "\n# a remark\n")
        assert trained(workspace.run(*SWEEP)) == 4
        workspace.git("checkout", "-q", ".")
        assert trained(workspace.run(*SWEEP)) == 0

    def test_of_two_at_once_the_second_says_so_and_stops(self, workspace: Workspace) -> None:
        with open(workspace.path / ".dvc/tmp/sweep.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.write("4711")
            lock.flush()
            output = workspace.run(*SWEEP, ok=False)
        assert output.strip().endswith("error: another sweep (process 4711) works in this checkout")

    def test_an_experiment_leaves_the_workspace_alone_and_dvc_finds_its_cells(self, workspace: Workspace) -> None:
        before = models(workspace)
        command = ["-S", "train.penalty=l1", "-S", "train.solver=proximal"]
        output = workspace.run(*SWEEP, "--name", "proximal", *command)
        assert trained(output) == 4
        assert models(workspace) == before
        assert workspace.git("status", "--porcelain") == ""
        assert "proximal" in workspace.dvc("exp", "show", "--csv")
        assert {"evaluate", "verdict", "plot", "head@2"} <= ran(output)  # nothing of HEAD's is passed off as its own
        assert "most_zeros" in workspace.dvc("metrics", "diff", "HEAD", "proximal")
        assert not any(stage.startswith("train") for stage in ran(workspace.dvc("exp", "run", *command)))
        workspace.git("checkout", "-q", ".")
        workspace.run(*SWEEP)

    def test_what_an_experiment_asks_for_wrongly_gets_one_line(self, workspace: Workspace) -> None:
        overlay = workspace.path / "experiments/wrong.yaml"
        for text, message in (
            ("5", "must hold groups of params.yaml"),
            ("train: {lr: !!bool maybe}", "not valid YAML: "),
            ("train: {lr: 2024-01-01}", "params.yaml: train.lr: '2024-01-01' should be a valid number"),
            ("train: {lr: 1e-3}", "params.yaml: train.lr: '1e-3' is text to YAML"),
            ("grid: {widht: [1]}", "grid.widht=[1]: "),
        ):
            overlay.write_text(text)
            output = workspace.run(*SWEEP, "wrong", ok=False)
            assert message in output
            assert "Traceback" not in output
        overlay.unlink()
        output = workspace.run(*SWEEP, "-S", "trian.lr=0.1", ok=False)
        assert output.startswith("error: trian.lr=0.1: ")
        assert "Traceback" not in output
        assert "invalid positive value: '-1'" in workspace.run(*SWEEP, "--workers", "-1", ok=False)

    @pytest.mark.parametrize("how", [["--name", "../../..", "-S", "train.lr=0.02"], ["../params"]])
    def test_a_name_that_would_lead_elsewhere_is_refused(self, workspace: Workspace, how: list[str]) -> None:
        assert "cannot be an experiment's name" in workspace.run(*SWEEP, *how, ok=False)
        assert workspace.git("status", "--porcelain") == ""

    def test_a_cache_elsewhere_gets_an_experiments_cells(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.dvc("config", "--local", "cache.dir", str(tmp_path / "cache"))
        try:
            workspace.run(*SWEEP, "--name", "elsewhere", "-S", "train.lr=0.04")
            output = workspace.dvc("exp", "apply", "elsewhere", ok=False)  # for want of the pruning study alone
            assert set(re.findall(r"^data/\S+", output, re.MULTILINE)) <= {
                f"data/pruned/magnitude-{retraining}.pt" for retraining in ("finetune", "rewind")
            }
            assert len(models(workspace)) == 4
        finally:
            workspace.dvc("config", "--local", "--unset", "cache.dir")
            workspace.git("checkout", "-q", ".")
            workspace.run(*SWEEP)

    def test_the_pruning_study_can_be_an_experiment_but_no_file_of_experiments(self, workspace: Workspace) -> None:
        change = "prune/params.yaml:grid.retraining=[rewind]", "-S", "prune/params.yaml:prune.lr=0.01"
        output = workspace.run(*SWEEP, "--study", "prune", "--name", "pruned", "-S", *change)
        assert trained(output) == 1
        assert "pruned" in workspace.dvc("exp", "list", "--name-only")
        output = workspace.run(*SWEEP, "digits", "--study", "prune", ok=False)
        assert output.startswith("error: experiments/ are the grid's")

    def test_without_a_name_of_its_author_no_experiment_is_begun(self, workspace: Workspace) -> None:
        workspace.git("config", "--unset", "user.email")
        try:
            output = workspace.run(
                *SWEEP, "-S", "train.lr=0.05", ok=False, HOME="/nonexistent", GIT_CONFIG_NOSYSTEM="1"
            )
        finally:
            workspace.git("config", "user.email", "someone@example.org")
        assert output.startswith("error: an experiment is saved as a commit, and git knows no user.email")

    def test_what_a_kill_left_of_an_experiments_folder_costs_nothing_here(self, workspace: Workspace) -> None:
        left = workspace.path / ".dvc/tmp/sweeps/killed"
        left.mkdir(parents=True)
        (left / "params.yaml").write_text("half of a worktree, its .git gone first\n")
        readme = workspace.path / "README.md"
        text = readme.read_text()
        readme.write_text("not committed\n")
        branch = workspace.git("branch", "--show-current")
        assert trained(workspace.run(*SWEEP, "--name", "killed", "-S", "train.lr=0.02")) == 0  # known from before
        assert readme.read_text() == "not committed\n"
        assert workspace.git("branch", "--show-current") == branch
        readme.write_text(text)

    def test_a_named_experiment_keeps_its_tables_and_figures(self, workspace: Workspace) -> None:
        overlay = workspace.path / "experiments/tiny.yaml"
        overlay.write_text("grid: {alpha: [0.0, 1.0e-5]}\ntrain: {penalty: l2}\n")
        assert trained(workspace.run(*SWEEP, "tiny")) == 4
        kept = pd.read_csv(workspace.path / "experiments/tiny/cells.csv")
        assert set(kept.alpha) == {0.0, 1e-5}
        assert (workspace.path / "experiments/tiny/table1.png").stat().st_size > 10_000
        output = workspace.run(*SWEEP, "tinny", ok=False)
        assert "experiments/tinny.yaml does not exist; the experiments here are" in output
        shutil.rmtree(workspace.path / "experiments/tiny")
        overlay.unlink()

    def test_a_cell_that_fails_by_itself_is_named_and_the_others_are_kept(self, workspace: Workspace) -> None:
        wide = int(0.8 * memory() / 12_900)  # of two seeds; a unit takes so many bytes
        workspace.change({"grid": {"width": [2, 3, wide], "alpha": [0.0, 0.7]}})
        little = "ulimit -v 8000000 && exec python -m stages.sweep --workers 1"  # KiB of memory that a process may have
        output = workspace.run("bash", "-c", little, ok=False)
        assert f"train@{wide}-0.7 failed: " in output
        assert f"error: 2 cells failed: train@{wide}-0." in output
        assert "Traceback" not in output
        workspace.change({"grid": {"width": [2, 3]}})
        assert trained(workspace.run(*SWEEP)) == 0


LONG = TINY | {"grid": {"width": [2, 30, 40, 50], "alpha": [0.0, 0.1, 1.0]}, "train": {"seeds": 4, "epochs": 60}}


@pytest.fixture(scope="class")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(tmp_path_factory.mktemp("longer"), LONG)


class TestInterruptions:
    @pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
    def test_what_was_finished_is_kept_whole_and_adopted(self, longer: Workspace, by: signal.Signals) -> None:
        workspace = longer
        shutil.rmtree(workspace.path / "data/models", ignore_errors=True)
        shutil.rmtree(workspace.path / ".dvc/cache/runs", ignore_errors=True)
        (workspace.path / "dvc.lock").unlink(missing_ok=True)
        env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        process = subprocess.Popen(
            SWEEP,
            cwd=workspace.path,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
        )
        folder = workspace.path / "data/models"
        while len(list(folder.glob("*.pt"))) < 2:
            assert process.poll() is None, process.stdout and process.stdout.read()
            time.sleep(0.05)
        process.send_signal(by)
        process.wait(120)
        assert process.returncode != 0
        kept = models(workspace)
        assert trained(workspace.run(*SWEEP)) == 12 - len(kept)
        assert {name: models(workspace)[name] for name in kept} == kept
        assert workspace.repro() == set()

    def test_what_changes_during_a_sweep_is_not_recorded_as_what_trained(self, longer: Workspace) -> None:
        longer.change({"train": {"epochs": 61}})
        before = models(longer)
        process = subprocess.Popen(SWEEP, cwd=longer.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while all(before.get(name) == content for name, content in models(longer).items()):
            assert process.poll() is None
            time.sleep(0.05)
        code = longer.path / "stages/core/penalty.py"
        code.write_text(code.read_text() + "\n# a remark\n")
        longer.change({"grid": {"alpha": [0.0, 0.1, 2.0]}})
        output, _ = process.communicate(timeout=300)
        assert process.returncode != 0
        assert "error: the code and the parameters changed during the sweep: nothing recorded, run sweep" in output
        assert trained(longer.run(*SWEEP)) == 12
        assert longer.repro() == set()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def process(*command: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    running = subprocess.Popen(
        [sys.executable, "-m", *command], cwd=cwd, env={**os.environ, "PYTHONPATH": str(cwd)}, stderr=subprocess.DEVNULL
    )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


@contextmanager
def scheduler(cwd: Path) -> Iterator[str]:
    port = free_port()
    with process(*shlex.split(f"dask scheduler --host 127.0.0.1 --port {port} --no-dashboard"), cwd=cwd):
        yield f"tcp://127.0.0.1:{port}"


WORKER = "dask worker {} --nthreads 1 --no-dashboard --local-directory {}"


class TestACluster:
    def test_no_scheduler_and_no_workers_get_one_line_each(self, workspace: Workspace, tmp_path: Path) -> None:
        address = f"tcp://127.0.0.1:{free_port()}"
        output = workspace.run(*SWEEP, "--scheduler", address, "--patience", "2", ok=False)
        assert output.strip().splitlines()[-1].startswith(f"error: --scheduler {address}: no answer in 2 s")
        with scheduler(tmp_path) as address:
            output = workspace.run(*SWEEP, "--scheduler", address, "--patience", "15", ok=False)
        assert f"error: --scheduler {address}: no worker joined it in 15 s" in output
        assert "Traceback" not in output

    def test_a_worker_with_other_code_is_refused_naming_both(self, workspace: Workspace, tmp_path: Path) -> None:
        other = tmp_path / "other"
        shutil.copytree(workspace.path / "stages", other / "stages")
        code = other / "stages/core/penalty.py"
        code.write_text(code.read_text() + "\n# a remark\n")
        with (
            scheduler(tmp_path) as address,
            process(*WORKER.format(address, tmp_path / "scratch").split(), cwd=other),
        ):
            output = workspace.run(*SWEEP, "--scheduler", address, ok=False)
        assert re.search(r"error: worker tcp://\S+ has code [0-9a-f]{16}, this checkout [0-9a-f]{16}", output)
        assert not models(workspace)

    @pytest.mark.parametrize("what", ["code", "torch", "device"])
    def test_a_worker_that_would_make_other_bytes_is_refused(self, what: str) -> None:
        study = STUDIES["grid"]
        here = maker(study.module().LOADED, "cpu")
        with Client(processes=False, n_workers=1, dashboard_address=None) as client:
            refuse_other_makers(client, study, here)
            with pytest.raises(UserError, match=rf"has {what} \S+, this checkout other: no cell sent"):
                refuse_other_makers(client, study, here | {what: "other"})

    def test_a_worker_without_the_code_is_refused(self, workspace: Workspace, tmp_path: Path) -> None:
        with (
            scheduler(tmp_path) as address,
            process(*WORKER.format(address, tmp_path / "scratch").split(), cwd=tmp_path),
        ):
            output = workspace.run(*SWEEP, "--scheduler", address, ok=False)
        assert "No module named 'stages'" in output
        assert "Traceback" not in output

    def test_a_worker_killed_at_work_costs_no_cell(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.change({"grid": {"width": [2, 50]}, "train": {"epochs": 60}})
        with (
            scheduler(tmp_path) as address,
            process(*WORKER.format(address, tmp_path / "a").split(), "--no-nanny", cwd=workspace.path) as victim,
        ):
            env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
            sweep = subprocess.Popen([*SWEEP, "--scheduler", address], cwd=workspace.path, env=env)
            while not models(workspace):
                assert sweep.poll() is None
                time.sleep(0.05)
            victim.kill()
            with process(*WORKER.format(address, tmp_path / "b").split(), "--no-nanny", cwd=workspace.path):
                assert sweep.wait(300) == 0
        assert len(models(workspace)) == 4
        assert workspace.repro() == set()

    def test_a_scheduler_killed_at_work_costs_no_finished_cell(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.change({"train": {"epochs": 61}})
        port = free_port()
        address = f"tcp://127.0.0.1:{port}"
        command = shlex.split(f"dask scheduler --host 127.0.0.1 --port {port} --no-dashboard")
        with (
            process(*command, cwd=tmp_path) as boss,
            process(*WORKER.format(address, tmp_path / "c").split(), "--no-nanny", cwd=workspace.path),
        ):
            env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
            sweep = subprocess.Popen(
                [*SWEEP, "--scheduler", address],
                cwd=workspace.path,
                env=env,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            before = models(workspace)
            while all(before.get(name) == content for name, content in models(workspace).items()):
                assert sweep.poll() is None
                time.sleep(0.05)
            boss.kill()
            output, _ = sweep.communicate(timeout=300)
        assert sweep.returncode != 0
        assert "Traceback" not in output
        assert "the connection to the scheduler was lost; finished cells are kept" in output
        kept = sum(content != before.get(name) for name, content in models(workspace).items())
        assert kept >= 1
        assert trained(workspace.run(*SWEEP)) == 4 - kept

    def test_a_worker_that_loaded_the_code_before_it_changed_is_refused(
        self, workspace: Workspace, tmp_path: Path
    ) -> None:
        workspace.change({"train": {"epochs": 2}})
        code = workspace.path / "stages/core/penalty.py"
        with (
            scheduler(tmp_path) as address,
            process(*WORKER.format(address, tmp_path / "scratch").split(), cwd=workspace.path),
        ):
            workspace.run(*SWEEP, "--scheduler", address, "--only-cells")
            code.write_text(code.read_text() + "\n# a remark\n")
            output = workspace.run(*SWEEP, "--scheduler", address, ok=False)
        assert re.search(r"error: worker tcp://\S+ has code [0-9a-f]{16}, this checkout [0-9a-f]{16}", output)


def test_without_network_make_says_so_and_runs_digits_instead(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, {"grid": TINY["grid"], "train": TINY["train"]}, prune=True)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)
    before = workspace.git("status", "--porcelain"), workspace.read("params.yaml")
    dead = "http://127.0.0.1:9"
    output = workspace.run("make", HTTP_PROXY=dead, HTTPS_PROXY=dead, MNIST_MIRROR="nowhere")
    assert "nowhere: train-images-idx3-ubyte.gz: No such file or directory" in output
    assert "THE DATA SET COULD NOT BE FETCHED" in output
    assert "digits, 2 seeds, from experiments/digits/" in output
    assert "digits" in workspace.dvc("exp", "show", "--csv")
    shutil.rmtree(tmp_path / "experiments/digits")
    (tmp_path / "dvc.lock").unlink()  # the stage `check` is in it, and no other
    assert (workspace.git("status", "--porcelain"), workspace.read("params.yaml")) == before
    assert not (tmp_path / "metrics").exists()
    shutil.rmtree(tmp_path / "data/raw", ignore_errors=True)
    (tmp_path / "data/raw").write_text("in the way")
    assert "COULD NOT BE FETCHED" not in workspace.run("make", ok=False)  # not for want of a network


def test_a_team_shares_what_was_trained(tmp_path: Path) -> None:
    for name in ("origin", "store"):
        (tmp_path / name).mkdir()
    mine = Workspace.create(tmp_path / "origin")
    mine.dvc("remote", "add", "--default", "store", str(tmp_path / "store"))
    mine.run(*SWEEP)
    mine.commit("results")
    mine.dvc("push", "--run-cache")
    mine.run("git", "clone", "-q", str(tmp_path / "origin"), str(tmp_path / "clone"))
    theirs = Workspace(tmp_path / "clone")
    output = theirs.dvc("repro", "--pull")
    assert ran(output) == set()
    assert models(theirs) == models(mine)
