"""What networks compute on the images of their runs."""

import torch

from stages.measure.activations import Activations, by_column
from stages.training import mlp
from stages.training.images import Images

GENERATOR = torch.Generator().manual_seed(0)
PIXELS, LABELS = torch.randn(40, 6, generator=GENERATOR), torch.randint(4, (40,), generator=GENERATOR)
NET = mlp.init(6, 5, 4, [torch.Generator().manual_seed(seed) for seed in range(3)], depth=2)


def test_activations_are_those_of_the_layers_one_after_the_other() -> None:
    found = Activations.of(NET, Images(PIXELS, LABELS))
    for run in range(3):
        seen = PIXELS
        for layer, hidden in zip(NET.layers, found.hidden, strict=False):
            seen = torch.relu(seen @ layer.weight[run].T + layer.bias[run].T)
            torch.testing.assert_close(hidden[run], seen)
        last = NET.layers[-1]
        torch.testing.assert_close(found.logits[run], seen @ last.weight[run].T + last.bias[run].T)


def test_a_run_with_images_of_its_own_is_seen_on_these() -> None:
    chosen = torch.stack([torch.randperm(40, generator=GENERATOR)[:20] for _ in range(3)])
    found = Activations.of(NET, Images(PIXELS, LABELS[chosen], chosen))
    shared = Activations.of(NET, Images(PIXELS, LABELS))
    for run in range(3):
        torch.testing.assert_close(found.logits[run], shared.logits[run, chosen[run]])
        torch.testing.assert_close(found.hidden[1][run], shared.hidden[1][run, chosen[run]])


def test_what_a_run_does_not_have_is_nan() -> None:
    columns = by_column([{"one": 1.0, "two": 2.0}, {"one": 3.0}], ["one", "two"])
    assert columns["one"].tolist() == [1.0, 3.0]
    assert columns["two"].isnan().tolist() == [False, True]
