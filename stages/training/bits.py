"""Whether this machine gives a run the same bits beside others as alone.

Libraries of matrix products promise nothing of the kind. They keep it for most shapes and break it for some, such as
batches of one image, so it is tried before it is relied on.
"""

from functools import cache

import torch
from torch import Tensor

from stages.training import mlp
from stages.training.mlp import Layer, Net


def computed(net: Net, x: Tensor, labels: Tensor | None) -> list[Tensor]:
    """What N networks make of S batches x (S, D, B), as tensors (N, ...); with labels (S, B) a step's numbers too."""
    inputs, logits = mlp.forward(net, x)
    found = [*inputs[1:], logits]
    if labels is None:
        return found
    for layer, factors in zip(net.layers, mlp.backpropagate(net, x, labels), strict=True):
        moved = Layer(*map(torch.clone, layer))
        mlp.add_gradient_(moved, factors, -0.01)
        found += [factors.delta, *moved]
    return found


@cache
@torch.inference_mode()
def same_bits(
    inputs: int, width: int, classes: int, depth: int, alphas: int, seeds: int, batch: int, *, step: bool
) -> bool:
    """Whether S * A networks of that shape, on a batch for each of S seeds, compute what each would alone.

    With `step` that is a step of training, else logits alone.

    Tried on random networks and images, several times where there are few numbers, which may agree by chance.
    """
    generator = torch.Generator().manual_seed(0)
    count = alphas * seeds
    for _ in range(min(10, 1 + 10_000 // (inputs * width))):
        net = mlp.init(inputs, width, classes, [generator] * count, depth)
        x = torch.randn(seeds, batch, inputs, generator=generator).mT  # (S, D, B)
        labels = torch.randint(classes, (seeds, batch), generator=generator) if step else None
        together = computed(net, x, labels)
        for run in range(count):
            own, of_seed = slice(run, run + 1), slice(run // alphas, run // alphas + 1)
            single = Net.of([p[own].clone() for p in net.parameters()])
            alone = computed(single, x[of_seed], None if labels is None else labels[of_seed])
            if not all(torch.equal(many[own], one) for many, one in zip(together, alone, strict=True)):
                return False
    return True
