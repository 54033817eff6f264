"""A classifier of torchvision for small grey images. Nothing here imports torchvision before it is asked for.

The weights that torchvision publishes are chosen by its version and the classifier's name, and it checks what it
fetches. They are kept in torchvision's cache.
"""

import math
import socket
from http.client import HTTPException
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

PATIENCE_S = 20.0  # for each answer of the server that has the weights
AT_ONCE = 100  # images; with more of them a forward pass leaves a core's cache, and takes longer


def weights_of(name: str) -> Any:
    """torchvision's default weights of that classifier, not yet fetched. Raise ValueError if it has none."""
    from torchvision import models

    if name not in models.list_models(models):
        raise ValueError(f"torchvision classifies no images with {name!r}; try 'resnet18'")
    return models.get_model_weights(name).DEFAULT


def published(name: str, remedy: str) -> nn.Module:
    """The classifier with its default weights, from torchvision's cache or its server.

    Raise ValueError, with a remedy for a person without network, if neither has them.
    """
    from torchvision.models import get_model

    weights = weights_of(name)
    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE_S)
    try:
        network: nn.Module = get_model(name, weights=weights, progress=False)
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: the file is not the published one
        why = " ".join((str(error) or type(error).__name__).split())
        raise ValueError(f"the weights of {name} could not be fetched from {weights.url} ({why}); {remedy}") from None
    finally:
        socket.setdefaulttimeout(patience)
    return network


def drawn(name: str) -> nn.Module:
    """The classifier with initial weights from torch's own generator. Raise ValueError if torchvision has none."""
    from torchvision.models import get_model

    weights_of(name)
    network: nn.Module = get_model(name, weights=None)
    return network


def penultimate(network: nn.Module) -> nn.Module:
    """The network without its last linear layer, in place. Raise ValueError if it ends in none."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise ValueError(f"{type(network).__name__} ends in no linear layer; try 'resnet18'")
    parent, _, own = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), own, nn.Identity())
    return network.eval()


def transform(name: str, side: int) -> nn.Module:
    """From RGB images in [0, 1] to those of `side` by `side` pixels that suit the classifier's published weights."""
    made: nn.Module = weights_of(name).transforms(crop_size=side, resize_size=side)
    return made


def grey(pixels: Tensor, pool: Tensor) -> Tensor:
    """Normalised pixels (N, D) of square images as RGB images (N, 3, root of D, root of D) in [0, 1] again.

    Black and white are the smallest and the largest value of all pixels of the pool (P, D). Raise ValueError where D is
    not a square.
    """
    black, white = pool.aminmax()
    side = math.isqrt(pixels.shape[1])
    if side * side != pixels.shape[1]:
        raise ValueError(f"images of {pixels.shape[1]} pixels are not square, and are none for such a classifier")
    return ((pixels - black) / (white - black)).clamp(0, 1).view(-1, 1, side, side).expand(-1, 3, -1, -1)


@torch.no_grad()
def outputs(body: nn.Module, images: Tensor) -> Tensor:
    """What a network in evaluation mode gives, (N, d), for images (N, 3, side, side)."""
    return torch.cat([body(part) for part in images.split(AT_ONCE)])


def settle_norms(body: nn.Module, images: Tensor) -> None:
    """Give batch normalisation, in place, the statistics of these images (N, 3, side, side): the mean over equal parts.

    The running statistics of a network at its start, and of one that trained for few steps, are not those of the data.
    """
    update_bn(images.tensor_split(math.ceil(len(images) / AT_ONCE)), body)
