"""The report is one page that anybody can make again."""

import shutil
from pathlib import Path

import pytest

from tests.workspace import ROOT, Workspace


def report(folder: Path, out: Path, time_zone: str = "UTC") -> bytes:
    """The page of the results in that folder."""
    command = ("python", "-m", "stages.report", "--metrics", "metrics", "--studies", "studies", "--peers", "data/peers")
    Workspace(folder).run(*command, "--out", str(out), TZ=time_zone)
    return (out / "report.html").read_bytes()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """That of the committed results."""
    return report(ROOT, tmp_path_factory.mktemp("report"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The committed results and the code, under no git."""
    for name in ("data/peers", "metrics", "stages", "studies"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.png"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_the_report_is_the_same_bytes_anywhere_and_says_what_it_was_made_with(page: bytes, elsewhere: Path) -> None:
    assert report(elsewhere, elsewhere / "plots", "Asia/Kathmandu") == page
    assert b"penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 10 seeds (as published)" in page
    assert b"penalty: induced_1norm" in page  # params.yaml
    assert str(elsewhere).encode() not in page


def test_a_studys_results_are_part_of_the_page_only_where_they_are_there(page: bytes, elsewhere: Path) -> None:
    (elsewhere / "studies/verdicts/pruning.json").unlink()
    assert page.count(b'#study=pruning"') == 1
    assert report(elsewhere, elsewhere / "less").count(b'#study=pruning"') == 0
