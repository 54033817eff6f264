"""The report is one page that anybody can make again."""

import shutil
from pathlib import Path

from tests.workspace import ROOT, Workspace


def report(folder: Path, time_zone: str) -> bytes:
    """The page of the committed results, made in a folder that is under no git."""
    for name in ("plots", "metrics", "stages"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "report.html", "*.pyc")
        )
    shutil.copy(ROOT / "stages/figures/report.html", folder / "stages/figures")
    shutil.copy(ROOT / "params.yaml", folder)
    command = ("python", "-m", "stages.report", "--metrics", "metrics", "--plots", "plots")
    Workspace(folder).run(*command, TZ=time_zone)
    return (folder / "plots/report.html").read_bytes()


def test_the_report_is_the_same_bytes_anywhere_and_says_what_it_was_made_with(tmp_path: Path) -> None:
    page = report(tmp_path / "one", "UTC")
    assert page == report(tmp_path / "two", "Asia/Kathmandu")
    assert b"penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 10 seeds (as published)" in page
    assert b"penalty: induced_1norm" in page  # params.yaml
    assert str(tmp_path).encode() not in page
