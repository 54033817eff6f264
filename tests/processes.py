"""Processes and files that a test waits for: it is told by the system, and never sleeps."""

import ctypes
import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

PATIENCE_S = 300  # for what must happen; how fast is no matter
TEST_S = 500  # for a whole test, should it wait for a line that nobody says
MOVED_TO, CREATED = 0x80, 0x100  # inotify's names for a file that came to be by a rename, and so is whole, or is begun


@contextmanager
def bounded() -> Iterator[None]:
    """TimeoutError where a test would wait forever."""

    def too_late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"the test took longer than {TEST_S} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(TEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def start(*command: str, cwd: Path, **environment: str) -> "subprocess.Popen[str]":
    """The command in a session of its own, as in a terminal of its own. It says what it says through one pipe."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **environment}
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,  # a job in the background ignores it
    )


def end(process: "subprocess.Popen[str]") -> str:
    """What the process says until it ends, and all that hold its pipe with it."""
    try:
        output, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        raise
    return output


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The processes that it started, and those that these started."""
    found: list[psutil.Process] = psutil.Process(process.pid).children(recursive=True)
    return found


@contextmanager
def all_gone(processes: list[psutil.Process]) -> Iterator[None]:
    """What is done inside ends these processes, sooner or later."""
    handles = [os.pidfd_open(process.pid) for process in processes]
    try:
        yield
        for process, handle in zip(processes, handles, strict=True):
            ended, _, _ = select.select([handle], [], [], PATIENCE_S)
            assert ended, f"{process} is still there"
    finally:
        for handle in handles:
            os.close(handle)


class Arrivals:
    """The files that come into a folder from now on, one after another."""

    def __init__(self, folder: Path, how: int = MOVED_TO) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self.handle = libc.inotify_init()
        assert libc.inotify_add_watch(self.handle, os.fsencode(folder), how) >= 0, os.strerror(ctypes.get_errno())
        self.names: list[str] = []

    def next(self) -> str:
        """The name of the next file, as soon as it is there."""
        while not self.names:
            ready, _, _ = select.select([self.handle], [], [], PATIENCE_S)
            assert ready, "no file came"
            events = os.read(self.handle, 1 << 16)
            while events:
                length = struct.unpack_from("iIII", events)[3]
                self.names.append(os.fsdecode(events[16 : 16 + length].rstrip(b"\0")))
                events = events[16 + length :]
        return self.names.pop(0)

    def close(self) -> None:
        os.close(self.handle)
