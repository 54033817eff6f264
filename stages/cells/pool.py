"""Jobs side by side on this machine: one process a core, each with one thread. No network port is opened."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.base.files import UserError
from stages.cells.cell import Maker
from stages.cells.jobs import Job

if TYPE_CHECKING:
    from stages.cells.worker import Worker

REFRESH_S = 0.2  # between two looks at how far the jobs are
_shares: "SynchronizedArray[float]"  # in a worker process: which share of each job is done


def _start(shares: "SynchronizedArray[float]") -> None:
    """In each worker process, before its first job."""
    global _shares
    _shares = shares
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process; the parent decides what follows
    parent = multiprocessing.parent_process()
    assert parent

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()  # a worker does not outlive the one who asks


@cache
def _worker(data: Path) -> "Worker":
    from stages.cells.worker import Worker

    return Worker(data.read_bytes())


def _work(place: int, job: Job, maker: Maker, data: Path) -> Any:
    def report(share: float) -> None:
        _shares[place] = share

    return _worker(data).work(job, maker, report)


def run(
    jobs: list[Job], maker: Maker, data: Path, workers: int, progress: Callable[[list[float]], None]
) -> Iterator[tuple[Job, Any]]:
    """Each job with its result, or with the exception that ended it, as they finish.

    `data` is the path of the prepared data's file; `progress` is told again and again which share of each job is done.
    UserError if the processes cannot be started, or one of them dies.
    """
    methods = multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(["stages.cells.worker"])  # so that all pay for importing torch once
    shares = context.Array("d", len(jobs))
    try:
        with ProcessPoolExecutor(workers, context, _start, (shares,)) as pool:
            try:
                futures = {pool.submit(_work, place, job, maker, data): job for place, job in enumerate(jobs)}
                left = set(futures)
                while left:
                    done, left = wait(left, REFRESH_S, FIRST_COMPLETED)
                    for future in done:
                        error = future.exception()
                        if isinstance(error, BrokenProcessPool):
                            raise error
                        yield futures[future], error or future.result()
                    progress(list(shares))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    process.kill()
                raise
    except BrokenProcessPool:
        raise UserError(
            "a worker process died, perhaps for want of memory; finished cells are kept, and the same command goes on; "
            "with SDD_WORKERS=1 it takes the least"
        ) from None
    except (OSError, EOFError) as error:
        raise UserError(f"{workers} worker processes cannot be started ({error}); SDD_WORKERS=1 takes fewer") from None
