"""The report is one page that anybody can make again."""

import shutil
from pathlib import Path

import pytest

from tests.workspace import ROOT, Workspace

COMMITTED = ROOT / "plots/report.html"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The committed results and the code, under no git."""
    for name in ("data/peers", "metrics", "stages", "studies"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.png"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def report(folder: Path) -> bytes:
    command = ("python", "-m", "stages.report", "--metrics", "metrics", "--studies", "studies", "--peers", "data/peers")
    Workspace(folder).run(*command, "--out", "plots", TZ="Asia/Kathmandu")
    return (folder / "plots/report.html").read_bytes()


def test_the_report_is_the_same_bytes_anywhere_and_says_what_it_was_made_with(folder: Path) -> None:
    page = report(folder)
    assert page == COMMITTED.read_bytes()
    assert b"penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 10 seeds (as published)" in page
    assert b"penalty: induced_1norm" in page  # params.yaml
    assert str(folder).encode() not in page


def test_a_studys_results_are_part_of_the_page_only_where_they_are_there(folder: Path) -> None:
    (folder / "studies/verdicts/pruning.json").unlink()
    assert COMMITTED.read_bytes().count(b'#study=pruning"') == 1
    assert report(folder).count(b'#study=pruning"') == 0
