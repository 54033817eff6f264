from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cells.project import Project, Stage
from tests.processes import bounded


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    with bounded():
        yield


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stage:
    return Stage(monkeypatch, capsys)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.of(tmp_path / "ein Ordner, für Läufe")
