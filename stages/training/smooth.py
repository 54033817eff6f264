"""Training as a smoother: which weights the training targets have in a trained network's outputs.

A step of gradient descent changes the outputs linearly in the targets, given the path that the weights take, and the
targets' weights can be added up along training (Jeffares, Curth & van der Schaar 2024, "Deep Learning Through A
Telescoping Lens", to first order in the step). That gives a trained network a number of effective parameters (Curth,
Jeffares & van der Schaar 2023, "A U-turn on double descent").

A network of one hidden layer and one output f learns whether a class is odd, target 1, or even, target -1, from n
images. Every step is lr times the gradient, from all images, of |f - y|^2 / 2n + alpha |theta|_1, with all weights and
biases in theta. Where a parameter is 0, the subgradient 0 is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from stages.training import mlp
from stages.training.batch import DataSet, Procedure, Report
from stages.training.images import Images
from stages.training.mlp import Layer, Net
from stages.training.options import OWN_LABELS, Common
from stages.training.runs import Arrays
from stages.training.sets import training_sets


@dataclass(frozen=True, kw_only=True)
class SmoothOptions(Common):
    """One hidden layer; batch_size has no part in it.

    `label_noise` is the share of the training images with the wrong one of the two targets, exactly. A label that is
    replaced by another of ten classes would keep its target in four cases of nine.
    """

    alpha: float = 0.0  # strength of the L1 norm
    lr: float = 0.04
    steps: int = 4000  # of gradient descent


class Slopes(NamedTuple):
    """The gradients of a network's outputs at N points by its parameters.

    By the hidden layer's weights the gradient is the product of gates and the point, by its biases the gates, by the
    last layer's weights the hidden units, and by the last bias 1.
    """

    hidden: Tensor  # (N, H)
    gates: Tensor  # (N, H): a unit's outgoing weight where it is above 0, and 0 elsewhere

    def first(self, count: int) -> "Slopes":
        return Slopes(self.hidden[:count], self.gates[:count])


class At(NamedTuple):
    """One network at N points."""

    outputs: Tensor  # (N,)
    sums: Tensor  # (N, H): hidden units before the ReLU
    tangent: Slopes


class Smoother(NamedTuple):
    """The outputs at N points as weights @ y + start, for targets y (n,) of the first n of these points."""

    weights: Tensor  # (N, n), S_t
    start: Tensor  # (N,), c_t: what is left of the outputs before training, and what the penalty adds


class Trained(NamedTuple):
    net: Net
    outputs: Tensor  # (N,) of the network at all points
    smoother: Smoother  # by the secants
    first_order: Tensor  # (N,) outputs of the smoother by the tangents


def at_points(net: Net, points: Tensor) -> At:
    """The one network, with one hidden layer and one output, at points (N, D)."""
    first, last = net.layers
    sums = points @ first.weight[0].mT + first.bias[0, :, 0]  # (N, H)
    hidden, outgoing = torch.relu(sums), last.weight[0, 0]  # (N, H), (H,)
    return At(hidden @ outgoing + last.bias[0, 0, 0], sums, Slopes(hidden, (hidden > 0) * outgoing))


def secant(before: At, after: At, outgoing: Tensor) -> Slopes:
    """Slopes whose product with a step's change of the parameters is exactly its change of the outputs.

    `outgoing` (H,) are the last layer's weights in the mean of before and after. With bars for such means,
    a'h' - ah = a_bar (h' - h) + h_bar (a' - a), and h' - h is the change of the sum times the slope of the ReLU's
    secant, which is 0, 1, or between them where the unit changes its side in this step.
    """
    moved = after.sums - before.sums  # (N, H)
    slope = (after.tangent.hidden - before.tangent.hidden) / moved  # (N, H)
    slope = torch.where(moved == 0, (before.sums > 0).to(moved.dtype), slope)
    return Slopes((before.tangent.hidden + after.tangent.hidden) / 2, slope * outgoing)


def kernel_of(one: Slopes, other: Slopes, products: Tensor) -> Tensor:
    """Inner products (N, n) of the gradients by all parameters: the tangent kernel (Jacot, Gabriel & Hongler 2018).

    `products` (N, n) are the points' inner products plus 1, which is the kernel of a linear model with an intercept.
    """
    return (one.gates @ other.gates.mT) * products + one.hidden @ other.hidden.mT + 1.0


def pulled_back(slopes: Slopes, points: Tensor, values: Tensor) -> Net:
    """The gradient of values (N,) times the outputs at points (N, D), by each parameter, in the form of a network."""
    through = (slopes.gates * values[:, None]).mT  # (H, N)
    first = Layer((through @ points)[None], through.sum(1)[None, :, None])
    last = Layer((values @ slopes.hidden)[None, None], values.sum()[None, None, None])
    return Net((first, last))


def change_along(direction: Net, slopes: Slopes, points: Tensor) -> Tensor:
    """The product (N,) of the slopes at points (N, D) with a change of the parameters."""
    first, last = direction.layers
    sums = points @ first.weight[0].mT + first.bias[0, :, 0]  # (N, H)
    return (slopes.gates * sums).sum(1) + slopes.hidden @ last.weight[0, 0] + last.bias[0, 0, 0]


def plus(one: Net, other: Net) -> Net:
    """The sum of the parameters."""
    return Net.of([w + move for w, move in zip(one.parameters(), other.parameters(), strict=True)])


def advanced(before: Smoother, kernel: Tensor, rate: float) -> Smoother:
    """After a step of size rate down |f - y|^2 / 2, in which the kernel (N, n) is what it is before the step.

    S_t = S_{t-1} + rate Theta (I - S_{t-1}) and c_t = c_{t-1} - rate Theta c_{t-1}, where S and c on the right are
    those at the first n points (Jeffares et al. 2024, section 4.1).
    """
    weights, start = before
    n = kernel.shape[1]
    left = torch.eye(n, dtype=kernel.dtype, device=kernel.device) - weights[:n]  # (n, n)
    return Smoother(torch.addmm(weights, kernel, left, alpha=rate), start - rate * (kernel @ start[:n]))


def smooth(
    net: Net, points: Tensor, targets: Tensor, options: SmoothOptions, report: Report = lambda share: None
) -> Trained:
    """Train the one network on the first n of points (N, D), whose targets are (n,), and follow it at all of them.

    The smoother takes the secants' inner products with the training points' tangents for the kernel. So its outputs
    are the network's but for rounding. `first_order` is what Jeffares et al. (2024) follow: the tangent kernel, which
    misses terms of second order in each step. They vanish with the step size only as long as no training point is held
    where a unit is 0. There it steps across and back, the more often the smaller the steps. The penalty's gradient does
    not depend on the targets, and its steps change `start` alone.
    """
    n = len(targets)
    products = points @ points[:n].mT + 1.0  # (N, n)
    rate = options.lr / n
    at = at_points(net, points)
    smoother, first_order = Smoother(torch.zeros_like(products), at.outputs), at.outputs
    for step in range(options.steps):
        seen = at.tangent.first(n)
        shrinking = net.map(lambda w: -options.lr * options.alpha * w.sign())
        fitting = pulled_back(seen, points[:n], rate * (targets - at.outputs[:n]))
        fitting_first_order = pulled_back(seen, points[:n], rate * (targets - first_order[:n]))
        first_order = first_order + change_along(plus(fitting_first_order, shrinking), at.tangent, points)

        before, net = net, plus(net, plus(fitting, shrinking))
        after = at_points(net, points)
        slopes = secant(at, after, (before.layers[1].weight[0, 0] + net.layers[1].weight[0, 0]) / 2)
        smoother = advanced(smoother, kernel_of(slopes, seen, products), rate)
        smoother = smoother._replace(start=smoother.start + change_along(shrinking, slopes, points))
        at = after
        report((step + 1) / options.steps)
    return Trained(net, at.outputs, smoother, first_order)


def effective_parameters(weights: Tensor) -> Tensor:
    """n times the mean squared norm of a smoother's weights (N, n) (Curth et al. 2023, section 4.2), float64."""
    return weights.shape[1] * weights.double().square().sum(1).mean()


