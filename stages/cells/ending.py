"""A stage that is asked to end does so as after Ctrl-C, and so takes its worker processes along."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

LOOK_S = 1.0  # between two looks at whether DVC is still there


@contextmanager
def cleanly() -> Iterator[None]:
    """SIGTERM raises SystemExit in what is done here, and so does the end of the DVC that started the stage.

    A DVC that is killed leaves its stage running. The stage would then write into the folder of the next `dvc repro`.
    """

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit("error: terminated")

    before = signal.signal(signal.SIGTERM, end)
    over = threading.Event()
    if "DVC_STAGE" in os.environ:  # DVC sets it for the commands that it runs
        threading.Thread(target=_follow, args=(os.getppid(), over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.signal(signal.SIGTERM, before)


@contextmanager
def after_this() -> Iterator[None]:
    """Ctrl-C and SIGTERM that come in what is done here, such as writing a file, count when it is done."""
    came: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before: dict[int, Any] = {number: signal.signal(number, keep) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _follow(parent: int, over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
