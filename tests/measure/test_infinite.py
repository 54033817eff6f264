"""Where an axis of widths ends."""

from typing import Any

import numpy as np
import pytest

from stages.measure.infinite import ends
from stages.training.batch import DataSet
from stages.training.features import PROCEDURE, FeatureOptions
from tests.cells.project import images

ARRAYS = images()
DRAWN: dict[str, Any] = {"images": 200, "label_noise": 0.2, "redraw": "none", "data_seed": 0}


def test_least_squares_on_ever_more_random_features_end_there() -> None:
    """With the intercept that kernel regression has and these have not, and few test images: to a few of them."""
    data = DataSet.of(ARRAYS, 10, "cpu")
    options = FeatureOptions(width=20_000, ridge=1e-9, **DRAWN)
    found = [float(PROCEDURE.run(data, [options], [seed], print)[0]["test_error"][0]) for seed in range(2)]
    assert np.mean(found) == pytest.approx(ends(ARRAYS, 10, DRAWN, 1)["NNGP"], abs=0.03)


def test_sets_that_are_redrawn_count_alike_and_one_that_is_shared_once() -> None:
    of_noise = [ends(ARRAYS, 10, {**DRAWN, "redraw": "noise", "data_seed": seed}, 1) for seed in (0, 1)]
    assert of_noise[0] != of_noise[1]
    assert set(of_noise[0]) == {"NNGP", "NNGP with ridge 0.1", "NTK", "NTK with ridge 0.1"}
    assert all(0 < error < 1 for error in of_noise[0].values())


def test_a_deeper_network_has_another_end() -> None:
    assert ends(ARRAYS, 10, DRAWN, 1)["NTK"] != ends(ARRAYS, 10, DRAWN, 3)["NTK"]
