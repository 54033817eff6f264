"""A classifier of torchvision, fine-tuned on a few images, mostly from random weights."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn
from torchvision.models import get_model, get_model_weights

from stages.training.backbone import grey, weights_of
from stages.training.batch import DataSet
from stages.training.finetune import FinetuneOptions, descend
from stages.training.images import Images
from stages.training.procedures import train
from stages.training.runs import Arrays

GENERATOR = torch.Generator().manual_seed(0)
LABELS = torch.arange(30) % 3
MEAN, STD = 0.1307, 0.3081


def drawings(labels: Tensor) -> Images:
    """Images of 8 by 8 pixels, normalised, each with a bright stripe where its label says."""
    bright = torch.rand(len(labels), 8, 8, generator=GENERATOR) / 4
    bright[torch.arange(len(labels)), 2 * labels + 1] = 1.0
    bright[:, 0, 0] = 0.0
    return Images((bright.flatten(1) - MEAN) / STD, labels)


DATA = DataSet(drawings(LABELS), drawings(LABELS[:12]), 3)
SMALL: dict[str, Any] = {
    "width": 1,
    "torchvision": version("torchvision"),
    "weights": "random",
    "pixels": 32,
    "batch_size": 10,
}


def cell(seeds: list[int] | None = None, **options: Any) -> Arrays:
    (arrays,) = train("finetune", DATA, [SMALL | {"epochs": 2} | options], seeds or [0])
    return arrays


@pytest.fixture(scope="module")
def before() -> Arrays:
    return cell(epochs=0)


def colours(images: Images) -> Tensor:
    """What the network sees, by arithmetic of its own."""
    bright = (images.pixels * STD + MEAN).view(-1, 1, 8, 8)
    large = nn.functional.interpolate(bright, (32, 32), mode="bilinear", antialias=True)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    return (large - mean) / std


def penultimate(network: nn.Module, images: Tensor) -> Tensor:
    """What enters the last layer of torchvision's own network."""
    seen: list[Tensor] = []
    last = [part for part in network.modules() if isinstance(part, nn.Linear)][-1]
    with last.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])), torch.no_grad():
        network.eval()(images)
    return seen[0].half()


def test_grey_undoes_the_normalisation() -> None:
    restored = grey(DATA.test.pixels, DATA.train.pixels)
    torch.testing.assert_close(restored, (DATA.test.pixels * STD + MEAN).view(-1, 1, 8, 8).expand(-1, 3, -1, -1))


def test_without_an_epoch_the_features_are_those_of_torchvisions_network_after_its_norms_saw_the_images(
    before: Arrays,
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = get_model("mobilenet_v3_small", weights=None)
    update_bn([colours(DATA.train)], network)
    for images, name in ((DATA.train, "train_features"), (DATA.test, "test_features")):
        theirs = penultimate(network, colours(images))
        torch.testing.assert_close(torch.from_numpy(before[name][0]), theirs, atol=2e-3, rtol=2e-3)


def test_published_weights_that_torchvision_has_kept_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    network = get_model("mobilenet_v3_small", weights=None)
    kept = tmp_path / "hub/checkpoints" / Path(get_model_weights("mobilenet_v3_small").DEFAULT.url).name
    kept.parent.mkdir(parents=True)
    torch.save(network.state_dict(), kept)
    found = cell(epochs=0, weights="published")
    theirs = penultimate(network, colours(DATA.train))
    torch.testing.assert_close(torch.from_numpy(found["train_features"][0]), theirs, atol=1e-3, rtol=2e-3)


def test_without_network_published_weights_are_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="the weights of mobilenet_v3_small could not be fetched from https:") as error:
        cell(weights="published")
    assert str(error.value).endswith("; without network take `weights: random`")
    assert "\n" not in str(error.value)


def test_another_version_of_torchvision_trains_nothing() -> None:
    with pytest.raises(ValueError, match=r"^torchvision is .* here, not 0\.0$"):
        cell(torchvision="0.0")


def test_a_frozen_backbone_keeps_its_features_while_the_last_layer_learns(before: Arrays) -> None:
    found = cell(frozen="backbone", epochs=20, lr=0.1)
    for name in ("train_features", "test_features"):
        assert (found[name] == before[name]).all()
    assert found["train_loss"] < before["train_loss"] / 2


def test_otherwise_the_features_move_and_the_loss_falls(before: Arrays) -> None:
    found = cell(epochs=6)
    assert (found["train_features"] != before["train_features"]).any()
    assert found["train_loss"] < before["train_loss"]


def test_descent_is_that_of_softmax_regression() -> None:
    x, y = torch.randn(6, 4, generator=GENERATOR), torch.tensor([0, 1, 2, 0, 1, 2])
    head = nn.Linear(4, 3)
    w, b = head.weight.detach().clone(), head.bias.detach().clone()
    descend(head, x, y, FinetuneOptions(**SMALL | {"epochs": 2, "lr": 0.5, "momentum": 0.9}), lambda share: None)
    velocity = torch.zeros(3, 5)
    for _ in range(2):
        residual = torch.softmax(x @ w.T + b, 1) - nn.functional.one_hot(y, 3)  # (n, C)
        velocity = 0.9 * velocity + residual.T @ torch.cat([x, torch.ones(6, 1)], 1) / 6
        w, b = w - 0.5 * velocity[:, :4], b - 0.5 * velocity[:, 4]
    torch.testing.assert_close(head.weight.detach(), w)
    torch.testing.assert_close(head.bias.detach(), b)


def test_a_seed_gives_the_same_bytes_alone_and_beside_another() -> None:
    torch.manual_seed(5)  # the process's own generator has no part in it, and none is taken from it
    together = cell([0, 1], label_noise=0.2)
    drawn = torch.rand(1)
    torch.manual_seed(5)
    alone = cell([1], label_noise=0.2)
    assert torch.rand(1) == drawn == torch.rand(1, generator=torch.Generator().manual_seed(5))
    assert all((together[name][1:] == alone[name]).all() for name in alone)
    assert (together["test_features"][0] != together["test_features"][1]).any()


def test_other_ways_to_train_do_not_wait_for_torchvision() -> None:
    asked = "import sys, stages.training.procedures; print('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True).stdout == "False\n"


def test_an_unknown_classifier_is_named() -> None:
    with pytest.raises(ValueError, match="torchvision classifies no images with 'resnet19'"):
        weights_of("resnet19")
