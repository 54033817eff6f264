import os
from collections.abc import Iterator

import pytest
import torch
from threadpoolctl import threadpool_limits

from tests.workspace import Workspace


@pytest.fixture(autouse=True, scope="session")
def _one_thread_a_worker() -> Iterator[None]:
    """Products of matrices as every cell computes them, and tests side by side that do not wait for each other's."""
    torch.set_num_threads(1)
    with threadpool_limits(1):
        yield


@pytest.fixture(autouse=True, scope="session")
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    own = tmp_path_factory.getbasetemp()
    Workspace.shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow tests go first, so that no worker is left alone with one at the end; groups stay on one worker."""
    items.sort(key=lambda item: "slow" not in item.keywords)
    for item in items:  # as pytest-xdist 3.8 means to do for --dist loadgroup, and does not under pytest 9.2
        group = item.get_closest_marker("xdist_group")
        if group and "PYTEST_XDIST_WORKER" in os.environ:
            item._nodeid = f"{item.nodeid}@{group.args[0]}"
