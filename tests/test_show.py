import json
from pathlib import Path

from tests.workspace import ROOT, Workspace


def test_a_line_a_width_is_printed_from_the_committed_results() -> None:
    table = Workspace(ROOT).run("python", "-m", "stages.show", "--markdown")
    widths = [line.split("|")[1].strip() for line in table.splitlines()[2:] if line.startswith("|")]
    verdict = json.loads((ROOT / "metrics/verdict.json").read_text())["mnist"]
    assert [f"width_{w}" for w in widths] == [key for key in verdict if key.startswith("width_")]


def test_a_folder_without_results_gets_one_line(tmp_path: Path) -> None:
    output = Workspace(ROOT).run("python", "-m", "stages.show", str(tmp_path), ok=False)
    assert output == f"error: {tmp_path}/cells.csv is missing; to make it: python -m stages.sweep\n"
