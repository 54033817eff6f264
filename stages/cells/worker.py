"""What runs in a worker process: it knows what it is, and trains the jobs that suit it.

This is the one module of the room that imports torch.
"""

from collections.abc import Callable
from importlib.metadata import version

import torch

from stages.base import tensors
from stages.base.files import UserError
from stages.base.machine import device_asked
from stages.cells.cell import Maker, code_of_training
from stages.cells.jobs import Job
from stages.training.procedures import DataSet, train
from stages.training.runs import Arrays

LOADED = code_of_training()  # what this process runs, even where the files change while it does
torch.set_num_threads(1)


class Worker:
    """A process with a prepared data set in memory, read and checked once."""

    def __init__(self, data: bytes) -> None:
        """`data` are the bytes of the prepared data's file. UserError if the device that was asked for is not there."""
        device = device_asked()
        if device == "cuda" and not torch.cuda.is_available():
            raise UserError("SDD_DEVICE=cuda: torch finds no CUDA device here; unset SDD_DEVICE to use the CPU")
        arrays, about = tensors.from_bytes(data)
        self.data = DataSet.of(arrays, about["classes"], device)
        self.maker = Maker(LOADED, version("torch"), device, about["digest"])

    def work(self, job: Job, maker: Maker, report: Callable[[float], None] = lambda share: None) -> list[Arrays]:
        """Train the job's cells; arrays for each. UserError unless this process is what the maker says."""
        for what in ("training", "torch", "device", "data"):
            mine, wanted = getattr(self.maker, what), getattr(maker, what)
            if mine != wanted:
                raise UserError(f"a worker has {what} {mine[:16]}, this checkout has {wanted[:16]}: it trains nothing")
        return train(job.procedure, self.data, job.options, job.seeds, report)
