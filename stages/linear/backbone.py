"""A torchvision backbone's penultimate layer as features of small grey images."""

from http.client import HTTPException
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.models import get_model, get_model_weights, list_models

from stages.base.files import UserError, one_line


def load(name: str) -> tuple[nn.Module, Any]:
    """The network with its published weights, and the transform that belongs to them; UserError if there is none."""
    if name not in list_models(models):
        raise UserError(f"params.yaml: head.backbone: torchvision classifies no images with {name!r}; try 'resnet18'")
    weights = get_model_weights(name).DEFAULT
    try:
        return get_model(name, weights=weights), weights.transforms()
    except (OSError, RuntimeError, HTTPException) as error:  # RuntimeError: the file is not the published one
        raise UserError(
            f"the weights of {name} could not be fetched from {weights.url} ({one_line(error)}); without network take "
            "`pretrained` out of head.features in params.yaml"
        ) from None


def penultimate(network: nn.Module) -> nn.Module:
    """The network without its last linear layer, in place."""
    linear = [name for name, part in network.named_modules() if isinstance(part, nn.Linear)]
    if not linear:
        raise UserError(f"params.yaml: head.backbone: {type(network).__name__} ends in no linear layer; try 'resnet18'")
    parent, _, own = linear[-1].rpartition(".")
    setattr(network.get_submodule(parent), own, nn.Identity())
    return network.eval()


@torch.inference_mode()
def features(network: nn.Module, transform: Any, pixels: Tensor, mean: float, std: float, chunk: int = 100) -> Tensor:
    """Outputs (N, d) for normalised pixels (N, D) of square images, made grey RGB images in [0, 1] again."""
    side = round(pixels.shape[1] ** 0.5)
    images = (pixels * std + mean).clamp(0, 1).view(-1, 1, side, side).expand(-1, 3, -1, -1)
    return torch.cat([network(transform(part)).flatten(1) for part in images.split(chunk)])
