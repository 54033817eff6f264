"""What networks answer when they are asked."""

import pytest
import torch

from stages.linear.chosen import halves
from stages.linear.heads import Features
from stages.measure.reading import KINDS, Asked
from stages.training import mlp
from stages.training.images import Images

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = 2 * torch.randn(4, 16, generator=GENERATOR)


def drawn(count: int) -> Images:
    """Images of four classes around points, four pixels wide and high."""
    labels = torch.arange(count) % 4
    return Images(CENTRES[labels] + torch.randn(count, 16, generator=GENERATOR), labels)


TRAIN, TEST = drawn(80), drawn(60)
WRONG = TRAIN.labels.clone()
WRONG[::5] = (WRONG[::5] + 1) % 4


def asked(runs: int = 2, width: int = 6) -> Asked:
    """Networks as they are drawn."""
    net = mlp.init(16, width, 4, [torch.Generator().manual_seed(seed) for seed in range(runs)])
    cell = {
        **net.named(),
        "p_eff_train": torch.ones(runs),
        "p_eff_test": torch.ones(runs),
        "first_order_gap": torch.zeros(runs),
    }
    cell |= {"description_bits": torch.ones(runs), "description_bits_calibrated": torch.zeros(runs)}
    train = Images(TRAIN.pixels, WRONG)
    return Asked(cell, range(runs), train, TRAIN.labels, TEST, 4, "cross_entropy", [0.01, 1.0])


OF_NETWORKS = [kind for kind in KINDS if kind != "sweep"]


@pytest.mark.parametrize("kind", OF_NETWORKS)
def test_every_kind_gives_a_finite_number_a_run_and_answer(kind: str) -> None:
    found = KINDS[kind].ask(asked())
    assert found
    for name, values in found.items():
        assert values.shape == (2,), name
        assert values.dtype == torch.float64, name
        assert values.isfinite().all(), name
        if KINDS[kind].units.get(name, KINDS[kind].unit) == "error":
            assert (values >= 0).all(), name
            assert (values <= 1).all(), name


@pytest.mark.parametrize("kind", OF_NETWORKS)
def test_a_run_answers_the_same_whoever_is_asked_beside_it(kind: str) -> None:
    whole = asked(3)
    alone = whole._replace(runs={name: values[1:2] for name, values in whole.runs.items()}, seeds=[1])
    together, one = KINDS[kind].ask(whole), KINDS[kind].ask(alone)
    for name in together:
        torch.testing.assert_close(together[name][1:2], one[name], rtol=1e-5, atol=1e-6)


def test_networks_that_have_not_been_trained_have_not_moved() -> None:
    found = KINDS["inside"].ask(asked())
    assert found["weight_change"].abs().max() == 0
    assert torch.allclose(found["tangent_cka"], torch.ones(2).double())


def test_a_ridge_on_the_hidden_layer_is_what_it_is_by_hand() -> None:
    one = asked(1)._replace(strength=[0.5])
    net, pixels, labels = one.alone(0)
    measured, true = (halves(part)[1] for part in (TEST.pixels, TEST.labels))
    first = net.layers[0]

    def hidden(part: torch.Tensor) -> torch.Tensor:
        return torch.relu(part @ first.weight[0].T + first.bias[0].T)

    seen, unseen = Features.of(hidden(pixels), hidden(measured))
    y = torch.nn.functional.one_hot(labels, 4).double()
    x = seen.double()
    w = torch.linalg.solve(x.T @ x + len(x) * 0.5 * torch.eye(6).double(), x.T @ (y - y.mean(0)))
    said = (unseen.double() @ w + y.mean(0)).argmax(1)
    expected = float((said != true).double().mean())
    assert float(KINDS["heads"].ask(one)["ridge"]) == pytest.approx(expected)


def test_features_that_a_cell_keeps_are_swept_and_refitted() -> None:
    one = asked(2)
    features = {
        f"{part}_features": torch.randn(2, n, 50, generator=GENERATOR).half()
        for part, n in (("train", 80), ("test", 60))
    }
    kept = one._replace(runs={**features, "test_error": torch.tensor([0.25, 0.5])}, strength=[0.0, 1.0], features=30)
    assert set(KINDS["sweep"].ask(kept)) == {"0.0", "1.0"}
    found = KINDS["heads"].ask(kept._replace(strength=[0.1]))
    assert found["own"].tolist() == [0.25, 0.5]
    assert set(found) == {"own", "ridge", "lasso", "logistic"}
