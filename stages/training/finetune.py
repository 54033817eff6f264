"""A classifier of torchvision, fine-tuned on the training set: momentum SGD on cross-entropy, with a new last layer.

A cell keeps the penultimate features too, so that other last layers can be fitted to them; those before fine-tuning are
the ones of a cell with epochs 0. Batch normalisation gets the statistics of the training images after fine-tuning, and
with random weights also before it: torchvision's running statistics follow so slowly that a network which fits its
batches can be at chance when it is evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

import torch
from torch import Tensor, nn

from stages.training.backbone import drawn, grey, outputs, penultimate, published, settle_norms, transform
from stages.training.batch import DataSet, Procedure, Report
from stages.training.options import Common
from stages.training.runs import Arrays
from stages.training.sets import training_sets


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions(Common):
    """`width` and `depth` have no part in it."""

    width: int = 0
    torchvision: str  # its version, which decides weights and code
    backbone: str = "mobilenet_v3_small"  # a classifier of torchvision that ends in a linear layer
    weights: str = "published"  # or random
    pixels: int = 64  # of a side, to which images are enlarged
    frozen: str = "none"  # or backbone: only the last layer is trained
    epochs: int = 10
    lr: float = 0.01
    momentum: float = 0.9


def cells(data: DataSet, options: Sequence[FinetuneOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with the one seed: errors and losses (1,), and features (1, N, d) in half precision.

    An error is a share of images, a loss a mean cross-entropy. Raise ValueError if torchvision has another version than
    the options say, does not have the classifier, or cannot fetch its weights.
    """
    (one,), (seed,) = options, seeds
    if one.torchvision != (here := version("torchvision")):
        raise ValueError(f"torchvision is {here} here, not {one.torchvision}")
    train, _ = training_sets(data.train, one, seeds, data.classes)
    pixels, labels = train.of_run(0)
    images, test_images = (grey(part, data.train.pixels) for part in (pixels, data.test.pixels))
    with torch.random.fork_rng(devices=[]):  # whose one generator draws weights, dropout and the order of the images
        torch.manual_seed(seed)
        body, head = start(one, images, data.classes)
        finetune(body, head, images, labels, one, report)
    found = {}
    for name, seen, true in (("train", images, labels), ("test", test_images, data.test.labels)):
        features = outputs(body, seen)  # (N, d)
        scores = outputs(head, features)  # (N, C)
        found[f"{name}_error"] = (scores.argmax(1) != true).double().mean()
        found[f"{name}_loss"] = nn.functional.cross_entropy(scores, true).double()
        found[f"{name}_features"] = features.half()
    return [{name: value[None].cpu().numpy() for name, value in found.items()}]


def start(one: FinetuneOptions, images: Tensor, classes: int) -> tuple[nn.Module, nn.Linear]:
    """The body, from images (N, 3, side, side) to features (N, d), and a new last layer, on the images' device."""
    if one.weights == "random":
        network = drawn(one.backbone)
    else:
        network = published(one.backbone, "without network take `weights: random`")
    body = nn.Sequential(transform(one.backbone, one.pixels), penultimate(network)).to(images.device).eval()
    if one.weights == "random":
        settle_norms(body, images)
    dimension = outputs(body, images[:1]).shape[1]
    return body, nn.Linear(dimension, classes).to(images.device)


def finetune(
    body: nn.Module, head: nn.Linear, images: Tensor, labels: Tensor, one: FinetuneOptions, report: Report
) -> None:
    """Train what is not frozen, in place. The body is in evaluation mode before and after."""
    if one.frozen == "backbone":
        descend(head, outputs(body, images), labels, one, report)
    elif one.epochs:
        descend(nn.Sequential(body.train(), head), images, labels, one, report)
        settle_norms(body.eval(), images)


def descend(model: nn.Module, inputs: Tensor, labels: Tensor, one: FinetuneOptions, report: Report) -> None:
    """Train all of a model, in place, on inputs (n, ...) and labels (n,)."""
    optimizer = torch.optim.SGD(model.parameters(), one.lr, one.momentum)
    for epoch in range(one.epochs):
        for batch in torch.randperm(len(labels)).split(one.batch_size):
            if len(batch) == 1:  # of which batch normalisation has no variance
                continue
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        report((epoch + 1) / one.epochs)


PROCEDURE = Procedure(FinetuneOptions, cells, together="nothing")
