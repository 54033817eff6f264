"""Linear regression where double descent is understood: the paper's LASSO experiment, and one that can interpolate.

Linear smoothers predict y(x0) = s(x0) . y from the training targets y (n,); `weights` are their s, one row a point.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, lars_path
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

Floats = NDArray[np.float64]
LIMIT = "LASSO with alpha to 0"
N_TEST = 1000
ROUNDING = (
    1e-15  # a mean squared error of this or less, where the signal's variance is 1: other processors round otherwise
)


class Sample(NamedTuple):
    x: Floats  # (n, features)
    y: Floats  # (n,)
    coefficients: Floats  # (features,)


def memory_of_regression(samples: int, features: int, n_train: int, seen: int) -> int:
    """Bytes, for `over_components` of so many samples and `over_features` up to so many seen; measured."""
    return max(32 * samples * features, 16 * (n_train + N_TEST) * (n_train + seen))


def published_sample(samples: int, features: int, informative: int, noise: float, seed: int) -> Sample:
    """Standard normal features, the first `informative` with standard normal coefficients, in the notebook's order."""
    rng = np.random.RandomState(seed)
    x = rng.randn(samples, features)
    coefficients = np.zeros(features)
    coefficients[:informative] = rng.randn(informative)
    return Sample(x, x @ coefficients + noise * rng.randn(samples), coefficients)


def over_components(sample: Sample, alpha: float, seed: int) -> list[dict[str, float]]:
    """The paper's experiment: 70/30 split, PCA on the training rows, LASSO on the first 1, 2, ... components."""
    split = train_test_split(sample.x, sample.y, test_size=0.3, random_state=seed)
    x_train, x_test, y_train, y_test = (np.asarray(part, dtype=np.float64) for part in split)
    pca = PCA().fit(x_train)
    train, test = pca.transform(x_train), pca.transform(x_test)
    rows = []
    for n in range(1, train.shape[1] + 1):
        model = Lasso(alpha=alpha).fit(train[:, :n], y_train)
        predicted = model.predict(test[:, :n])
        rows.append(
            {
                "features": n,
                "test_mse": float(((predicted - y_test) ** 2).mean()),
                "test_r2": float(r2_score(y_test, predicted)),
                "train_mse": float(((model.predict(train[:, :n]) - y_train) ** 2).mean()),
                "nonzeros": int((model.coef_ != 0).sum()),
                "rows": len(y_train),
            }
        )
    return rows


def dense_sample(samples: int, features: int, noise: float, rng: np.random.Generator, coefficients: Floats) -> Sample:
    """Standard normal features, all of them with a coefficient: a fit that sees some misses the others' part."""
    x = rng.standard_normal((samples, features))
    return Sample(x, x @ coefficients + noise * rng.standard_normal(samples), coefficients)


class Decomposition(NamedTuple):
    """The singular value decomposition u s vt of a matrix."""

    u: Floats
    s: Floats
    vt: Floats

    @classmethod
    def of(cls, matrix: Floats) -> "Decomposition":
        return cls(*np.linalg.svd(matrix, full_matrices=False))


def smoother(train: Decomposition, points: Floats, ridge: float) -> Floats:
    """Weights (N, n) of ridge regression without intercept on rows `train` (n, p), at `points` (N, p).

    ridge is lambda in |y - Xw|^2 + lambda |w|^2; 0 is least squares, of minimum norm where that leaves a choice.
    """
    u, s, vt = train
    kept = s > s.max() * max(len(u), vt.shape[1]) * np.finfo(np.float64).eps
    gain = np.zeros_like(s)
    gain[kept] = s[kept] / (s[kept] ** 2 + ridge)
    weights: Floats = (points @ vt.T * gain) @ u.T
    return weights


def effective_parameters(weights: Floats) -> float:
    """n times the mean squared norm of a smoother's weights (N, n) (Curth et al. 2023, "A U-turn on double descent",
    section 4.2); n at the training points of a fit that interpolates, the number of features for least squares below.
    """
    return float(weights.shape[1] * (weights**2).sum(1).mean())


def lasso_limit(x: Floats, y: Floats) -> Floats:
    """The LASSO's coefficients (p,) as alpha -> 0, the end of its path by LARS (Efron et al. 2004): least squares for
    p < n, beyond that the interpolating fit of least L1 norm."""
    _, _, path = lars_path(x, y, method="lasso", max_iter=100 * min(x.shape))  # a variable may enter and leave again
    end: Floats = path[:, -1]
    return end


def over_features(
    seen: list[int], n_train: int, noise: float, ridges: list[float], run: int, n_test: int = N_TEST
) -> list[dict[str, float | str]]:
    """One run: minimum-norm least squares, ridge and the LASSO's limit on the first p of max(seen) features, p in seen.

    All features matter equally and the signal's variance is 1 (Belkin, Hsu & Xu 2020, "Two models of double descent
    for weak features", section 2). A LASSO's degrees of freedom are its nonzeros (Zou, Hastie & Tibshirani 2007).
    """
    rng = np.random.default_rng(run)
    coefficients = rng.standard_normal(max(seen))
    coefficients /= np.linalg.norm(coefficients)
    train, test = (dense_sample(n, max(seen), noise, rng, coefficients) for n in (n_train, n_test))
    rows: list[dict[str, float | str]] = []

    def add(method: str, p: int, fitted: Floats, predicted: Floats, **more: float) -> None:
        both = {"train_mse": ((fitted - train.y) ** 2).mean(), "test_mse": ((predicted - test.y) ** 2).mean()}
        errors = {name: float(mse) if mse > ROUNDING else 0.0 for name, mse in both.items()}
        rows.append({"method": method, "run": run, "features": p, **errors, **more})

    for p in seen:
        x, x_test = train.x[:, :p], test.x[:, :p]
        decomposed = Decomposition.of(x)
        for strength in (0.0, *ridges):
            at_train, at_test = (smoother(decomposed, points, strength) for points in (x, x_test))
            counted = {"p_eff_train": effective_parameters(at_train), "p_eff_test": effective_parameters(at_test)}
            method = f"ridge {strength}" if strength else "least squares of minimum norm"
            add(method, p, at_train @ train.y, at_test @ train.y, **counted)
        w = lasso_limit(x, train.y)
        add(LIMIT, p, x @ w, x_test @ w, nonzeros=int((w != 0).sum()))
    return rows
