import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from torch import Tensor

from stages.linear.heads import (
    MEASURED,
    Features,
    Head,
    errors,
    hidden,
    lasso,
    logistic,
    measure,
    one_hot,
    principal,
    random_relu,
    ridge,
)
from stages.training import mlp

N, D = 200, 6
GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.randint(10, (N,), generator=GENERATOR)
TARGETS = one_hot(LABELS, 10)
CENTRES = torch.randn(10, D, generator=GENERATOR)
RAW = CENTRES[LABELS] + torch.randn(N, D, generator=GENERATOR)
FEATURES = Features.of(RAW, RAW[:50] + 0.1)
STRENGTHS = [0.001, 0.01, 0.1]
K = torch.tensor(STRENGTHS)


def test_features_are_standardised_by_the_training_images_and_dead_units_are_zero() -> None:
    dead = torch.full((N, 1), 3.0)
    features = Features.of(torch.hstack([RAW, dead]), torch.hstack([RAW, dead + 1]))
    assert features.train.mean(0).abs().max() < 1e-5
    torch.testing.assert_close(features.train.std(0, correction=0)[:-1], torch.ones(D))
    assert (features.train[:, -1] == 0).all()
    assert (features.test[:, -1] == 0).all()
    shifted = Features.of(RAW + 7, RAW[:50] + 7.5)
    torch.testing.assert_close(shifted.test, shifted.train[:50] + 0.5 / RAW.std(0, correction=0), rtol=1e-4, atol=1e-4)


def test_ridge_is_scikit_learns() -> None:
    head, _, _ = ridge(FEATURES, TARGETS, K)
    for i, strength in enumerate(STRENGTHS):
        model = Ridge(alpha=N * strength).fit(FEATURES.train.double(), TARGETS)
        np.testing.assert_allclose(head.weights[i].T, model.coef_, atol=1e-5)
        np.testing.assert_allclose(head.intercepts[i], model.intercept_, atol=1e-5)


def test_ridges_effective_parameters_are_those_of_the_smoother_written_out() -> None:
    _, train, test = ridge(FEATURES, TARGETS, K)
    x = FEATURES.train.double()
    for i, strength in enumerate(STRENGTHS):
        inverse = torch.linalg.inv(x.T @ x + N * strength * torch.eye(D, dtype=torch.float64))
        for points, found in ((x, train), (FEATURES.test.double(), test)):
            weights = 1 / N + points @ inverse @ (x - x.mean(0)).T  # (points, N)
            assert float(found[i]) == pytest.approx(float(N * weights.square().sum(1).mean()), rel=1e-5)


def test_lasso_is_scikit_learns_whatever_the_order_of_the_strengths() -> None:
    shuffled = K[[1, 2, 0]]
    head = lasso(FEATURES, TARGETS, shuffled)
    for i, strength in enumerate(shuffled.tolist()):
        for c in range(10):
            model = Lasso(alpha=strength, tol=1e-8).fit(FEATURES.train.double(), TARGETS[:, c])
            np.testing.assert_allclose(head.weights[i, :, c], model.coef_, atol=1e-3)


def objective(w: Tensor, b: Tensor, strength: float) -> float:
    loss = torch.nn.functional.cross_entropy(FEATURES.train @ w + b, LABELS)
    return float(loss + strength * w.abs().sum())


def test_logistic_with_l1_reaches_scikit_learns_optimum_with_its_zeros() -> None:
    head, default = (logistic(FEATURES, TARGETS, K, *how) for how in ((1e-4, 20_000), ()))
    for i, strength in enumerate(STRENGTHS):
        model = LogisticRegression(
            l1_ratio=1.0, solver="saga", C=1 / (N * strength), tol=1e-7, max_iter=20_000, random_state=0
        )
        model.fit(FEATURES.train, LABELS)
        w, b = torch.as_tensor(model.coef_.T).float(), torch.as_tensor(model.intercept_).float()
        least = objective(w, b, strength)
        assert objective(head.weights[i], head.intercepts[i], strength) <= least + 1e-5
        assert objective(default.weights[i], default.intercepts[i], strength) <= 1.0005 * least
        assert ((head.weights[i] != 0) == (w != 0)).double().mean() > 0.9


def test_a_vanishing_penalty_ends_where_steps_become_too_short_to_be_numbers() -> None:
    generator = torch.Generator().manual_seed(3)
    features = Features.of(torch.randn(10, 60, generator=generator), torch.randn(4, 60, generator=generator))
    labels = torch.randint(10, (10,), generator=generator)
    head = logistic(features, one_hot(labels, 10), torch.tensor([1e-30]))
    assert errors(head, features.train, labels) == 0


