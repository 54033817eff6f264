"""What a person is told of refitted last layers: the best of each kind, one sentence, and plot data."""

from typing import Any

import pandas as pd

HEADS = ["ridge", "lasso", "logistic"]
OWN = "own"  # the last layer that the network was trained with


def best(table: pd.DataFrame) -> pd.DataFrame:
    """Per features, dimension and head: mean over seeds at the strength with the smallest mean test error."""
    means = (
        table.groupby(["features", "dimension", "head", "strength"], sort=False).mean(numeric_only=True).reset_index()
    )
    return means.loc[means.groupby(["features", "dimension", "head"], sort=False).test_error.idxmin()]


def summary(chosen: pd.DataFrame) -> dict[str, Any]:
    """For metrics/heads.json: per features the best head of the largest dimension."""
    found: dict[str, Any] = {}
    for features, rows in chosen.groupby("features", sort=False):
        largest = rows[rows.dimension == rows.dimension.max()].set_index("head")
        found[str(features)] = {"dimension": int(largest.dimension.iloc[0])} | {
            f"{head}_error": float(error) for head, error in largest.test_error.items()
        }
    return found


def finding(found: dict[str, Any]) -> str:
    """One sentence, from the numbers of `summary`."""
    said = []
    for features, v in found.items():
        errors = ", ".join(f"{head} {100 * v[f'{head}_error']:.1f} %" for head in HEADS if f"{head}_error" in v)
        own = f", the networks' own last layer {100 * v[f'{OWN}_error']:.1f} %" if f"{OWN}_error" in v else ""
        said.append(f"{features} ({v['dimension']} of them): {errors}{own}")
    return f"Smallest test error of a refitted last layer over the strength of its penalty: {'; '.join(said)}."


def points(table: pd.DataFrame, caption: str) -> pd.DataFrame:
    """For `dvc plots`: mean test error in % over strength, of the refitted heads at each kind's largest dimension."""
    largest = table.groupby("features").dimension.transform("max")
    rows = table[(table.dimension == largest) & (table["head"] != OWN)]
    errors = rows.groupby(["head", "features", "strength"], sort=False).test_error
    mean, sd = 100 * errors.mean(), 100 * errors.std().fillna(0)
    found = pd.DataFrame({"test_error": mean, "low": mean - sd, "high": mean + sd}).reset_index()
    return found.rename(columns={"features": "series"}).assign(run=found["head"] + ", " + caption)
