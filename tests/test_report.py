"""The report is one page that anybody can make again."""

import shutil
from pathlib import Path

from tests.workspace import ROOT, Workspace


def report(folder: Path, time_zone: str) -> bytes:
    """The page of the committed results, made in a folder that is under no git."""
    for name in ("data/peers", "metrics", "stages", "studies"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.png"))
    shutil.copy(ROOT / "params.yaml", folder)
    command = ("python", "-m", "stages.report", "--metrics", "metrics", "--studies", "studies", "--peers", "data/peers")
    Workspace(folder).run(*command, "--out", "plots", TZ=time_zone)
    return (folder / "plots/report.html").read_bytes()


def test_the_report_is_the_same_bytes_anywhere_and_says_what_it_was_made_with(tmp_path: Path) -> None:
    page = report(tmp_path / "one", "UTC")
    assert page == report(tmp_path / "two", "Asia/Kathmandu")
    assert b"penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 10 seeds (as published)" in page
    assert b"penalty: induced_1norm" in page  # params.yaml
    assert str(tmp_path).encode() not in page


def test_a_studys_results_are_part_of_the_page_only_where_they_are_there(tmp_path: Path) -> None:
    whole = report(tmp_path, "UTC")
    (tmp_path / "studies/verdicts/pruning.json").unlink()
    command = ("python", "-m", "stages.report", "--metrics", "metrics", "--studies", "studies", "--peers", "data/peers")
    Workspace(tmp_path).run(*command, "--out", "less")
    less = (tmp_path / "less/report.html").read_bytes()
    assert whole.count(b'#study=pruning"') == 1
    assert less.count(b'#study=pruning"') == 0
