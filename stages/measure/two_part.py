"""How many bits describe training labels by a network and its errors: a two-part code (Rissanen 1978, "Modeling by
shortest data description"), for networks with few weights or from which many can be pruned.

The first part describes a network, and the second one the labels that it gets wrong. The receiver has the images. What
is sent of a network, after pixels that never vary are folded into the biases (`sparsity.Seen`):

- how many of its d parameters are not zero, log2(d + 1) bits, and which, log2 binomial(d, k);
- how many bits name a parameter, log2(MOST_BITS); and b bits for each: its sign and one of 2^(b-1) magnitudes, which
  are the middles of equal cells between the smallest and the largest of its weight matrix or its vector of biases;
- these two bounds, 32 bits each.

Of e wrong labels out of n their number is sent, log2(n + 1) bits, then log2 binomial(n, e) for which they are, and
log2(classes - 1) for each.

The sender is free to prune and to round. `two_part` prunes by magnitude, over all layers alike, and rounds, as far as
the training error rises by no more than `tolerance`. Parameters without a path to an output are not sent.

All lengths are in bits, float64.
"""

import math
from bisect import bisect_left
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from stages.measure.sparsity import Seen, pruned
from stages.training.images import Images
from stages.training.mlp import Layer, Net, scores, weights

MOST_BITS = 16  # that may name a parameter
BOUND_BITS = 64  # for the smallest and the largest magnitude of a weight matrix or a vector of biases
RUNGS = 32  # how many numbers of kept weights there are to choose from: all, fewer and fewer, and at last none
RATIO = 2 ** (-1 / 4)  # of one of them to the one before


def log2_binomial(n: int, k: int) -> float:
    """log2 of the number of ways to choose k of n."""
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(2)


def uniform_bits(labels: int, classes: int) -> float:
    """What so many labels cost if nothing is known of them."""
    return labels * math.log2(classes)


def noise_bits(labels: int, wrong: int, classes: int) -> float:
    """What labels cost if all true classes are known, and how many labels are wrong.

    That is log2 of the number of ways to choose the wrong ones and a wrong class for each. Where noise is drawn
    uniformly, no code is shorter on average.
    """
    return log2_binomial(labels, wrong) + wrong * math.log2(classes - 1)


def noise_entropy(labels: int, share: float, classes: int) -> float:
    """The same where each label is wrong with a probability strictly between 0 and 1.

    It is labels times (H(share) + share log2(classes - 1)), with the binary entropy H in bits.
    It is greater than `noise_bits` by about log2(2 pi labels share (1 - share)) / 2, which tells how many are wrong.
    """
    each = -share * math.log2(share) - (1 - share) * math.log2(1 - share)
    return labels * (each + share * math.log2(classes - 1))


def label_bits(wrong: int, labels: int, classes: int) -> float:
    """The second part, if so many of the labels are wrong."""
    return math.log2(labels + 1) + noise_bits(labels, wrong, classes)


def weight_bits(net: Net, kept: int, bits: int) -> float:
    """The first part, for one network of that shape with so many nonzero parameters of so many bits each."""
    d = sum(parameter.numel() for parameter in net.parameters())
    named = math.log2(d + 1) + math.log2(MOST_BITS) + BOUND_BITS * len(net.parameters())
    return named + log2_binomial(d, kept) + kept * bits


def nonzeros(net: Net) -> int:
    """Of all parameters."""
    return sum(int(parameter.count_nonzero()) for parameter in net.parameters())


def heard(net: Net) -> Net:
    """The networks without the parameters of units from which no path of weights leads to an output."""
    layers = [net.layers[-1]]
    for layer in net.layers[-2::-1]:
        listened = (layers[0].weight != 0).any(1)[:, :, None]  # (S, out, 1)
        layers.insert(0, Layer(layer.weight * listened, layer.bias * listened))
    return Net(tuple(layers))


