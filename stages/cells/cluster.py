"""Jobs on a Dask cluster, whose address is in DASK_SCHEDULER_ADDRESS, as for Dask itself.

Workers need this project's code and torch, and no file of ours: the prepared data travels to each of them once, and
results come back as arrays. The scheduler needs neither. Dask's own settings apply, those for TLS among them.
"""

import logging
import operator
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import cloudpickle
from distributed import Client, WorkerPlugin, as_completed, get_worker

from stages.base.files import UserError
from stages.base.machine import memory
from stages.cells.cell import Maker
from stages.cells.jobs import Job

PATIENCE_S = 30.0  # for the scheduler, and again for the first worker


class PreparedData(WorkerPlugin):
    """Kept by the scheduler, so that a worker that comes late, or anew, gets it as well."""

    name = "prepared-data"

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.worker: Any = None


def _work(job: Job, maker: Maker) -> Any:
    from stages.cells.worker import Worker

    plugin: Any = get_worker().plugins[PreparedData.name]
    plugin.worker = plugin.worker or Worker(plugin.data)
    return plugin.worker.work(job, maker)


def connect(address: str) -> Client:
    """A client of the cluster at that address; UserError if no scheduler answers, or no worker joins it."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters comes back as an exception
    where = f"DASK_SCHEDULER_ADDRESS={address}"
    try:
        client = Client(address, timeout=PATIENCE_S)
    except (OSError, ValueError, TypeError) as error:
        why = f"no answer in {PATIENCE_S:g} s ({error})"
        raise UserError(f"{where}: {why}; is the scheduler running?") from None
    try:
        client.wait_for_workers(1, timeout=PATIENCE_S)
    except TimeoutError:
        client.close()
        start = f"PYTHONPATH=. dask worker {address} --nthreads 1"
        raise UserError(f"{where}: no worker joined in {PATIENCE_S:g} s; to start one, in a clone: {start}") from None
    return client


def workers(client: Client) -> int:
    """How many jobs the cluster works on at once."""
    return sum(client.nthreads().values())


def machines(client: Client) -> list[tuple[int, int]]:
    """For each machine with workers, how many jobs it works on at once, and its memory in bytes."""
    threads: Counter[str | None] = Counter()
    found = {}
    for address, count in client.nthreads().items():
        threads[urlsplit(address).hostname] += count
    for address, here in client.run(memory).items():
        found[urlsplit(address).hostname] = here
    return [(threads[host], here) for host, here in found.items()]


def run(
    client: Client, jobs: list[Job], maker: Maker, data: bytes, progress: Callable[[list[float]], None]
) -> Iterator[tuple[Job, Any]]:
    """Each job with its result, or with the exception that ended it, as they finish; see `pool.run`."""
    client.register_plugin(PreparedData(data))
    # as bytes: the scheduler unpickles a task's function, and need not have our code
    work = client.submit(cloudpickle.loads, cloudpickle.dumps(_work))
    futures = {}
    for place, job in enumerate(jobs):
        futures[client.submit(operator.call, work, job, maker, pure=False, priority=-place)] = job
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
