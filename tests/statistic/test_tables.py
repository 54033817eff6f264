import numpy as np
import pandas as pd
import pytest

from stages.statistic.tables import against_paper, cell_means, summary


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
