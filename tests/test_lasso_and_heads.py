"""The sentences that `lasso` and `heads` say of their numbers."""

import numpy as np
import pandas as pd
import pytest

from stages import heads, lasso
from stages.base.params import Lasso, parse
from stages.linear.regression import over_components, over_features, published_sample
from tests.workspace import ROOT


@pytest.fixture
def config() -> Lasso:
    whole = parse((ROOT / "params.yaml").read_text()).lasso
    small = {
        "samples": 200,
        "features": 8,
        "informative": 5,
        "n_train": 12,
        "n_features": [2, 6, 12, 24, 60],
        "runs": 12,
    }
    return whole.model_copy(update=small)


def test_regression_peaks_at_the_rows_and_a_strong_ridge_does_not(config: Lasso) -> None:
    sample = published_sample(config.samples, config.features, config.informative, config.noise, config.seed)
    published = pd.DataFrame(over_components(sample, config.alpha, config.seed))
    table = pd.DataFrame(
        [
            row
            for run in range(config.runs)
            for row in over_features(config.n_features, config.n_train, 0.5, [50.0], run, n_test=200)
        ]
    )
    numbers = lasso.summary(published, table)
    assert numbers["least_squares_of_minimum_norm"]["peak_features"] == 12
    sentence = lasso.finding(numbers, config)
    assert (
        "its 8 components cannot fit its 140 rows. With 12 rows least squares of minimum norm peaks at 12 feat"
        in sentence
    )
    assert "ridge 50.0 has no peak" in sentence
    points = lasso.points(table, config)
    assert (points.low <= points.log10_test_mse).all()
    assert set(points.series) == set(table.method)


def test_where_nothing_is_left_to_predict_the_error_counts_as_rounding(config: Lasso) -> None:
    table = pd.DataFrame([row for run in range(4) for row in over_features([1, 2, 3], 20, 0.0, [], run, n_test=50)])
    assert (table[table.features == 3].test_mse == 0).all()
    for _, rows in table.groupby("method"):
        assert np.isfinite(list(lasso.peak(rows).values())).all()
    points = lasso.points(table, config)
    assert (points[points.features == 3].log10_test_mse == -20).all()


def test_the_best_strength_is_the_one_with_the_smallest_mean_error_over_seeds() -> None:
    rows = [
        {"features": "trained", "dimension": d, "seed": s, "head": head, "strength": k, "test_error": error + 0.01 * s}
        for d in (5, 10)
        for s in range(2)
        for head in heads.HEADS
        for k, error in ((0.1, 0.2), (1.0, 0.1), (10.0, 0.3))
    ]
    own = {"features": "trained", "dimension": 10, "seed": 0, "head": "own", "strength": 0.0, "test_error": 0.15}
    table = pd.DataFrame([*rows, own])
    chosen = heads.best(table)
    assert set(chosen[chosen["head"] != "own"].strength) == {1.0}
    assert np.allclose(chosen[chosen["head"] != "own"].test_error, 0.105)
    assert heads.finding(heads.summary(chosen)).endswith(
        "trained (10 of them): ridge 10.5 %, lasso 10.5 %, logistic 10.5 %, the networks' own last layer 15.0 %."
    )
    assert len(heads.points(table, "mnist")) == len(heads.HEADS) * 3