def rounded(values: Tensor, bits: int) -> Tensor:
    """The nonzero values of one network's parameter as the middles of 2^(bits - 1) equal cells of magnitude."""
    present = values != 0
    if not present.any():
        return values
    sizes = values.abs()
    low, high = sizes[present].min(), sizes.max()
    cells = 2 ** (bits - 1)
    width = ((high - low) / cells).clamp(min=torch.finfo(values.dtype).tiny)  # all of them may be equal
    place = ((sizes - low) / width).floor().clamp(max=cells - 1)
    found: Tensor = values.sign() * (low + (place + 0.5) * width)
    return found


class Code(NamedTuple):
    """One network and the labels that it gets wrong, as they are sent."""

    bits: float  # of both parts
    weights: float  # bits of the first part
    labels: float  # bits of the second part
    each: int  # bits of a parameter
    kept: int  # parameters that are not zero


def shortest(net: Net, images: Images, classes: int, tolerance: float) -> Code:
    """The shortest code that is found for one network, by about fifteen passes through the images.

    First as many weights are pruned as `tolerance` allows where nothing else is lost. Then the others get as few bits
    as it allows. Then more weights are kept, step by step, with fewer bits each, as long as that can be shorter. The
    first two steps are bisections, so they take it that the error rises where more is lost.
    """
    allowed = scores(net, images)[1].item() + tolerance + 1e-9
    descending = weights(net)[0].abs().sort(descending=True).values
    present = int(descending.count_nonzero())
    biases = sum(int(layer.bias.count_nonzero()) for layer in net.layers)
    kept = [*(int(present * RATIO**rung) for rung in range(RUNGS - 1)), 0]  # weights at each rung

    @cache
    def sent(rung: int, bits: int) -> tuple[bool, Code]:
        """Whether the error is allowed, and the code."""
        threshold = descending[kept[rung]] if kept[rung] < len(descending) else torch.tensor(0.0)
        small = heard(pruned(net, threshold[None])).map(lambda parameter: rounded(parameter, bits))
        error = scores(small, images)[1].item()
        parameters = nonzeros(small)
        first = weight_bits(net, parameters, bits)
        second = label_bits(round(error * images.per_run), images.per_run, classes)
        return error <= allowed, Code(first + second, first, second, bits, parameters)

    rung = bisect_left(range(1, RUNGS), True, key=lambda rung: not sent(rung, MOST_BITS)[0])
    bits = 1 + bisect_left(range(1, MOST_BITS), True, key=lambda bits: sent(rung, bits)[0])
    best = sent(rung, bits)[1]
    while rung > 0 and bits > 0:
        rung -= 1
        shorter = [bits for bits in range(1, MOST_BITS) if weight_bits(net, kept[rung] + biases, bits) < best.weights]
        bits = max(shorter, default=0)
        while bits > 0 and sent(rung, bits)[0]:
            best = min(best, sent(rung, bits)[1])
            bits -= 1
    return best


def two_part(net: Net, images: Seen, labels: Tensor, classes: int, tolerance: float = 0.005) -> dict[str, Tensor]:
    """The shortest codes that are found for S networks, columns of (S,), float64.

    The images are those of training, and the labels, (n,) or (S, n), as they were given in training.

    two_part_bits: of both parts.
    two_part_weights_bits, two_part_labels_bits: of the first part, and of the second.
    two_part_bits_a_weight: bits of each parameter that is not zero.
    two_part_kept: how many these are, biases included.
    """
    folded = images.fold(net)
    networks = zip(*(parameter.split(1) for parameter in folded.parameters()), strict=True)
    codes = []
    for place, parameters in enumerate(networks):
        own = Images(images.pixels, labels if labels.dim() == 1 else labels[place])
        codes.append(shortest(Net.of(parameters), own, classes, tolerance))
    return {
        name: torch.tensor(values, dtype=torch.float64)
        for name, values in zip(COLUMNS, zip(*codes, strict=True), strict=True)
    }


COLUMNS = (
    "two_part_bits",
    "two_part_weights_bits",
    "two_part_labels_bits",
    "two_part_bits_a_weight",
    "two_part_kept",
)
