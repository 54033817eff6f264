import os
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from threadpoolctl import threadpool_limits
from xdist.scheduler import LoadScopeScheduling

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
    """What takes longest goes first, so that no worker is left alone with it at the end."""
    shared = [*SHARED.values()]

    def late(item: pytest.Item) -> tuple[int, bool]:
        together = _together(item.nodeid)
        return shared.index(together) if together in shared else len(shared), "slow" not in item.keywords

    items.sort(key=late)


SHARED = {  # how their names start, and the name of what they share; the first builds what many copy
    "tests/test_browser.py::test_every_chart": "a comparison",
    "tests/test_page.py": "the report",
    "tests/test_make.py": "make",
    "tests/test_interruptions.py": "interruptions",
    "tests/test_readme.py::test_the_commands": "README",
    "tests/test_own_data.py": "own data",
    "tests/test_determinism.py::test_the_whole_pipeline": "the whole pipeline",
    "tests/test_full_disk.py": "disks",
    "tests/test_browser.py::test_studies_stand": "revisions of studies",
    "tests/test_browser.py::test_a_study_over": "revisions of studies",
}


def _together(nodeid: str) -> str:
    """The name of what this test shares with others, or its own."""
    return next((name for start, name in SHARED.items() if nodeid.startswith(start)), nodeid)


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Tests that share a workspace of their own go to one worker, all others to the next that is free.

    The marker xdist_group of pytest-xdist 3.8 has no effect under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return _together(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores, because the slow tests often wait for DVC, a disk or a server."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    config.option.loadscopereorder = False  # the order above, not by how many tests share something
    return Together(config, log)
