"""Networks that start from trained narrower ones."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.grow import SPREAD, GrowOptions, cells, grow, widened
from stages.training.mlp import Layer, Net
from stages.training.procedures import train
from tests.training.problem import TEST, TRAIN, run

DATA = DataSet(TRAIN, TEST, 10)
DEFAULTS: dict[str, Any] = {
    **{"width": 6, "widths": [2, 3, 6], "alpha": 0.0, "epochs": 3, "batch_size": 8, "lr": 0.05, "eval_every": 1},
}


def options(reuse_up_to: int, **changes: Any) -> GrowOptions:
    return GrowOptions(reuse_up_to=reuse_up_to, **(DEFAULTS | changes))


def small(seeds: int = 2) -> Net:
    return mlp.init(6, 3, 10, [torch.Generator().manual_seed(seed) for seed in range(seeds)])


def test_without_reuse_every_width_is_trained_as_it_is_alone() -> None:
    for width, grown in zip([2, 3, 6], grow(DATA, options(0), [0, 1], lambda share: None), strict=True):
        alone = run([0, 1], 0.0, width=width)
        assert all(map(torch.equal, grown.net.parameters(), alone.net.parameters()))


def test_a_width_beyond_the_switch_does_not_know_the_narrower_ones() -> None:
    scratch, reused = (grow(DATA, options(switch), [0], lambda share: None) for switch in (0, 3))
    same = [
        all(map(torch.equal, *(fit.net.parameters() for fit in pair))) for pair in zip(scratch, reused, strict=True)
    ]
    assert same == [True, False, True]


def test_a_wider_network_computes_what_the_narrow_one_does_but_for_its_added_units() -> None:
    wide = widened(small(), 5, [0, 1])
    hidden, out = wide.layers
    out.weight[:, :, 3:] = 0.0
    x = TEST.pixels.T[None]
    assert torch.allclose(mlp.forward(Net((hidden, out)), x)[1], mlp.forward(small(), x)[1], atol=1e-6)


def test_added_weights_are_drawn_from_the_seed_and_the_width_with_a_standard_deviation_of_a_tenth() -> None:
    one, other = (widened(small(2), 2000, seeds) for seeds in ([0, 1], [0, 2]))
    assert torch.equal(one.layers[0].weight[0], other.layers[0].weight[0])
    assert not torch.equal(one.layers[0].weight[1, 3:], other.layers[0].weight[1, 3:])
    for added in (one.layers[0].weight[:, 3:], one.layers[0].bias[:, 3:], one.layers[1].weight[:, :, 3:]):
        assert added.std().item() == pytest.approx(SPREAD, rel=0.05)
        assert abs(added.mean().item()) < 0.01


def test_where_training_does_nothing_a_grown_network_keeps_the_smallest_ones_units() -> None:
    first, _, last = grow(DATA, options(6, lr=1e-30), [0], lambda share: None)
    assert torch.equal(last.net.layers[0].weight[:, :2], first.net.layers[0].weight)
    assert isinstance(last.net.layers[0], Layer)


def test_seeds_beside_a_run_do_not_change_it() -> None:
    own = {**vars(options(3))}
    (together,), (alone,) = (train("grow", DATA, [own], seeds) for seeds in ([0, 1, 2], [1]))
    assert all((together[name][1:2] == alone[name]).all() for name in alone)


def test_its_measures_are_those_of_each_widths_networks() -> None:
    one = options(3)
    (arrays,) = cells(DATA, [one], [0, 1], lambda share: None)
    fits = grow(DATA, replace(one), [0, 1], lambda share: None)
    for place, fit in enumerate(fits):
        assert (arrays["test_error"][:, place] == mlp.scores(fit.net, TEST)[1].numpy()).all()
        assert (arrays["train_loss"][:, place] == mlp.scores(fit.net, TRAIN)[0].numpy()).all()
    assert {values.shape for values in arrays.values()} == {(2, 3)}
