"""Jobs on a Dask cluster, whose address is in DASK_SCHEDULER_ADDRESS, as for Dask itself.

Workers need this project's code and torch, and no file of ours: the prepared data travels to each of them once, and
results come back as arrays. The scheduler needs neither. Dask's own settings apply, those for TLS among them.
"""

import asyncio
import logging
import operator
from collections import Counter
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import cloudpickle
import dask.config
import dask.utils
from distributed import Client, Security, as_completed, get_worker
from distributed.comm.core import connect as open_comm

from stages.base.files import UserError, one_line
from stages.base.machine import memory
from stages.cells.cell import Maker
from stages.cells.jobs import Job, refuse_other

if TYPE_CHECKING:
    from stages.cells.worker import Worker

PATIENCE = "distributed.comm.timeouts.connect"  # Dask's setting: for the scheduler, and again for the first worker
LARGE = "distributed.admin.large-graph-warning-threshold"
_worker: "Worker | None" = None  # in a worker process: made by its first job, and used by the next ones


def _about(data: str) -> tuple[Maker, int]:
    """In a worker process: what it trains cells with, and its machine's memory in bytes."""
    from stages.cells.worker import maker_of_this_process

    return maker_of_this_process(data), memory()


def _work(task: bytes, data: bytes) -> Any:
    global _worker
    from stages.cells.worker import Worker, maker_of_this_process

    job, maker = cloudpickle.loads(task)
    refuse_other(f"worker {get_worker().address}", maker_of_this_process(maker.data), maker, job.procedure)
    worker = _worker
    if worker is None or worker.maker != maker:
        worker = _worker = Worker(data)
    return worker.work(job, maker)


async def _answer(address: str) -> None:
    """Return when somebody answers at the address as Dask does, with the settings for TLS that apply."""
    comm: Any = await open_comm(address, **Security().get_connection_args("client"))
    await comm.close()


def connect(address: str) -> Client:
    """A client of the cluster at that address; UserError if no scheduler answers, or no worker joins it."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters comes back as an exception
    where = f"DASK_SCHEDULER_ADDRESS={address}"
    patience = dask.utils.parse_timedelta(dask.config.get(PATIENCE))
    try:
        asyncio.run(_answer(address))  # because a Client that fails may end in a deadlock when Python collects it
        client = Client(address)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise UserError(f"{where}: {one_line(error)}; is the scheduler running, and are its settings yours?") from None
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        client.close()
        start = f"PYTHONPATH=. dask worker {address} --nthreads 1"
        raise UserError(f"{where}: no worker joined in {patience:g} s; to start one, in a clone: {start}") from None
    return client


def machines(client: Client, maker: Maker, *procedures: str) -> list[tuple[int, int]]:
    """For each machine with workers, how many jobs it works on at once, and its memory in bytes.

    UserError names a worker that cannot make cells of these procedures.
    """
    found = {}
    threads: Counter[str | None] = Counter()
    counts = client.nthreads()
    for address, about in client.run(_about, maker.data, on_error="return").items():
        if isinstance(about, Exception):
            start = "; start it in a clone, with PYTHONPATH=." if "No module named 'stages'" in str(about) else ""
            raise UserError(f"worker {address} cannot train: {one_line(about)}{start}")
        refuse_other(f"worker {address}", about[0], maker, *procedures)
        host = urlsplit(address).hostname
        threads[host] += counts.get(address, 0)
        found[host] = about[1]
    return [(threads[host], here) for host, here in found.items()]


def run(
    client: Client, jobs: list[Job], maker: Maker, data: bytes, progress: Callable[[list[float]], None]
) -> Generator[tuple[Job, Any]]:
    """Each job with its result, or with the exception that ended it, as they finish; see `pool.run`."""
    # as bytes: the scheduler unpickles a task's function and arguments, and need not have our code
    work = client.submit(cloudpickle.loads, cloudpickle.dumps(_work))
    with dask.config.set({LARGE: "1 TiB"}):
        # as a task: workers that come late get the data from others, and if all who have it die the scheduler has it
        prepared = client.submit(bytes, data, key=f"prepared-{maker.data}")
    futures = {}
    for place, job in enumerate(jobs):
        task = cloudpickle.dumps((job, maker))
        futures[client.submit(operator.call, work, task, prepared, pure=False, priority=-place)] = job
    places = {future: place for place, future in enumerate(futures)}
    shares = [0.0] * len(jobs)
    for future in as_completed(list(futures)):
        if future.status not in ("finished", "error"):
            raise UserError(
                "the connection to the scheduler was lost; finished cells are kept, and the same command goes on"
            )
        yield futures[future], future.result() if future.status == "finished" else future.exception()
        future.release()
        shares[places[future]] = 1.0
        progress(shares)
