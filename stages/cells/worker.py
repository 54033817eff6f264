"""What runs in a worker process: it knows what it is, and trains the jobs that suit it.

This is the one module of the folder that imports torch.
"""

from collections.abc import Callable
from importlib.metadata import version

import torch

from stages.base import tensors
from stages.base.files import UserError
from stages.base.machine import device_asked
from stages.cells.cell import Maker, code_of_training
from stages.cells.jobs import Job, refuse_other
from stages.training.batch import DataSet
from stages.training.procedures import train
from stages.training.runs import Arrays

LOADED = code_of_training()  # what this process runs, even where the files change while it does
torch.set_num_threads(1)


def maker_of_this_process(data: str) -> Maker:
    """What this process trains cells with; UserError if the device that was asked for is not there."""
    device = device_asked()
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("SDD_DEVICE=cuda: torch finds no CUDA device here; unset SDD_DEVICE to use the CPU")
    return Maker(LOADED, version("torch"), device, data)


class Worker:
    """A process with a prepared data set in memory, read and checked once."""

    def __init__(self, data: bytes) -> None:
        """`data` are the bytes of the prepared data's file. UserError if they are damaged; see also above."""
        try:
            arrays, about = tensors.from_bytes(data)
        except ValueError as error:
            raise UserError(f"the prepared data cannot be read ({error}); to make them: dvc repro -f prepare") from None
        self.maker = maker_of_this_process(about["digest"])
        self.data = DataSet.of(arrays, about["classes"], self.maker.device)

    def work(self, job: Job, maker: Maker, report: Callable[[float], None] = lambda share: None) -> list[Arrays]:
        """Train the job's cells; arrays for each. UserError unless this process is what the maker says."""
        refuse_other("a worker process", self.maker, maker, job.procedure)
        return train(job.procedure, self.data, job.options, job.seeds, report)
