from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="session")
def _one_thread_a_worker() -> Iterator[None]:
    """Products of matrices as every cell computes them, and tests side by side that do not wait for each other's."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield
