"""What is said of refitted last layers."""

import numpy as np
import pandas as pd

from stages.statistic.heads import HEADS, best, finding, points, summary


def test_the_best_strength_is_the_one_with_the_smallest_mean_error_over_seeds() -> None:
    rows = [
        {"features": "trained", "dimension": d, "seed": s, "head": head, "strength": k, "test_error": error + 0.01 * s}
        for d in (5, 10)
        for s in range(2)
        for head in HEADS
        for k, error in ((0.1, 0.2), (1.0, 0.1), (10.0, 0.3))
    ]
    own = {"features": "trained", "dimension": 10, "seed": 0, "head": "own", "strength": 0.0, "test_error": 0.15}
    table = pd.DataFrame([*rows, own])
    chosen = best(table)
    assert set(chosen[chosen["head"] != "own"].strength) == {1.0}
    assert np.allclose(chosen[chosen["head"] != "own"].test_error, 0.105)
    assert finding(summary(chosen)).endswith(
        "trained (10 of them): ridge 10.5 %, lasso 10.5 %, logistic 10.5 %, the networks' own last layer 15.0 %."
    )
    assert len(points(table, "mnist")) == len(HEADS) * 3
