"""What shifts of the test images by one and two pixels do to networks that were not built to bear them."""

import torch
from torch import Tensor

from stages.measure.ensemble import error, outputs
from stages.training.images import Images
from stages.training.mlp import Net
from stages.training.shift import offsets, shifted, sources

RADII = (1, 2)


def columns(net: Net, test: Images, loss: str = "cross_entropy") -> dict[str, Tensor]:
    """A value a network (S,), float64, on test images that all share, (n, side^2).

    shifted_error_r: the error on images shifted by r = 0, 1 or 2 pixels, in the mean over all shifts by (down, right)
        with max(|down|, |right|) = r: 8 of them for r = 1, 16 for r = 2.
    orbit_error_r: the error of the outputs' mean over all shifts by at most r pixels, the unshifted image among them: 9
        for r = 1, 25 for r = 2. Outputs are those of `ensemble.outputs`.
    What moves in from beyond the edge has the smallest value of all the test pixels, which is black. A network that
    puts out an inf or a nan has nan in all columns. Raise ValueError unless the images are square.
    """
    background = test.pixels.min()
    total = outputs(net, test, loss)  # (S, n, C)
    errors = {"shifted_error_0": error(total, test.labels)}
    count = 1
    for radius in RADII:
        of_ring = []
        for source in sources(test.pixels.shape[1], ring(radius)):
            moved = test._replace(pixels=shifted(test.pixels, source, background))
            said = outputs(net, moved, loss)  # (S, n, C)
            of_ring.append(error(said, test.labels))
            total += said
        count += len(of_ring)
        errors[f"shifted_error_{radius}"] = torch.stack(of_ring).mean(0)
        errors[f"orbit_error_{radius}"] = error(total / count, test.labels)
    finite = total.isfinite().all(2).all(1)  # (S,)
    return {name: values.where(finite, torch.nan) for name, values in errors.items()}


def ring(radius: int) -> list[tuple[int, int]]:
    """All shifts (down, right) with max(|down|, |right|) = radius."""
    return [shift for shift in offsets(radius) if max(map(abs, shift)) == radius]
