"""Cells side by side on a Dask cluster: what runs in the workers, and what asks them.

Workers need this project's code and torch, and no file of ours: the prepared data travels to each of them once, a
cell comes back as the bytes of its file. The scheduler needs neither.
"""

import logging
import operator
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import cloudpickle
from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker
from pydantic import BaseModel

from stages.base.files import UserError
from stages.base.machine import cores, memory
from stages.cells.study import Study


class PreparedData(WorkerPlugin):
    """Kept by the scheduler, so that a worker that comes late, or anew, gets it as well."""

    name = "prepared-data"

    def __init__(self, data: bytes) -> None:
        self.data = data


def state_maker(study: tuple[Any, ...]) -> dict[str, str]:
    """What this worker is: see `provenance.maker`."""
    from stages.base.console import device_from_environment
    from stages.cells.provenance import maker
    from stages.cells.study import Study

    return maker(Study(*study).module().LOADED, device_from_environment())


def train_here(study: tuple[Any, ...], cells: list[dict[str, Any]], config: dict[str, Any]) -> list[bytes]:
    from stages.base.console import device_from_environment
    from stages.cells.study import Study

    plugin: Any = get_worker().plugins[PreparedData.name]
    core = Study(*study).module()
    return list(core.train_cells(plugin.data, cells, core.Config(**config), device_from_environment()))


def connect(scheduler: str | None, workers: int | None, patience: float) -> Client:
    """A client of the cluster at that address, or of a new local one with one one-thread worker a core."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]:
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters comes back as an exception
    if scheduler is None:
        cluster = LocalCluster(
            n_workers=workers or cores(),
            threads_per_worker=1,
            dashboard_address=None,
            memory_limit=None,
            silence_logs=logging.CRITICAL,
        )
        return Client(cluster)
    try:
        client = Client(scheduler, timeout=patience)
    except (OSError, ValueError) as error:
        raise UserError(f"--scheduler {scheduler}: no answer in {patience:g} s ({error}); is it running?") from None
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        client.close()
        start = f"PYTHONPATH=. dask worker {scheduler} --nthreads 1"
        raise UserError(
            f"--scheduler {scheduler}: no worker joined it in {patience:g} s; to start one, in a clone: {start}"
        ) from None
    return client


def refuse_other_makers(client: Client, study: Study, expected: dict[str, str]) -> None:
    """UserError unless every worker has this code, this torch and this kind of device."""
    for address, found in client.run(state_maker, tuple(study), on_error="return").items():
        if isinstance(found, BaseException):
            raise UserError(f"worker {address} cannot train: {type(found).__name__}: {found}")
        for what, value in expected.items():
            if found[what] != value:
                raise UserError(
                    f"worker {address} has {what} {found[what][:16]}, this checkout {value[:16]}: no cell sent"
                )


def machines(client: Client) -> list[tuple[int, int]]:
    """For each machine with workers, how many cells it trains at once, and its memory in bytes."""
    threads: Counter[str | None] = Counter()
    found = {}
    for address, count in client.nthreads().items():
        threads[urlsplit(address).hostname] += count
    for address, here in client.run(memory).items():
        found[urlsplit(address).hostname] = here
    return [(threads[host], here) for host, here in found.items()]


def train_all(
    client: Client, study: Study, cells: list[dict[str, Any]], data: bytes, config: BaseModel, device: str
) -> Iterator[tuple[dict[str, Any], bytes | BaseException]]:
    """Each cell with its file's bytes, or with the exception that ended it, as they finish."""
    client.register_plugin(PreparedData(data))
    # as bytes: the scheduler unpickles a task's function, and need not have our code
    train = client.submit(cloudpickle.loads, cloudpickle.dumps(train_here))
    groups = study.module().side_by_side(cells, device)
    futures = {}
    for place, group in enumerate(groups):
        arguments = (tuple(study), group, config.model_dump())
        futures[client.submit(operator.call, train, *arguments, pure=False, priority=-place)] = group
    for future in as_completed(list(futures)):
        if future.status not in ("finished", "error"):
            raise UserError("the connection to the scheduler was lost; finished cells are kept, run sweep again")
        results = future.result() if future.status == "finished" else [future.exception()] * len(futures[future])
        yield from zip(futures[future], results, strict=True)
        future.release()
