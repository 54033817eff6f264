"""Refitted last layers at a strength that images choose which neither the network nor the test has seen."""

import pytest
import torch
from torch import Tensor

from stages.linear.chosen import chosen_heads
from stages.linear.heads import Features, hidden, measure
from stages.training import mlp
from stages.training.images import Images
from stages.training.mlp import Layer, Net
from stages.training.sets import with_noise

GENERATOR = torch.Generator().manual_seed(0)
CENTRES = torch.randn(4, 12, generator=GENERATOR)
STRENGTHS = [1e-4, 0.1, 0.01]
NET = mlp.init(12, 60, 4, [torch.Generator().manual_seed(1)])


def drawn(count: int) -> Images:
    labels = torch.arange(count) % 4
    return Images(CENTRES[labels] + torch.randn(count, 12, generator=GENERATOR), labels)


TRAIN, CHOOSING, TEST = drawn(100), drawn(400), drawn(400)
NOISY = with_noise(TRAIN.labels, 0.3, GENERATOR, 4)


def rows_of(net: Net, labels: Tensor = NOISY) -> dict[tuple[str, str], dict[str, str | float]]:
    rows = chosen_heads(net, TRAIN.pixels, labels, CHOOSING, TEST, 4, STRENGTHS)
    return {(str(row["head"]), str(row["rule"])): row for row in rows}


def measured(judges: Images) -> dict[tuple[str, float], float]:
    """Errors on these images by kind and strength, by the table that the main job makes."""
    layers = [Layer(weight[0], bias[0]) for weight, bias in NET.layers[:-1]]
    features = Features.of(hidden(layers, TRAIN.pixels), hidden(layers, judges.pixels))
    table = measure(features, NOISY, judges.labels, 4, STRENGTHS)
    return {(row["head"], row["strength"]): row["test_error"] for row in table}


def test_the_strength_is_the_one_that_errs_least_on_the_images_that_choose() -> None:
    rows, on_choosing, on_test = rows_of(NET), measured(CHOOSING), measured(TEST)
    for kind in ("ridge", "lasso", "logistic"):
        best = min(STRENGTHS, key=lambda strength: (on_choosing[kind, strength], -strength))
        row = rows[kind, "chosen"]
        assert row["strength"] == best
        assert row["test_error"] == pytest.approx(on_test[kind, best], abs=0.006)
        assert rows[kind, "weakest"]["strength"] == 1e-4


def test_where_labels_are_wrong_a_chosen_head_errs_less_and_fits_less() -> None:
    rows = rows_of(NET)
    for kind in ("ridge", "lasso", "logistic"):
        weakest, best = rows[kind, "weakest"], rows[kind, "chosen"]
        assert float(best["test_error"]) < float(weakest["test_error"])
        assert float(best["train_error"]) > float(weakest["train_error"])


def test_units_that_are_pruned_away_have_no_part() -> None:
    first, last = NET.layers
    kept = (torch.arange(60) < 20)[:, None]
    pruned = Net((Layer(first.weight * kept, first.bias * kept), last))
    small = Net((Layer(first.weight[:, :20], first.bias[:, :20]), Layer(last.weight[:, :, :20], last.bias)))
    found, exact = rows_of(pruned), rows_of(small)
    for place, row in found.items():
        assert row["test_error"] == pytest.approx(float(exact[place]["test_error"]), abs=0.01)
        assert float(row["nonzeros"]) <= 1 / 3 or place[0] == "ridge"
