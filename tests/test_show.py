import json
from pathlib import Path

import pandas as pd

from stages.core.tables import answer, d_with_interval
from stages.show import finding_over_width, over_width
from tests.workspace import ROOT, Workspace


def test_the_answer_gives_its_reason() -> None:
    guards = {"parity": True, "above_chance": False, "measured_sparsity": True}
    assert answer({"double_descent": True, "D_low": 0.2, "guards": guards}) == "yes"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": guards}) == "no: fails above chance"
    assert answer({"double_descent": False, "D_low": 0.005, "guards": guards}) == "no: no sure peak"
    assert answer({"double_descent": False, "D_low": 0.2, "guards": {"parity": True}}) == "no: fails p < 0.05"
    assert answer({}) == "no: no sure peak"


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


def test_cells_of_one_alpha_are_read_over_width() -> None:
    means = pd.DataFrame(
        {
            "width": [10, 5],
            "test_error": [0.2, 0.31],
            "test_error_sd": [0.01, 0.02],
            "train_error": [0.0, 0.1],
            "train_error_sd": [0.0, 0.004],
            "epochs": [40.0, 300.0],
        }
    )
    assert over_width(means) == [["5", "31.0 ± 2.0", "10.0 ± 0.4", "300"], ["10", "20.0 ± 1.0", "0.0 ± 0.0", "40"]]


def test_the_finding_over_width_says_where_the_peak_is_or_that_there_is_none() -> None:
    peak = {"D": 0.06, "D_low": 0.05, "D_high": 0.07, "p_value": 0.002, "peak_width": 15, "double_descent": True}
    height = "Test error over width: D = 6.0 [5.0, 7.0] points, p = 0.002"
    assert finding_over_width(peak) == f"{height}: a peak at width 15; no width fits its training set."
    none = peak | {"double_descent": False, "threshold": 20}
    assert finding_over_width(none) == f"{height}: no double descent; width 20 is the first that fits its training set."
