import json
import shutil
from pathlib import Path

import pytest

from stages.base.files import UserError
from stages.commands.show import read
from tests.workspace import ROOT, Workspace


def test_a_line_a_width_is_printed_from_the_committed_results() -> None:
    table = Workspace(ROOT).run("python", "-m", "stages.commands.show", "--markdown")
    widths = [line.split("|")[1].strip() for line in table.splitlines()[2:] if line.startswith("|")]
    verdict = json.loads((ROOT / "metrics/verdict.json").read_text())["mnist"]
    assert [f"width_{w}" for w in widths] == [key for key in verdict if key.startswith("width_")]


def test_a_folder_without_results_gets_one_line(tmp_path: Path) -> None:
    output = Workspace(ROOT).run("python", "-m", "stages.commands.show", str(tmp_path), ok=False)
    assert output == f"error: {tmp_path}/cells.csv is missing; to make it: python -m stages.sweep\n"


@pytest.mark.parametrize("name", ["cells.csv", "paper.csv", "verdict.json"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00", b"{}", b"[1, 2]", b'"a,b\n1,2,3\n'])
def test_a_damaged_table_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    (tmp_path / "metrics" / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"^\S+/{name} [^\n]+; to make it anew: dvc repro$"):
        read(tmp_path / "metrics")
