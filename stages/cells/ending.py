"""A stage that is asked to end does so as after Ctrl-C, and so takes its worker processes along."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

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


def _follow(parent: int, over: threading.Event) -> None:
    while not over.wait(LOOK_S):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return
