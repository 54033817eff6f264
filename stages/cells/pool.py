"""Jobs side by side on this machine: one process a core, each with one thread. No network port is opened."""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Generator, MutableSequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.base.files import UserError
from stages.cells.cell import Maker
from stages.cells.jobs import Job

if TYPE_CHECKING:
    from stages.cells.worker import Worker

REFRESH_S = 0.2  # between two looks at how far the jobs are
BEGUN = 1e-9  # share of a job that is done when a worker takes it
FILES, FILES_A_WORKER = 32, 2  # that this process has open at once, measured and rounded up
_shares: MutableSequence[float]  # in a worker process: which share of each job is done


class WorkerDiedError(UserError):
    """A worker process died while these jobs were at work."""

    def __init__(self, jobs: list[Job]) -> None:
        super().__init__("a worker process died, perhaps for want of memory")
        self.jobs = jobs


def _start(shares: MutableSequence[float]) -> None:
    """In each worker process, before its first job."""
    global _shares
    _shares = shares
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

    report(BEGUN)
    return _worker(data).work(job, maker, report)


def refuse_too_many_files(workers: int) -> None:
    """UserError if so many processes, with their pipes, take more open files than this process may have."""
    needed = FILES + FILES_A_WORKER * workers
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed not in (resource.RLIM_INFINITY, -1) and allowed < needed:
        raise UserError(
            f"{workers} worker processes take {needed} open files, and {allowed} are allowed; raise the limit "
            f"(ulimit -n {needed}) or take fewer workers (SDD_WORKERS)"
        )


def start_server() -> None:
    """Start the process that imports torch once and then is forked, so that Ctrl-C never reaches it or its children.

    Ctrl-C goes to every process of a terminal. The parent decides what follows, the others would show a traceback.
    """
    resource_tracker.ensure_running()  # before the signal is blocked, because this unblocks it
    multiprocessing.set_forkserver_preload(["stages.cells.worker"])
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which children inherit
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def run(
    jobs: list[Job], maker: Maker, data: Path, workers: int, progress: Callable[[list[float]], None]
) -> Generator[tuple[Job, Any]]:
    """Each job with its result, or with the exception that ended it, as they finish.

    `data` is the path of the prepared data's file; `progress` is told again and again which share of each job is done.
    UserError if the processes cannot be started, or one of them dies. No process is left when the iteration ends, or
    is closed.
    """
    refuse_too_many_files(workers)
    ended = set()  # places of jobs
    context = multiprocessing.get_context("forkserver")
    try:
        start_server()
        shares = context.RawArray("d", len(jobs))  # without a lock, which a worker that dies might never give back
        pool = ProcessPoolExecutor(workers, context, _start, (shares,))
    except (OSError, EOFError) as error:
        raise _not_started(workers, error) from None
    with pool:
        try:
            try:
                futures = {pool.submit(_work, place, job, maker, data): place for place, job in enumerate(jobs)}
            except (OSError, EOFError) as error:
                raise _not_started(workers, error) from None
            left = set(futures)
            while left:
                done, left = wait(left, REFRESH_S, FIRST_COMPLETED)
                errors = {future: future.exception() for future in done}
                broken = [future for future, error in errors.items() if isinstance(error, BrokenProcessPool)]
                for future in done.difference(broken):
                    ended.add(futures[future])
                    yield jobs[futures[future]], errors[future] or future.result()
                if broken:
                    raise BrokenProcessPool
                progress(list(shares))
        except BrokenProcessPool:
            _kill(pool)
            raise WorkerDiedError(
                [job for place, job in enumerate(jobs) if shares[place] and place not in ended]
            ) from None
        except BaseException:
            _kill(pool)
            raise


def _not_started(workers: int, error: Exception) -> UserError:
    remedy = "SDD_WORKERS=1 takes fewer, and TMPDIR names a folder for their socket, whose path must be short"
    return UserError(f"{workers} worker processes cannot be started ({error}); {remedy}")


def _kill(pool: ProcessPoolExecutor) -> None:
    pool.shutdown(wait=False, cancel_futures=True)
    for process in multiprocessing.active_children():
        process.kill()
