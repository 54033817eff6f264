"""The tables of a cell."""

import numpy as np
import pytest

from stages.measure.runs import curve_table

RUNS = {
    "epochs": np.array([0, 5]),
    "train_loss": np.array([[2.0, 1.0], [4.0, np.nan]]),  # a row a run; the second one diverged
    "train_error": np.array([[0.9, 0.2], [0.7, 0.9]]),
    "test_error": np.array([[0.9, 0.4], [0.9, 0.9]]),
}


def test_training_curves_are_means_and_spreads_over_the_runs() -> None:
    curves = curve_table({"width": 3}, RUNS)
    assert list(curves)[:4] == ["width", "epoch", "train_loss", "train_loss_sd"]
    assert curves.epoch.tolist() == [0, 5]
    assert curves.train_error.tolist() == pytest.approx([0.8, 0.55])
    assert curves.train_error_sd.tolist() == pytest.approx([0.1 * 2**0.5, 0.35 * 2**0.5])


def test_where_a_run_has_no_loss_the_mean_of_all_runs_is_none() -> None:
    curves = curve_table({"width": 3}, RUNS)
    assert curves.train_loss[0] == 3.0
    assert np.isnan(curves.train_loss[1])


def test_one_run_has_no_spread() -> None:
    alone = {name: values if name == "epochs" else values[:1] for name, values in RUNS.items()}
    assert curve_table({"width": 3}, alone).test_error_sd.isna().all()
