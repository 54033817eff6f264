"""The tangent kernel of networks as they are: how alike two images are to a small step of gradient descent.

Jacot, Gabriel & Hongler (2018), "Neural tangent kernel", section 4. Of a network with C outputs it is a C x C matrix
for each pair of images, which in the limit of infinite width is a number times the identity. Here it is the mean of the
diagonal, Theta(x, x') = mean over c of <df_c(x)/dtheta, df_c(x')/dtheta>. theta are all weights and biases as they are
stored, so every parameter counts alike, as it does in training.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from stages.training.mlp import Net, forward


def gradients(net: Net, inputs: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the outputs by what each layer puts out, last layer first, as vectors (N, R, n).

    Products of these vectors are products of the gradients, summed over the C outputs. `inputs` are what the layers
    see, from `forward`. In the last hidden layer the gradient of output c by unit h is the weight between them where
    the unit fires, so there the root of the sum over c stands for the C gradients, and R is the number of units.
    """
    weight = net.layers[-1].weight  # (N, C, H)
    slopes = [(seen > 0).to(seen.dtype) for seen in inputs[1:]]  # (N, H, n)
    outputs = weight.new_full((len(weight), 1, inputs[-1].shape[2]), weight.shape[1] ** 0.5)  # (N, 1, n)
    found = [outputs, torch.linalg.vector_norm(weight, dim=1)[..., None] * slopes[-1]]
    back = weight[..., None]  # (N, C, H, 1)
    for layer, slope, before in zip(net.layers[-2:0:-1], slopes[:0:-1], slopes[-2::-1], strict=True):
        back = layer.weight.mT[:, None] @ (back * slope[:, None])  # (N, C, H, n)
        found.append((back * before[:, None]).flatten(1, 2))  # (N, C * H, n)
    return found


def of_layers(net: Net, x: Tensor, x2: Tensor) -> Iterator[Tensor]:
    """The part (N, n, m) of each layer's weights and biases, last layer first; see `tangent_kernel`."""
    classes = net.layers[-1].weight.shape[1]
    inputs, inputs2 = (forward(net, points.T[None])[0] for points in (x, x2))
    both = zip(gradients(net, inputs), gradients(net, inputs2), inputs[::-1], inputs2[::-1], strict=True)
    for delta, delta2, seen, seen2 in both:
        of_inputs = torch.matmul(seen.mT, seen2).add_(1.0)  # (N, n, m), or (1, n, m) of the images themselves
        yield torch.matmul(delta.mT, delta2).mul_(of_inputs).div_(classes)


def tangent_kernel(net: Net, x: Tensor, x2: Tensor) -> Tensor:
    """Theta (N, n, m) of N networks, with one hidden layer or more, between images x (n, D) and x2 (m, D).

    The gradient by a layer's weights is the outer product of the gradient by what the layer puts out and of its inputs,
    and a bias has the input 1. So a layer's part is the product of two Gram matrices, of the gradients and of the
    inputs with a 1. Networks and images have one dtype, and so has the kernel.
    """
    parts = of_layers(net, x, x2)
    total = next(parts)
    for part in parts:
        total.add_(part)
    return total
