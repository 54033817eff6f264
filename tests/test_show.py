import json
from pathlib import Path

from stages.core.tables import answer, d_with_interval
from tests.workspace import ROOT, Workspace


def test_the_answer_gives_its_reason() -> None:
    guards = {"parity": True, "above_chance": False, "measured_sparsity": True}
    assert answer({"double_descent": True, "D_low": 0.2, "guards": guards}) == "yes"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": guards}) == "no: fails above chance"
    assert answer({"double_descent": False, "D_low": 0.005, "guards": guards}) == "no: no peak"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": {"parity": True}}) == "no: fails p < 0.05"
    assert answer({}) == "no: no peak"


def test_a_height_is_in_points_and_has_no_minus_zero() -> None:
    assert d_with_interval({"D": 0.6123, "D_low": -0.0001, "D_high": 0.7}) == "61.2 [0.0, 70.0]"
    assert d_with_interval({}) == "-"


def test_a_line_a_width_is_printed_from_the_committed_results() -> None:
    table = Workspace(ROOT).run("python", "-m", "stages.show", "--markdown")
    widths = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    verdict = json.loads((ROOT / "metrics/verdict.json").read_text())["mnist"]
    assert [f"width_{w}" for w in widths] == [key for key in verdict if key.startswith("width_")]


def test_a_folder_without_results_gets_one_line(tmp_path: Path) -> None:
    output = Workspace(ROOT).run("python", "-m", "stages.show", str(tmp_path), ok=False)
    assert output == f"error: {tmp_path}/cells.csv is missing; to make it: python -m stages.sweep\n"
