import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.statistic.tables import against_paper, axis_value, cell_means, summary, to_csv, to_json, to_records
from tests.workspace import ROOT

TABLES = sorted([*ROOT.glob("metrics/*.csv"), *ROOT.glob("experiments/*/*.csv")])


def cells() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "dataset": "mnist",
            "width": [5, 5, 5, 5],
            "alpha": [0.0, 0.0, 1.0, 1.0],
            "seed": [0, 1, 0, 1],
            "test_error": [0.1, 0.3, 0.5, 0.5],
            "zero_fraction": [0.0, 0.0, 0.5, 0.7],
            "diverged": [False, False, False, True],
        }
    )


def test_means_and_spreads_counted_by_hand() -> None:
    means = cell_means(cells())
    assert means.test_error.tolist() == [0.2, 0.5]
    assert means.test_error_sd.tolist() == pytest.approx([0.1 * 2**0.5, 0])


def test_the_difference_from_the_paper_is_in_points_and_in_standard_deviations() -> None:
    paper = pd.DataFrame({"width": [5, 5, 7], "alpha": [0.0, 1.0, 0.0], "test_accuracy_percent": [70.0, 50.0, 1.0]})
    table = against_paper(cells(), paper)
    assert table[["dataset", "width", "alpha", "paper_accuracy"]].to_numpy().tolist() == [
        ["mnist", 5, 0.0, 70.0],
        ["mnist", 5, 1.0, 50.0],
    ]
    assert table.our_sd.tolist() == pytest.approx([10 * 2**0.5, 0])
    assert table.our_mean.tolist() == pytest.approx([80, 50])
    assert table.difference.tolist() == pytest.approx([10, 0])
    assert table.difference_in_sd[0] == pytest.approx(10 / (10 * 2**0.5))
    assert np.isnan(table.difference_in_sd[1])  # no spread to measure it in


def test_the_summary_names_the_data_set_and_holds_numbers_alone() -> None:
    assert summary(cells()) == {
        "mnist": {
            "models": 4,
            "diverged": 1,
            "width_5": {
                "best_alpha": 0.0,
                "best_error": 0.2,
                "worst_alpha": 1.0,
                "worst_error": 0.5,
                "most_zeros": 0.6,
            },
        }
    }


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_committed_table_that_is_read_and_written_again_is_the_same_to_the_byte(path: Path) -> None:
    assert to_csv(pd.read_csv(path)) == path.read_bytes()


def test_two_different_values_of_an_axis_stay_different_in_every_file() -> None:
    alphas = [0.0, 1e-9, 1e-5, 0.001, 1.0, 1.00000001, 0.1 + 0.2, 1e9]
    table = pd.DataFrame({"alpha": alphas, "strength": alphas, "test_error": 1 / 3})
    again = pd.read_csv(io.BytesIO(to_csv(table)))
    assert again.alpha.tolist() == again.strength.tolist() == alphas
    assert set(again.test_error) == {0.3333333}
    assert [row["alpha"] for row in json.loads(to_records(table))] == alphas
    assert json.loads(to_json({"width_5": {"best_alpha": 1e-9, "best_error": 1 / 3}})) == {
        "width_5": {"best_alpha": 1e-9, "best_error": 0.333333}
    }


def test_an_axis_value_is_the_shortest_text_that_is_exactly_it() -> None:
    values = [0.0, 5, 0.001, 1e-05, 1.00000001, 10000.0]
    assert [axis_value(value) for value in values] == ["0", "5", "0.001", "1e-05", "1.00000001", "10000"]


def test_an_axis_without_a_value_is_empty() -> None:
    assert to_csv(pd.DataFrame({"width": [5.0, np.nan]})) == b'width\n5\n""\n'
