from pathlib import Path

import pytest

from tests.cells.project import Project, Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Stage:
    return Stage(monkeypatch, capsys)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.of(tmp_path / "ein Ordner, für Läufe")
