"""Sparsity that does not change when a hidden unit's weights are scaled by c and 1/c.

A ReLU network computes the same when the weights into a hidden unit and its bias are multiplied by c > 0 and the
weights out of it by 1/c. The L1 norm, Gini and Hoyer of the weights change. What is measured here does not.
"""

import torch
from torch import Tensor

from stages.measure import sparsity
from stages.training.mlp import Layer, Net, weights

CYCLES = 100


def columns(net: Net) -> dict[str, Tensor]:
    """A value a network (S,), float64: the path norm, and measures of `sparsity` on balanced weights.

    A network that holds an inf or a nan has nan in all columns.
    """
    finite = torch.stack([parameter.isfinite().flatten(1).all(1) for parameter in net.parameters()]).all(0)  # (S,)
    even = balanced(net)
    magnitudes = weights(even).abs()  # (S, d)
    found = {
        "path_norm": path_norm(net),
        "balanced_near_zero_fraction": sparsity.near_zero_fraction(even),
        "balanced_gini": sparsity.gini(magnitudes.sort(1).values),
        "balanced_hoyer": sparsity.hoyer(magnitudes),
    }
    return {name: values.where(finite, torch.nan) for name, values in found.items()}


def path_norm(net: Net) -> Tensor:
    """Sum over all paths from an input to an output of the product of the weights' magnitudes, (S,), float64.

    Neyshabur, Tomioka & Srebro (2015), "Norm-based capacity control in neural networks", section 3, with p = 1. It is
    what the network of magnitudes puts out for an image of ones. Biases begin no path.
    """
    first = net.layers[0].weight
    reached = first.new_ones(len(first), first.shape[2], 1, dtype=torch.float64)  # (S, D, 1)
    for layer in net.layers:
        reached = layer.weight.double().abs() @ reached  # (S, out, 1)
    return reached.sum((1, 2))


def balanced(net: Net) -> Net:
    """The same function, with every hidden unit scaled so that its weights in and its weights out have the same norm.

    The norms are Euclidean, and the bias counts as a weight in. Such weights have the smallest Euclidean norm of all
    that scaling reaches (Stock et al. 2019, "Equi-normalization of neural networks", section 3). A unit without weights
    in or without weights out adds nothing to the outputs, so that all its weights become 0. With one hidden layer one
    pass is exact; with more, a pass over a layer disturbs the one before, and CYCLES passes bring them to rest. The
    weights are float64.
    """
    layers = list(net.map(torch.Tensor.double).layers)
    for _ in range(1 if len(layers) == 2 else CYCLES):
        for place in range(len(layers) - 1):
            layer, after = layers[place], layers[place + 1]
            into = torch.linalg.vector_norm(torch.cat(layer, 2), dim=2)  # (S, H)
            out = torch.linalg.vector_norm(after.weight, dim=1)  # (S, H)
            heard = (into > 0) & (out > 0)
            grow = torch.where(heard, (out / into).sqrt(), 0.0)[:, :, None]  # (S, H, 1)
            shrink = torch.where(heard, (into / out).sqrt(), 0.0)[:, None, :]  # (S, 1, H)
            layers[place] = Layer(layer.weight * grow, layer.bias * grow)
            layers[place + 1] = after._replace(weight=after.weight * shrink)
    return Net(tuple(layers))
