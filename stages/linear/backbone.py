"""A torchvision backbone's penultimate layer as features of small grey images, for the parameters in `head`."""

from typing import Any

import torch
from torch import Tensor, nn

from stages.base.files import UserError
from stages.training import backbone


def load(name: str) -> tuple[nn.Module, Any]:
    """The network with its published weights, and the transform that belongs to them; UserError if there is none."""
    try:
        transform = backbone.weights_of(name).transforms()
    except ValueError as error:
        raise UserError(f"params.yaml: head.backbone: {error}") from None
    remedy = "without network take `pretrained` out of head.features in params.yaml"
    try:
        return backbone.published(name, remedy), transform
    except ValueError as error:
        raise UserError(str(error)) from None


def penultimate(network: nn.Module) -> nn.Module:
    """The network without its last linear layer, in place; UserError if it ends in none."""
    try:
        return backbone.penultimate(network)
    except ValueError as error:
        raise UserError(f"params.yaml: head.backbone: {error}") from None


@torch.inference_mode()
def features(network: nn.Module, transform: Any, pixels: Tensor, mean: float, std: float, chunk: int = 100) -> Tensor:
    """Outputs (N, d) for normalised pixels (N, D) of square images, made grey RGB images in [0, 1] again."""
    side = round(pixels.shape[1] ** 0.5)
    images = (pixels * std + mean).clamp(0, 1).view(-1, 1, side, side).expand(-1, 3, -1, -1)
    return torch.cat([network(transform(part)).flatten(1) for part in images.split(chunk)])
