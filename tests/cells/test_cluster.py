"""Cells trained on a Dask cluster: real schedulers and workers, in other processes and other clones."""

import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import dask.config
import pytest
from distributed import Client, LocalCluster
from distributed.security import Security

from stages.base import tensors
from stages.base.files import UserError
from stages.cells import cluster
from stages.cells.cell import fingerprint
from stages.cells.jobs import split
from stages.cells.make import CLUSTER
from stages.cells.worker import Worker
from stages.training.runs import joined
from tests.cells.project import ENDLESS, PIXELS, Project, Stage, cells, data_file, made_here
from tests.processes import Arrivals, start

AT_ONCE = {cluster.PATIENCE: "0.3s"}
DASK = ["dask", "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
WORKER = ["dask", "worker", "--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", "scratch"]


@contextmanager
def saying(process: "subprocess.Popen[str]", pattern: str) -> Iterator[str]:
    """The first group of the pattern in the process's first line that has it; the process ends with the block."""
    assert process.stdout
    lines = []
    try:
        for line in process.stdout:
            lines.append(line)
            if found := re.search(pattern, line):
                break
        assert found, lines
        drain = threading.Thread(target=process.stdout.read, daemon=True)  # so that its pipe is never full
        drain.start()
        yield found[1]
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one in a folder without our code."""
    with saying(start(*DASK, cwd=tmp_path_factory.mktemp("scheduler")), r"Scheduler at: *(\S+)") as address:
        yield address


def clone(path: Path, remark: str = "") -> Path:
    Project(path).path.mkdir()
    project = Project(path).with_code()
    code = project.path / "stages/training/mlp.py"
    code.write_text(code.read_text() + remark)
    return path


def worker(scheduler: str, folder: Path) -> "subprocess.Popen[str]":
    return start(*WORKER, scheduler, cwd=folder, PYTHONPATH=str(folder))


STARTED = r"Starting established connection to (\S+)"


@pytest.mark.slow
class TestWorkersElsewhere:
    def test_workers_in_two_clones_make_the_same_bytes_and_another_one_is_refused(
        self,
        scheduler: str,
        project: Project,
        stage: Stage,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv(CLUSTER, scheduler)
        project.change({"grid": {"alpha": [0.0, 0.1, 0.5]}, "train": {"seeds": 8}})
        with saying(worker(scheduler, clone(tmp_path / "one")), STARTED):
            with saying(worker(scheduler, clone(tmp_path / "another")), STARTED):
                assert stage(project) == f"width 2: 3 cells trained on {scheduler}, 0 from the store\n"
                assert project.kept() == made_here(project, widths=[2])
            project.change({"train": {"seeds": 9}})
            with (
                saying(worker(scheduler, clone(tmp_path / "changed", "# a remark\n")), STARTED),
                pytest.raises(
                    UserError, match=r"^worker tcp://\S+ has code of fit \w{16}, this checkout has \w{16}: it"
                ),
            ):
                stage(project)
            (tmp_path / "empty").mkdir()
            with (
                saying(worker(scheduler, tmp_path / "empty"), STARTED),
                pytest.raises(
                    UserError, match=r"^worker tcp://\S+ cannot train: .*No module named 'stages'.*, with PYTHO"
                ),
            ):
                stage(project)
            assert len(project.kept()) == 3
            assert stage(project) == f"width 2: 3 cells trained on {scheduler}, 0 from the store\n"

    def test_a_worker_that_dies_is_replaced_by_one_that_comes_late(self, scheduler: str, tmp_path: Path) -> None:
        wanted, data = cells(6, stop_at_train_error=0.0), data_file()  # six jobs
        here = Worker(data)
        folder = clone(tmp_path / "one")
        with saying(worker(scheduler, folder), STARTED), dask.config.set({cluster.PATIENCE: "60s"}):
            pass  # a worker that has left is no worker
        with ThreadPoolExecutor() as threads:
            first = worker(scheduler, folder)
            with saying(first, STARTED), cluster.connect(scheduler) as client:
                assert [at_once for at_once, _ in cluster.machines(client, here.maker, "fit")] == [1]
                first.send_signal(signal.SIGSTOP)  # it takes jobs, and does none
                results = cluster.run(client, split(wanted, 1, "cpu", PIXELS), here.maker, data, lambda shares: None)
                made = threads.submit(list, results)
                with saying(worker(scheduler, folder), STARTED):
                    client.wait_for_workers(2)
                    first.kill()
                    for job, arrays in made.result():
                        own = fingerprint(wanted[job.cells[0]], here.maker)
                        expected = here.work(job, here.maker)
                        assert tensors.to_bytes(joined(arrays), own) == tensors.to_bytes(joined(expected), own)
                    assert len(made.result()) == 6

    def test_a_lost_scheduler_ends_the_stage_in_one_line_and_finished_cells_are_kept(
        self, project: Project, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project.change(ENDLESS)
        boss = start(*DASK, cwd=tmp_path)
        arrivals = Arrivals(project.store)
        with (
            saying(boss, r"Scheduler at: *(\S+)") as address,
            saying(worker(address, clone(tmp_path / "clone")), STARTED),
        ):
            monkeypatch.setenv(CLUSTER, address)

            def lose() -> None:
                arrivals.next()
                boss.kill()

            threading.Thread(target=lose).start()
            with pytest.raises(UserError, match=r"^the connection to the scheduler was lost; finished cells are kept"):
                stage(project, width=3)
        assert len(project.kept()) == 1
        arrivals.close()


def test_no_scheduler_and_no_worker_get_one_line_each(project: Project, stage: Stage) -> None:
    with dask.config.set(AT_ONCE):
        for address in ("tcp://127.0.0.1:1", "127.0.0.1:1", "tls://127.0.0.1:1", "nonsense", "tcp://", "xyz://a:1"):
            with pytest.raises(UserError, match=rf"^DASK_SCHEDULER_ADDRESS={re.escape(address)}: [^\n]*is the sched"):
                cluster.connect(address)
        with (
            LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
            pytest.raises(UserError, match=r"^DASK_SCHEDULER_ADDRESS=\S+: no worker joined in 0\.3 s; to start one"),
        ):
            cluster.connect(empty.scheduler_address)


def test_a_worker_without_the_device_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    maker = Worker(data_file()).maker
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as here, Client(here) as client:
        monkeypatch.setenv("SDD_DEVICE", "tpu")
        with pytest.raises(UserError, match=r"^worker \S+ cannot train: SDD_DEVICE=tpu: must be cpu or cuda$"):
            cluster.machines(client, maker, "fit")


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """Dask's settings with a certificate of our own, as its variables DASK_DISTRIBUTED__COMM__TLS__* give them."""
    files = tmp_path / "ca.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dask"),
            *("-out", str(files[0]), "-keyout", str(files[1])),
        ],
        check=True,
        capture_output=True,
    )
    prefix = "DASK_DISTRIBUTED__COMM__"
    found = {f"{prefix}REQUIRE_ENCRYPTION": "True", f"{prefix}TLS__CA_FILE": str(files[0])}
    for role in ("CLIENT", "SCHEDULER", "WORKER"):
        found |= {f"{prefix}TLS__{role}__CERT": str(files[0]), f"{prefix}TLS__{role}__KEY": str(files[1])}
    return found


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate")
def test_dasks_settings_for_tls_are_honoured(certificate: dict[str, str]) -> None:
    wanted, data = cells(2, stop_at_train_error=0.0), data_file()  # two jobs
    mine = Worker(data)
    settings = dask.config.merge(dask.config.global_config, dask.config.collect_env({**os.environ, **certificate}))
    with dask.config.set(settings):
        security = Security()
        tls = LocalCluster(
            n_workers=1, processes=False, dashboard_address=":0", protocol="tls", security=security, host="127.0.0.1"
        )
        with tls, cluster.connect(tls.scheduler_address) as client:
            assert tls.scheduler_address.startswith("tls://")
            cluster.machines(client, mine.maker, "fit")
            found = list(cluster.run(client, split(wanted, 1, "cpu", PIXELS), mine.maker, data, lambda shares: None))
            assert len(found) == 2
            plain = tls.scheduler_address.replace("tls://", "tcp://")
            with pytest.raises(UserError, match=r"tcp://\S+: encryption required by Dask configuration, refusing"):
                cluster.connect(plain)
            with dask.config.set(AT_ONCE | {"distributed.comm.require-encryption": False}):
                with pytest.raises(UserError, match=rf"^DASK_SCHEDULER_ADDRESS={plain}: [^\n]+$"):
                    cluster.connect(plain)
                with (
                    dask.config.set({"distributed.comm.tls.ca-file": None}),
                    pytest.raises(UserError, match=r"tls://[^\n]+$"),
                ):
                    cluster.connect(tls.scheduler_address)
