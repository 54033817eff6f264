"""ReLU networks of infinite width as kernels, with weights and biases drawn as `mlp.init` draws them.

There a weight and a bias have variance 1 / (3 fan_in). Beyond the first layer the fan-in is the width, so that biases
vanish in the limit.

The NNGP kernel is the covariance of an output over random networks, and regression on it is Bayesian inference with
such a network. It is the arc-cosine kernel of Cho & Saul (2009), "Kernel methods for deep learning", section 2, and for
more layers that kernel of itself, as in Lee et al. (2018), "Deep neural networks as Gaussian processes", section 2.3.

The NTK belongs to gradient descent (Jacot, Gabriel & Hongler 2018, theorem 1). It has a limit in the NTK
parametrisation: what is trained is a number of variance 1, and the weight is this number times the root of
1 / (3 fan_in). So the limit is that of `tangent.of_layers` with each layer's part divided by 3 fan_in. Networks are
trained here in the standard parametrisation, without that factor. There the parts of all layers but the first grow with
the width, so that with one hidden layer the NNGP kernel is left. Where the width is the number of pixels, both
parametrisations have the same kernel up to a factor.
"""

from math import pi
from typing import NamedTuple

import torch
from torch import Tensor

VARIANCE = 1 / 3  # of a weight times its fan-in


class Kernels(NamedTuple):
    nngp: Tensor  # (n, m)
    ntk: Tensor  # (n, m)


def infinite_width(x: Tensor, x2: Tensor, depth: int = 1) -> Kernels:
    """Both kernels of networks with so many hidden layers, between images x (n, D) and x2 (m, D), in double precision.

    Units u, v on two images are normal with the covariance of the layer before. With theta, the angle whose cosine is
    their correlation, E[relu(u) relu(v)] = |u| |v| (sin theta + (pi - theta) cos theta) / 2 pi, and both fire with
    probability (pi - theta) / 2 pi (Cho & Saul 2009, section 2: their kernels of order 1 and 0).
    """
    a, b = x.double(), x2.double()
    scale = VARIANCE / a.shape[1]
    nngp = (a @ b.T).add_(1.0).mul_(scale)  # (n, m)
    ntk = nngp.clone()
    variances = [(points.square().sum(1) + 1) * scale for points in (a, b)]  # (n,), (m,)
    for _ in range(depth):
        sizes = variances[0].sqrt()[:, None] * variances[1].sqrt()  # (n, m)
        cosine = nngp.div_(sizes).clamp_(-1.0, 1.0)
        opening = torch.acos(cosine).neg_().add_(pi)  # pi - theta
        sine = (1 - cosine.square()).sqrt_()
        ntk.mul_(opening).mul_(VARIANCE / (2 * pi))
        nngp = cosine.mul_(opening).add_(sine).mul_(sizes).mul_(VARIANCE / (2 * pi))
        ntk.add_(nngp)
        variances = [variance * VARIANCE / 2 for variance in variances]
    return Kernels(nngp, ntk)
