"""What is said of the regressions."""

import numpy as np
import pandas as pd
import pytest

from stages.base.params import Lasso, parse
from stages.linear.mdl import over_dimensions
from stages.linear.regression import ROUNDING, over_components, over_features, published_sample
from stages.statistic.regression import finding, judged, lengths, points, summary
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
    numbers = summary(published, table)
    assert numbers["least_squares_of_minimum_norm"]["peak_features"] == 12
    sentence = finding(numbers, config)
    assert (
        "its 8 components cannot fit its 140 rows. With 12 rows least squares of minimum norm peaks at 12 feat"
        in sentence
    )
    assert "ridge 50.0 has no peak" in sentence
    drawn = points(table, config)
    assert (drawn.low <= drawn.log10_test_mse).all()
    assert set(drawn.series) == set(table.method)


def test_a_description_grows_linearly_up_to_the_rows_and_then_by_half_a_bit_as_features_double(config: Lasso) -> None:
    table = pd.DataFrame(
        [row for run in range(12) for row in over_dimensions([10, 20, 30, 40, 50, 60, 120, 240, 480], 60, 0.5, run)]
    )
    found = lengths(table, 60)["description"]
    assert found["answer"] == "no"
    assert found["linear_below"] > 0.99
    assert found["bits_a_doubling_above"] == pytest.approx(0.5, abs=0.1)
    assert lengths(table[:0], 60) == {}


def test_where_nothing_is_left_to_predict_the_error_counts_as_rounding(config: Lasso) -> None:
    table = pd.DataFrame([row for run in range(4) for row in over_features([1, 2, 3], 20, 0.0, [], run, n_test=50)])
    assert (table[table.features == 3].test_mse == 0).all()
    for found in judged(table).values():
        assert np.isfinite([value for key, value in found.items() if key.startswith("D_")]).all()
    drawn = points(table, config)
    assert (drawn[drawn.features == 3].log10_test_mse == np.log10(ROUNDING)).all()
