from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.prune import L1Unstructured, global_unstructured

from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import weights
from stages.training.prune import IMPORTANCE, RETRAINING, PruneOptions, gradients, learning_rate, prune, pruned, row
from tests.training.problem import TEST, TRAIN

WRONG = torch.arange(43) % 5 == 0
DEFAULTS: dict[str, Any] = {
    "method": "magnitude",
    "retraining": "finetune",
    "label_noise": 0.2,
    "width": 7,
    "levels": 4,
    "share": 0.2,
    "epochs": 2,
    "batch_size": 8,
    "lr": 0.05,
}


def options(**changes: Any) -> PruneOptions:
    return PruneOptions(**(DEFAULTS | changes))


def run(seeds: int = 3, **changes: Any) -> dict[str, Tensor]:
    return prune(TRAIN, TEST, WRONG, options(**changes), classes=10, seeds=range(seeds))


def network(seeds: int = 1) -> mlp.Net:
    return mlp.init(6, 7, 10, [torch.Generator().manual_seed(seed) for seed in range(seeds)])


def test_three_rounds_of_magnitude_pruning_leave_the_weights_that_pytorch_leaves() -> None:
    net = network()
    linear = [nn.Linear(6, 7), nn.Linear(7, 10)]
    for layer, ours in zip(linear, net.layers, strict=True):
        layer.weight.data = ours.weight[0].clone()
    mask = torch.ones_like(weights(net))
    for _ in range(3):
        mask = pruned(mask, weights(net).abs(), 0.2)
        global_unstructured([(layer, "weight") for layer in linear], L1Unstructured, amount=0.2)
        theirs = torch.cat([layer.get_buffer("weight_mask").flatten() for layer in linear])
        assert torch.equal(mask[0], theirs)


@pytest.mark.parametrize("method", IMPORTANCE)
@pytest.mark.parametrize("retraining", RETRAINING)
def test_every_round_prunes_its_exact_share_of_what_is_left(method: str, retraining: str) -> None:
    kept, densities = 6 * 7 + 7 * 10, [1.0]
    for _ in range(4):
        kept -= round(0.2 * kept)
        densities.append(kept / 112)
    found = run(method=method, retraining=retraining)["density"]
    assert found.T.tolist() == [pytest.approx(densities)] * 3


def test_a_pruned_weight_is_zero_and_stays_so_and_the_others_move(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = []

    def remember(net: mlp.Net, start: mlp.Net, mask: Tensor, *rest: Any) -> dict[str, Tensor]:
        ends.append((weights(net).clone(), weights(start).clone(), mask))
        return {"density": mask.mean(1)}

    monkeypatch.setattr("stages.training.prune.row", remember)
    run(retraining="rewind", levels=2)
    for trained, start, mask in ends:
        assert torch.equal(trained != 0, mask > 0)
        assert (trained != start)[mask > 0].all()
    assert (ends[-1][2] == 0).any()


def test_the_importance_of_gradients_is_that_of_autograds() -> None:
    net = network().map(Tensor.requires_grad_)
    _, logits = mlp.forward(net, TRAIN.pixels.T[None])
    nn.functional.cross_entropy(logits, TRAIN.labels[None]).backward()
    theirs = torch.cat([layer.weight.grad.flatten() for layer in net.layers if layer.weight.grad is not None])
    with torch.no_grad():
        torch.testing.assert_close(gradients(net, TRAIN, chunk=10)[0], theirs)


def test_a_rewound_network_starts_where_it_began_and_a_finetuned_one_where_it_ended() -> None:
    def distances(retraining: str) -> Tensor:
        return run(retraining=retraining, epochs=1, lr=1e-6)["learning_distance"][1:]

    far = run(retraining="lr_rewind", epochs=20)["learning_distance"]
    assert (distances("rewind") < 1e-3).all()
    assert (far[1:] > 0.1).all()
    # finetuning keeps what distance the kept weights had travelled
    assert (run(retraining="finetune", epochs=20)["learning_distance"][1:] > 0.1).all()


def test_the_first_round_is_the_same_whatever_follows() -> None:
    first = [
        run(method=method, retraining=retraining)["test_loss"][0].tolist()
        for method in IMPORTANCE
        for retraining in RETRAINING
    ]
    assert all(loss == first[0] for loss in first)


def test_a_seeds_networks_do_not_depend_on_the_others() -> None:
    many, one = run(seeds=3), run(seeds=1)
    for name, values in one.items():
        torch.testing.assert_close(many[name][:, :1], values)


def test_finetuning_keeps_the_last_learning_rate_and_the_others_run_through_the_schedule() -> None:
    whole = options(epochs=5, lr=1.0)
    assert [learning_rate(epoch, whole, True) for epoch in range(5)] == [1.0, 1.0, 1.0, 0.1, 0.1]
    assert [learning_rate(epoch, whole, False) for epoch in range(5)] == [0.1] * 5
    halves = options(epochs=4, lr=1.0)
    assert [learning_rate(epoch, halves, True) for epoch in range(4)] == [1.0, 1.0, 0.1, 0.1]


def test_a_row_holds_every_measure_of_every_network() -> None:
    net, mask = network(seeds=2), torch.ones(2, 112)
    found = row(net, network(seeds=2), mask, TRAIN, TEST, WRONG)
    for split, images in (("train", TRAIN), ("test", TEST)):
        loss, error = mlp.scores(net, images)
        assert torch.equal(found[f"{split}_loss"], loss)
        assert torch.equal(found[f"{split}_error"], error)
    fitted = 1 - mlp.scores(net, Images(TRAIN.pixels[WRONG], TRAIN.labels[WRONG]))[1]
    assert torch.equal(found["noise_fitted"], fitted)
    assert (found["learning_distance"] == 0).all()
    without_noise = row(net, network(seeds=2), mask, TRAIN, TEST, torch.zeros(43, dtype=torch.bool))
    assert without_noise["noise_fitted"].isnan().all()
    assert without_noise["noise_fitted"].shape == (2,)


def test_long_training_fits_the_wrong_labels_and_a_network_without_weights_fits_none_but_its_own_class() -> None:
    whole = run(epochs=200, lr=0.5, levels=1, width=30)
    assert (whole["noise_fitted"][0] == 1).all()
    assert (whole["train_error"][0] == 0).all()
    bare = run(levels=60, epochs=1)
    assert (bare["density"][-1] < 0.02).all()
    assert (bare["noise_fitted"][-1] < 0.5).all()


def test_networks_that_are_kept_are_those_that_were_measured() -> None:
    kept, without = run(keep_networks=True), run()
    assert set(kept) - set(without) == {"w1", "b1", "w2", "b2"}
    assert all(torch.equal(kept[name], without[name]) for name in without if name != "noise_fitted")
    for level in range(5):
        net = mlp.Net.from_named({name: kept[name][level] for name in ("w1", "b1", "w2", "b2")})
        assert torch.equal(mlp.scores(net, TEST)[1], kept["test_error"][level])
        assert torch.equal((weights(net) != 0).double().mean(1), kept["density"][level])