def test_logistic_is_at_its_optimum_on_many_correlated_features() -> None:
    generator = torch.Generator().manual_seed(0)
    mixed = torch.randn(40, 80, generator=generator)
    features = Features.of(
        RAW.repeat(1, 7)[:, :40] @ mixed + 0.3 * torch.randn(N, 80, generator=generator), RAW @ mixed[:D]
    )
    head, exact = (logistic(features, TARGETS, K, *how) for how in ((), (1e-3, 20_000)))

    def loss(found: Head, i: int) -> float:
        w, b = found.weights[i], found.intercepts[i]
        fit = torch.nn.functional.cross_entropy(features.train @ w + b, LABELS)
        return float(fit + STRENGTHS[i] * w.abs().sum())

    for i in range(len(STRENGTHS)):
        assert loss(head, i) <= 1.005 * loss(exact, i)
        assert ((head.weights[i] != 0) == (exact.weights[i] != 0)).double().mean() > 0.95


def test_a_class_without_images_is_never_answered() -> None:
    head = logistic(Features.of(RAW[LABELS < 9], RAW), TARGETS[LABELS < 9], K)
    assert head.weights.isfinite().all()
    assert ((RAW @ head.weights + head.intercepts[:, None]).argmax(2) == 9).double().mean() < 0.05


def test_an_overwhelming_penalty_leaves_the_commonest_class() -> None:
    head = logistic(FEATURES, TARGETS, torch.tensor([100.0]))
    assert (head.weights == 0).all()
    commonest = LABELS.bincount().max() / N
    assert float(errors(head, FEATURES.train, LABELS)) == pytest.approx(float(1 - commonest))


def test_features_that_are_all_dead_leave_the_commonest_class() -> None:
    rows = measure(Features.of(torch.zeros(N, 3), torch.ones(N, 3)), LABELS, LABELS, 10, [0.01])
    commonest = float(1 - LABELS.bincount().max() / N)
    assert [row["test_error"] for row in rows] == pytest.approx([commonest] * 3)
    assert [row["nonzeros"] for row in rows] == [0, 0, 0]


def test_errors_count_the_images_whose_label_is_not_the_largest_output() -> None:
    head = Head(torch.zeros(1, D, 10), torch.eye(10)[:1])
    assert float(errors(head, FEATURES.train, LABELS)) == pytest.approx(float((LABELS != 0).double().mean()))


def test_random_features_are_the_hidden_layer_that_training_starts_from() -> None:
    start = mlp.init(D, 4, 10, [torch.Generator().manual_seed(3)])
    torch.testing.assert_close(random_relu(4, 1, 10, 3, RAW), mlp.forward(start, RAW.T[None])[0][1][0].T)
    first = mlp.Layer(*(part[0] for part in start.layers[0]))
    torch.testing.assert_close(hidden([first], RAW), random_relu(4, 1, 10, 3, RAW))


def test_principal_components_are_scikit_learns_up_to_sign() -> None:
    train, test = principal(RAW, FEATURES.test, 3)
    pca = PCA(3).fit(RAW)
    np.testing.assert_allclose(train.abs(), np.abs(pca.transform(RAW)), atol=1e-4)
    np.testing.assert_allclose(test.abs(), np.abs(pca.transform(FEATURES.test)), atol=1e-4)


def test_a_row_per_head_and_strength() -> None:
    rows = measure(FEATURES, LABELS, LABELS[:50], 10, STRENGTHS)
    assert [(row["head"], row["strength"]) for row in rows] == [
        (head, strength) for head in ("ridge", "lasso", "logistic") for strength in STRENGTHS
    ]
    assert all(0 <= row["test_error"] <= 1 for row in rows)
    heads = ridge(FEATURES, TARGETS, K)[0], lasso(FEATURES, TARGETS, K), logistic(FEATURES, TARGETS, K)
    of_training = torch.cat([errors(head, FEATURES.train, LABELS) for head in heads])
    assert [row["train_error"] for row in rows] == of_training.tolist()
    of_ridge = {"head", "strength", *MEASURED}
    others = of_ridge - {"p_eff_train", "p_eff_test"}
    assert all(set(row) == (of_ridge if row["head"] == "ridge" else others) for row in rows)
