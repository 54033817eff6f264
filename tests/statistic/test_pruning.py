"""What is said of the pruning study."""

import pandas as pd

from stages.statistic.pruning import finding, of_cells


def cell(test_error: list[float], train_error: list[float], seeds: int = 6) -> pd.DataFrame:
    """One cell's rows with these errors over rounds that prune half of what is left, and a little noise."""
    rows = [
        {
            "round": i,
            "seed": seed,
            "sparsity": 1 - 0.5**i,
            "test_error": error + 0.001 * ((seed + i * i) % 3),
            "train_error": train_error[i],
        }
        for i, error in enumerate(test_error)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_a_peak_over_sparsity_is_a_double_descent_with_its_places() -> None:
    one = cell([0.18, 0.2, 0.29, 0.2, 0.3], [0.0, 0.0, 0.03, 0.2, 0.3])
    found = of_cells(one.assign(method="magnitude", retraining="rewind"))["magnitude_rewind"]
    assert found["answer"] == "yes"
    assert (found["peak_sparsity"], found["best_sparsity"], found["unfitted_sparsity"]) == (0.75, 0.875, 0.75)
    assert found["D_low"] <= 0.09 <= found["D_high"] + 1e-9
    sentence = finding({"magnitude_rewind": found}, 0.2)
    question = "Is there a double descent over pruning, with 20.0 % of the labels wrong?"
    assert f"{question} magnitude rewind: yes, D = 9.0" in sentence
    assert "training error leaves zero at 75.0 %" in sentence


def test_one_rise_is_none_and_a_network_that_always_fits_has_no_place_where_it_does_not() -> None:
    one = cell([0.18, 0.2, 0.29, 0.3, 0.4], [0.0] * 5)
    found = of_cells(one.assign(method="magnitude", retraining="rewind"))["magnitude_rewind"]
    assert found["answer"] == "no"
    assert "unfitted_sparsity" not in found
    sentence = finding({"magnitude_rewind": found}, 0.2)
    assert "magnitude rewind: no, D = 0.0 [0.0, 0." in sentence
    assert "points, no peak of a point or more" in sentence


def test_too_few_seeds_or_rounds_leave_it_undecided() -> None:
    for one, why in (
        (cell([0.18, 0.2, 0.29, 0.2], [0.0] * 4, seeds=2), "fewer than 3 runs"),
        (cell([0.18, 0.2], [0.0] * 2), "fewer than 3 points"),
    ):
        found = of_cells(one.assign(method="magnitude", retraining="rewind"))
        sentence = finding(found, 0.2)
        assert "magnitude rewind: undecided, D = " in sentence
        assert f"{why}, which cannot show how much chance does (test error 18." in sentence