def parity(images: Images) -> Images:
    """The images with 1 as the label of odd classes and 0 as that of even ones."""
    return images._replace(labels=images.labels % 2)


def targets_of(labels: Tensor) -> Tensor:
    """1 for the label 1 and -1 for the label 0, float32."""
    return labels.float() * 2.0 - 1.0


def two_classes(data: DataSet, one: SmoothOptions, seed: int) -> tuple[Tensor, Tensor]:
    """The training set of the run with that seed: pixels (n, D) and targets (n,), of which `label_noise` are wrong.

    Images are chosen by their classes, and labels made wrong afterwards.
    """
    chosen, _ = training_sets(data.train, replace(one, label_noise=0.0), [seed], data.classes)
    pixels, labels = chosen.of_run(0)
    redraw = "noise" if one.redraw in OWN_LABELS else "none"
    noisy, _ = training_sets(parity(Images(pixels, labels)), replace(one, images=None, redraw=redraw), [seed], 2)
    return pixels, targets_of(noisy.of_run(0)[1])


@torch.inference_mode()
def cells(data: DataSet, options: Sequence[SmoothOptions], seeds: Sequence[int], report: Report) -> list[Arrays]:
    """The cell of the one option with the one seed; every measure is (1,).

    An error is the share of images whose output does not have the target's sign, and a loss the mean of (f - y)^2,
    without a half and without the penalty. Gaps are root mean squares, on the test images, of the difference between a
    smoother's outputs and the network's own, divided by that of the latter: `gap` of the smoother whose effective
    parameters these are, which is rounding, and `first_order_gap` of the smoother that follows the tangent kernel.
    """
    (one,), (seed,) = options, seeds
    pixels, targets = two_classes(data, one, seed)
    n, test_targets = len(targets), targets_of(parity(data.test).labels)
    points = torch.cat([pixels, data.test.pixels])
    start = mlp.init(points.shape[1], one.width, 1, [torch.Generator().manual_seed(seed)])
    net, outputs, smoother, first_order = smooth(start.map(lambda w: w.to(points.device)), points, targets, one, report)
    found = {}
    for name, part, true in (("train", slice(n), targets), ("test", slice(n, None), test_targets)):
        found[f"{name}_error"] = 1.0 - (outputs[part] * true > 0).double().mean()
        found[f"{name}_loss"] = (outputs[part] - true).double().square().mean()
        found[f"p_eff_{name}"] = effective_parameters(smoother.weights[part])
    for name, predicted in (("gap", smoother.weights @ targets + smoother.start), ("first_order_gap", first_order)):
        found[name] = (predicted - outputs)[n:].double().norm() / outputs[n:].double().norm()
    finite = [values.isfinite().all() for values in (*net.parameters(), *smoother)]
    found["diverged"] = ~torch.stack(finite).all()
    return [{name: value.cpu()[None].numpy() for name, value in found.items()}]


PROCEDURE = Procedure(SmoothOptions, cells, together="nothing")
