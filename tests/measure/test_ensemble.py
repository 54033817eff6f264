"""What runs make together."""

import pytest
import torch
from torch import Tensor

from stages.measure.ensemble import columns, error, outputs
from stages.training import mlp
from stages.training.images import Images

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.randint(4, (50,), generator=GENERATOR)
ONE_HOT = torch.nn.functional.one_hot(LABELS, 4).double()


def drawn(runs: int, images: int = 50) -> Tensor:
    return torch.randn(runs, images, 4, generator=GENERATOR, dtype=torch.float64).softmax(2)


def test_runs_that_are_the_same_have_no_variance_and_agree_and_are_their_ensemble() -> None:
    one = drawn(1)
    found = columns(one.expand(6, -1, -1), LABELS)
    assert found["variance"].abs().max() < 1e-30
    assert (found["agreement"] == 1.0).all()
    for name in ("ensemble_error", "test_error_ensemble"):
        assert (found[name] == error(one[0], LABELS)).all()


def test_bias_and_variance_are_right_in_the_mean_however_few_the_runs() -> None:
    """Of outputs that scatter around a known mean with a known variance, three runs at a time."""
    truth = drawn(1)[0]
    found = []
    for _ in range(2000):
        runs = truth + 0.1 * torch.randn(3, 50, 4, generator=GENERATOR, dtype=torch.float64)
        measured = columns(runs, LABELS)
        found.append([measured["brier"].mean() - measured["variance"].mean(), measured["variance"].mean()])
    bias, variance = torch.tensor(found).mean(0).tolist()
    assert variance == pytest.approx(4 * 0.01, rel=0.01)
    assert bias == pytest.approx(float((truth - ONE_HOT).square().sum(1).mean()), rel=0.01)


def test_agreement_is_that_of_all_pairs() -> None:
    runs = drawn(5)
    said = runs.argmax(2)
    pairs = [float((said[i] == said[j]).double().mean()) for i in range(5) for j in range(i)]
    assert float(columns(runs, LABELS)["agreement"].mean()) == pytest.approx(sum(pairs) / len(pairs))


def test_ten_runs_make_three_ensembles_of_three() -> None:
    runs = drawn(10)
    found = columns(runs, LABELS)["test_error_ensemble"]
    assert torch.equal(found[3:6], error(runs[3:6].mean(0), LABELS).expand(3))
    assert found[:9].isfinite().all()
    assert found[9].isnan()


@pytest.mark.parametrize("runs", [1, 2, 5])
def test_few_runs_make_no_ensembles(runs: int) -> None:
    assert columns(drawn(runs), LABELS)["test_error_ensemble"].isnan().all()


def test_a_run_alone_has_no_variance_and_nobody_to_agree_with() -> None:
    found = columns(drawn(1), LABELS)
    assert found["variance"].isnan().all()
    assert found["agreement"].isnan().all()
    assert found["brier"].isfinite().all()


def test_a_run_of_nans_is_left_out() -> None:
    runs = drawn(7)
    runs[3, 0, 0] = torch.nan
    found, others = columns(runs, LABELS), columns(runs[[0, 1, 2, 4, 5, 6]], LABELS)
    for name in ("brier", "variance", "agreement", "ensemble_error"):
        assert found[name][3].isnan()
        assert torch.equal(found[name][[0, 1, 2, 4, 5, 6]], others[name])
    assert found["test_error_ensemble"].isnan().all()


def test_outputs_are_probabilities_or_for_the_squared_loss_the_logits() -> None:
    net = mlp.init(6, 3, 4, [torch.Generator().manual_seed(seed) for seed in range(2)])
    test = Images(torch.randn(50, 6, generator=GENERATOR), LABELS)
    logits = mlp.forward(net, test.pixels.T[None].expand(2, -1, -1))[1].mT.double()
    assert torch.allclose(outputs(net, test, "squared"), logits, atol=1e-6)  # in single precision
    assert torch.allclose(outputs(net, test, "cross_entropy"), logits.softmax(2), atol=1e-6)
    assert torch.allclose(error(outputs(net, test, "squared"), LABELS), mlp.scores(net, test)[1])
