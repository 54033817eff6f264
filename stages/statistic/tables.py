"""Tables made from the cells' rows: the comparison with the paper and the summary; and tables as bytes."""

import io
import json
from typing import Any

import numpy as np
import pandas as pd

AXES = (  # columns whose values are chosen, not measured
    *("width", "alpha", "strength", "features", "dimension", "epoch", "ridge", "lr", "momentum", "label_noise"),
    *("decay_share", "share", "stop_at_train_error"),
)


def axis_value(value: Any) -> str:
    """The shortest text that is exactly this number, such as 0, 0.001, 1e-05 or 1.00000001."""
    return repr(float(value)).removesuffix(".0")


def to_csv(table: pd.DataFrame) -> bytes:
    """The table with the values of its AXES exact and everything measured to seven digits."""
    floats = [name for name in AXES if name in table and pd.api.types.is_float_dtype(table[name])]
    exact = {name: table[name].map(axis_value, na_action="ignore") for name in floats}
    return table.assign(**exact).to_csv(index=False, float_format="%.7g", lineterminator="\n").encode()


def as_written(table: pd.DataFrame) -> pd.DataFrame:
    """The table as `to_csv` leaves it, so that what is made from it can be made again from the file."""
    return pd.read_csv(io.BytesIO(to_csv(table)))


def to_json(numbers: dict[str, Any]) -> bytes:
    """Nested numbers for `dvc metrics`, measures to six decimals and values of the AXES exact.

    Raise ValueError for a nan or an inf, which JSON does not know.
    """

    def rounded(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: rounded(part, str(name)) for name, part in value.items()}
        if not isinstance(value, float):
            return value
        chosen = any(key == axis or key.endswith(f"_{axis}") for axis in AXES)
        return float(value) if chosen else round(float(value), 6)

    return json.dumps(rounded(numbers), indent=2, allow_nan=False).encode() + b"\n"


def to_records(table: pd.DataFrame) -> bytes:
    """Rows for `dvc plots`, rounded as in `to_json`; what is not a number has no place in JSON and becomes null."""
    rows = table.round({name: 6 for name in table.columns if name not in AXES}).astype(object)
    return json.dumps(rows.where(rows.notna(), None).to_dict("records"), indent=0, allow_nan=False).encode() + b"\n"


def cell_means(cells: pd.DataFrame) -> pd.DataFrame:
    """A row per cell, in the grid's order: the mean over seeds of every measure x, and as x_sd its standard deviation.

    The standard deviation is the sample's (n - 1), empty for one seed.
    """
    keys = ["dataset", "width", "alpha"]
    groups = cells.drop(columns=["seed", "diverged"]).groupby(keys, sort=False)
    return groups.mean().join(groups.std().add_suffix("_sd")).reset_index()


def against_paper(cells: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """The paper's test accuracy (percent, one run) beside ours (mean, sd over seeds), for the cells that both have.

    difference is ours minus the paper's in points, difference_in_sd the same in our standard deviations.
    """
    means = cell_means(cells)
    both = paper[["width", "alpha", "test_accuracy_percent"]].merge(means, on=["width", "alpha"])
    accuracy, sd = 100 * (1 - both.test_error), 100 * both.test_error_sd
    difference = accuracy - both.test_accuracy_percent
    return pd.DataFrame(
        {
            "dataset": both.dataset,
            "width": both.width,
            "alpha": both.alpha,
            "paper_accuracy": both.test_accuracy_percent,
            "our_mean": accuracy,
            "our_sd": sd,
            "difference": difference,
            "difference_in_sd": difference / sd.where(sd > 0),
        }
    )


def summary(cells: pd.DataFrame) -> dict[str, Any]:
    """Per width, under the data set's name: where the mean test error is best and worst, and how sparse it gets."""
    widths = {}
    for width, means in cell_means(cells).set_index("alpha").groupby("width"):
        alphas, error, zeros = means.index.to_numpy(), means.test_error, means.zero_fraction.max()
        widths[f"width_{width}"] = {
            "best_alpha": float(alphas[error.argmin()]),
            "best_error": error.min(),
            "worst_alpha": float(alphas[error.argmax()]),
            "worst_error": error.max(),
            # every seed diverged: there is no such number
            **({} if np.isnan(zeros) else {"most_zeros": zeros}),
        }
    return {cells.dataset.iloc[0]: {"models": len(cells), "diverged": int(cells.diverged.sum()), **widths}}
