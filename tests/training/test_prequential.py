"""The labels of a training set as a message: how long it is when the network is trained on what was sent."""

import math
from dataclasses import fields
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn

from stages.training.batch import DataSet
from stages.training.images import Images
from stages.training.options import Options
from stages.training.prequential import (
    ORDER,
    TEMPERATURES,
    PrequentialOptions,
    bits_by_temperature,
    cells,
    chosen,
    ends,
)
from stages.training.procedures import train
from stages.training.runs import Arrays
from stages.training.sets import generator
from tests.training.problem import TEST, TRAIN, run

DATA = DataSet(TRAIN, TEST, 10)
DEFAULTS: dict[str, Any] = {
    **{"alpha": 0.0, "width": 4, "epochs": 3, "batch_size": 8, "lr": 0.05, "eval_every": 1, "first_block": 8},
    "penalty": "none",
}
NAMED = math.log2(len(TEMPERATURES))  # bits that name a temperature


def coded(data: DataSet, seeds: list[int], **changes: Any) -> Arrays:
    (arrays,) = cells(data, [PrequentialOptions(**(DEFAULTS | changes))], seeds, lambda share: None)
    return arrays


@pytest.mark.parametrize(("images", "first"), [(43, 8), (4000, 125), (64, 8), (5, 8)])
def test_blocks_double_what_was_sent_until_all_is_sent(images: int, first: int) -> None:
    found = ends(images, first)
    assert found[-1] == images
    assert all(end == 2 * begin for begin, end in list(pairwise(found))[:-1])
    assert all(begin < end <= 2 * begin for begin, end in pairwise(found))


def test_a_network_that_knows_nothing_sends_labels_by_the_uniform_code() -> None:
    logits, labels = torch.zeros(10, 43), TRAIN.labels
    assert bits_by_temperature(logits, labels).tolist() == pytest.approx([43 * math.log2(10)] * len(TEMPERATURES))


def test_half_of_the_probability_is_one_bit_and_an_infinite_temperature_the_uniform_code() -> None:
    logits = torch.tensor([[math.log(9.0), 50.0], *[[0.0, 0.0]] * 9])  # (10, 2): nine others have p = 1/18 each
    one, both = bits_by_temperature(logits[:, :1], torch.tensor([0])), bits_by_temperature(logits, torch.tensor([0, 3]))
    assert one[TEMPERATURES.index(1.0)].item() == pytest.approx(1)
    assert both[TEMPERATURES.index(1.0)].item() == pytest.approx(1 + 50 / math.log(2), rel=1e-6)
    assert both[-1].item() == pytest.approx(2 * math.log2(10))


def test_labels_that_no_image_tells_cost_about_the_uniform_code() -> None:
    found = coded(DATA, [0, 1, 2], lr=1e-9)
    uniform = 43 * math.log2(10)
    assert found["description_bits"] == pytest.approx(uniform, rel=0.05)
    assert (found["description_bits_calibrated"] <= uniform + 3 * NAMED + 1e-9).all()


def test_what_one_run_costs_is_what_plain_pytorch_pays() -> None:
    seed, (plain,) = 3, coded(DATA, [3])["description_bits"]
    order = torch.randperm(43, generator=generator(0, seed, ORDER))
    bits = 8 * math.log2(10)
    for begin, end in pairwise([8, 16, 32, 43]):
        draws = torch.Generator().manual_seed(seed)
        hidden, out = nn.Linear(6, 4), nn.Linear(4, 10)
        model = nn.Sequential(hidden, nn.ReLU(), out)
        with torch.no_grad():
            for layer in (hidden, out):
                for parameter in (layer.weight, layer.bias):
                    bound = layer.in_features**-0.5
                    parameter.uniform_(-bound, bound, generator=draws)
        descent = torch.optim.SGD(model.parameters(), lr=0.05)
        x, y = TRAIN.pixels[order[:begin]], TRAIN.labels[order[:begin]]
        for _ in range(3):
            for places in torch.randperm(begin, generator=draws).split(8):
                descent.zero_grad()
                nn.functional.cross_entropy(model(x[places]), y[places]).backward()
                descent.step()
        following = order[begin:end]
        p = model(TRAIN.pixels[following]).softmax(1)[range(end - begin), TRAIN.labels[following]]
        bits -= p.log2().sum().item()
    assert plain == pytest.approx(bits, rel=1e-5)


def learnable(images: int) -> Images:
    pixels = torch.randn(images, 6, generator=torch.Generator().manual_seed(1))
    return Images(pixels, pixels.argmax(1))


def test_labels_that_images_tell_are_sent_in_fewer_bits_than_random_ones() -> None:
    true = learnable(400)
    drawn = true._replace(labels=torch.randint(6, (400,), generator=torch.Generator().manual_seed(0)))
    training: dict[str, Any] = {"epochs": 40, "width": 20, "lr": 0.2, "first_block": 25}
    told, untold = (coded(DataSet(labels, labels, 6), [0], **training) for labels in (true, drawn))
    uniform = 400 * math.log2(6)
    assert told["description_bits_calibrated"] < 0.75 * uniform
    assert untold["description_bits"] > 1.2 * uniform, "a network that is sure of random labels pays for it"
    assert untold["description_bits_calibrated"] == pytest.approx(uniform, rel=0.06)


def test_the_labels_that_are_sent_are_those_of_training_in_an_order_of_the_runs_own() -> None:
    taken = chosen(TRAIN, torch.tensor([[3, 1], [0, 2]]))
    assert taken.labels.tolist() == [TRAIN.labels[[3, 1]].tolist(), TRAIN.labels[[0, 2]].tolist()]
    assert torch.equal(taken.of_run(1)[0], TRAIN.pixels[[0, 2]])
    true, wrong = (coded(DATA, [0], label_noise=noise, epochs=0)["description_bits"] for noise in (0.0, 0.4))
    assert true != wrong


def test_the_last_networks_are_those_that_fit_trains() -> None:
    own, alone = coded(DATA, [0, 1], alpha=0.1, penalty="l2"), run([0, 1], 0.1, penalty="l2")
    assert (own["test_error"] == alone.curves.test_error[-1].numpy()).all()
    assert (own["train_loss"] == alone.curves.train_loss[-1].numpy()).all()
    assert (own["learning_distance"] == alone.learning_distance.numpy()).all()
    assert {values.shape for values in own.values()} == {(2,)}


@pytest.mark.parametrize("changes", [{"redraw": "all", "label_noise": 0.2, "images": 20}, {"batch_size": 5}, {}])
def test_a_runs_bytes_are_those_of_training_it_alone(changes: dict[str, Any]) -> None:
    options = [{**DEFAULTS, "penalty": "l1", "solver": "proximal", "alpha": a, **changes} for a in (0.1, 0.0, 0.01)]
    for one, together in zip(options, train("prequential", DATA, options, [0, 1, 2]), strict=True):
        for seed in range(3):
            (alone,) = train("prequential", DATA, [one], [seed])
            for name, values in alone.items():
                assert together[name][seed : seed + 1].tobytes() == values.tobytes(), (one, seed, name)


def test_where_a_network_diverges_there_is_no_length() -> None:
    found = coded(DATA, [0], lr=1e20)
    assert found["diverged"].all()
    assert all(math.isnan(found[name][0]) for name in ("description_bits", "description_bits_calibrated"))


def test_its_options_are_those_of_fit_and_the_first_block() -> None:
    assert {field.name for field in fields(PrequentialOptions)} == {f.name for f in fields(Options)} | {"first_block"}
