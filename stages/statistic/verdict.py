"""Is there, at a width, a double descent of the test error over alpha? With every reason for and against."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from stages.base.datasets import CLASSES
from stages.statistic.descent import Descent, Floats, descent, earlier, heights, holm

SMALLEST = 0.01  # of D, as a fraction: a smaller peak is no finding
SIGNIFICANCE = 0.05
CHANCE = 1 - 1 / CLASSES  # error of guessing among classes of equal size
FITTED = 0.01  # mean training error up to which a training set, wrong labels included, counts as fitted
SPARSITY_GAP = 0.05  # share of weights by which a peak must differ in sparsity from the valleys on either side


def table_of(cells: pd.DataFrame, column: str, over: str = "alpha") -> Floats:
    """One width's values (seeds, alphas), both ascending; or one alpha's over "width"."""
    table: Floats = cells.pivot(index="seed", columns=over, values=column).to_numpy(np.float64)
    return table


def bootstrap_means(values: Floats, draws: int = 1000, seed: int = 0) -> Floats:
    """Means over samples of whole seeds (draws, m)."""
    n = len(values)
    means: Floats = values[np.random.default_rng(seed).integers(n, size=(draws, n))].mean(1)
    return means


def peaks(curves: Floats, axis: Floats) -> NDArray[np.int64]:
    """Index (N,) of each curve's peak, the one that D measures; of its largest value where no peak lies inside."""
    inside = heights(curves, earlier(axis))
    found: NDArray[np.int64] = np.where(inside.max(1) >= SMALLEST, inside.argmax(1), curves.argmax(1))
    return found


def of_width(cells: pd.DataFrame) -> dict[str, Any]:
    """What the verdict of one width rests on. Guards, each true or false by itself:

    parity: D's lower bound is at least SMALLEST at the last odd epoch and at the last even one.
    above_chance: at the peak that D measures the network still knows something, the upper bound of the mean error
    there being at least SMALLEST under the error of guessing. (A curve may well end at chance after its peak.)
    measured_sparsity: D's lower bound is at least SMALLEST also along the share of weights that are zero or nearly so.
    """
    alphas = np.sort(cells.alpha.unique())
    errors = table_of(cells, "test_error")
    sparsity = np.nanmean(table_of(cells.fillna({"near_zero_fraction": 0.0}), "near_zero_fraction"), 0)
    over_alpha = descent(errors, alphas)
    odd, even = (descent(table_of(cells, f"test_error_{parity}"), alphas) for parity in ("odd", "even"))
    over_sparsity = descent(errors, sparsity, SPARSITY_GAP)

    samples = bootstrap_means(errors)
    peak = peaks(errors.mean(0, keepdims=True), alphas)[0]
    dips = alphas[peaks(samples, alphas)]
    found: dict[str, Any] = {
        "peak_alpha": float(alphas[peak]),
        "peak_alpha_low": float(np.quantile(dips, 0.025, method="nearest")),
        "peak_alpha_high": float(np.quantile(dips, 0.975, method="nearest")),
        "peak_error": float(errors.mean(0)[peak]),
        "guards": {
            "parity": _shows(odd) and _shows(even),
            "above_chance": bool(np.quantile(samples[:, peak], 0.975) <= CHANCE - SMALLEST),
            "measured_sparsity": _shows(over_sparsity),
        },
    }
    for name, result in (("D", over_alpha), ("D_odd", odd), ("D_even", even), ("D_sparsity", over_sparsity)):
        if result is not None:
            found |= {name: result.height, f"{name}_low": result.low, f"{name}_high": result.high}
    found["p_value"] = over_alpha.p_value if over_alpha else 1.0
    return found


def _shows(result: Descent | None) -> bool:
    return result is not None and result.low >= SMALLEST


def verdict(cells: pd.DataFrame) -> dict[str, Any]:
    """Per width, under the data set's name: `double_descent`, and what decided it; Holm's correction over widths.

    `slope` is that of log(peak alpha) on log(width), with a bootstrap interval over seeds: 0 if the location of the
    accuracy's minimum is the same at every width, as the paper says. Left out where a peak lies at alpha 0.
    """
    widths = sorted(cells.width.unique())
    found = [of_width(cells[cells.width == width]) for width in widths]
    for result, p_value in zip(found, holm([result["p_value"] for result in found]), strict=True):
        result["p_holm"] = p_value
        strong = result.get("D_low", 0.0) >= SMALLEST and p_value < SIGNIFICANCE
        result["double_descent"] = bool(strong and all(result["guards"].values()))
    of_all: dict[str, Any] = {f"width_{width}": result for width, result in zip(widths, found, strict=True)}
    return {cells.dataset.iloc[0]: of_all | {"over_width": over_width(cells)} | _slope(cells, widths)}


def over_width(cells: pd.DataFrame) -> dict[str, Any]:
    """The cells read the other way: D of the test error over width at the smallest alpha (Belkin et al. 2019).

    `threshold` is the narrowest width with a mean training error of at most FITTED, and is left out if none has;
    D and what belongs to it are left out for fewer than three widths.
    """
    cells = cells[cells.alpha == cells.alpha.min()]
    widths = np.sort(cells.width.unique())
    errors = table_of(cells, "test_error", "width")
    fitted = widths[table_of(cells, "train_error", "width").mean(0) <= FITTED]
    found: dict[str, Any] = {"threshold": int(fitted[0])} if len(fitted) else {}
    axis = widths.astype(np.float64)
    result = descent(errors, axis)
    if result is None:
        return found
    return found | {
        "peak_width": int(widths[heights(errors.mean(0, keepdims=True), earlier(axis)).argmax()]),
        "D": result.height,
        "D_low": result.low,
        "D_high": result.high,
        "p_value": result.p_value,
        "double_descent": bool(result.low >= SMALLEST and result.p_value < SIGNIFICANCE),
    }


def _slope(cells: pd.DataFrame, widths: list[int]) -> dict[str, float]:
    if len(widths) < 2:
        return {}
    alphas = np.sort(cells.alpha.unique())
    # the same seed for every width: a sample is one set of seeds at all widths
    samples = [bootstrap_means(table_of(cells[cells.width == w], "test_error")) for w in widths]
    dips = np.stack([alphas[peaks(sample, alphas)] for sample in samples])
    usable = dips[:, (dips > 0).all(0)]
    if not usable.shape[1]:
        return {}
    slopes = np.polyfit(np.log(widths), np.log(usable), 1)[0]
    low, middle, high = np.quantile(slopes, [0.025, 0.5, 0.975])
    return {"slope": float(middle), "slope_low": float(low), "slope_high": float(high)}
