"""The pretrained features' code path on a backbone with random weights: no test needs a network."""

import pytest
import torch
from torchvision.models import get_model
from torchvision.transforms import Resize

from stages.base.files import UserError
from stages.linear import backbone


@pytest.mark.parametrize(("name", "dimension"), [("mobilenet_v3_small", 1024), ("resnet18", 512)])
def test_the_penultimate_layer_of_small_grey_images(name: str, dimension: int) -> None:
    torch.manual_seed(0)
    network = backbone.penultimate(get_model(name, weights=None))
    pixels = torch.randn(3, 28 * 28)
    found = backbone.features(network, Resize(64), pixels, 0.1, 0.3, chunk=2)
    assert found.shape == (3, dimension)
    torch.testing.assert_close(found[:1], backbone.features(network, Resize(64), pixels[:1], 0.1, 0.3))


def test_without_network_there_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="the weights of resnet18 could not be fetched from https://") as error:
        backbone.load("resnet18")
    assert "\n" not in str(error.value)


def test_an_unknown_backbone_is_named() -> None:
    with pytest.raises(UserError, match="torchvision classifies no images with 'resnet19'"):
        backbone.load("resnet19")


def test_a_backbone_without_a_linear_layer_is_refused() -> None:
    with pytest.raises(UserError, match="SqueezeNet ends in no linear layer"):
        backbone.penultimate(get_model("squeezenet1_1", weights=None))
