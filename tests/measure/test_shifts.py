"""Shifted images."""

import pytest
import torch

from stages.measure.ensemble import error, outputs
from stages.measure.shifts import columns, ring
from stages.training import mlp
from stages.training.images import Images
from stages.training.shift import shifted, sources

GENERATOR = torch.Generator().manual_seed(0)
PIXELS = torch.randn(30, 36, generator=GENERATOR)
LABELS = torch.randint(4, (30,), generator=GENERATOR)
NET = mlp.init(36, 8, 4, [torch.Generator().manual_seed(seed) for seed in range(3)])


def test_eight_shifts_are_one_pixel_away_and_sixteen_two() -> None:
    assert [len(set(ring(radius))) for radius in (0, 1, 2)] == [1, 8, 16]
    assert {(1, 0), (-1, 1)} < set(ring(1))
    assert {(2, 0), (-1, 2)} < set(ring(2))


@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_errors_are_means_over_a_ring_and_orbits_hold_all_rings_within(loss: str) -> None:
    found = columns(NET, Images(PIXELS, LABELS), loss)
    said = {
        shift: outputs(NET, Images(shifted(PIXELS, sources(36, [shift])[0], PIXELS.min()), LABELS), loss)
        for radius in range(3)
        for shift in ring(radius)
    }
    torch.testing.assert_close(found["shifted_error_0"], mlp.scores(NET, Images(PIXELS, LABELS))[1])
    for radius in (1, 2):
        errors = [error(said[shift], LABELS) for shift in ring(radius)]
        torch.testing.assert_close(found[f"shifted_error_{radius}"], torch.stack(errors).mean(0))
        within = [each for shift, each in said.items() if max(map(abs, shift)) <= radius]
        assert len(within) == (2 * radius + 1) ** 2
        torch.testing.assert_close(found[f"orbit_error_{radius}"], error(torch.stack(within).mean(0), LABELS))


def test_a_network_that_sees_brightness_alone_does_not_feel_shifts_within_a_black_frame() -> None:
    framed = torch.nn.functional.pad(torch.rand(30, 4, 4, generator=GENERATOR), (2, 2, 2, 2)).flatten(1)
    net = mlp.init(64, 8, 4, [torch.Generator().manual_seed(0)])
    net.layers[0].weight[:] = net.layers[0].weight.mean(2, keepdim=True)
    before = mlp.scores(net, Images(framed, LABELS))[1]
    for values in columns(net, Images(framed, LABELS)).values():
        assert torch.equal(values, before)


def test_a_network_of_nans_has_no_errors_and_oblong_images_no_shifts() -> None:
    net = NET.map(torch.clone)
    net.layers[1].bias[1, 0] = torch.nan
    for values in columns(net, Images(PIXELS, LABELS)).values():
        assert values.isfinite().tolist() == [True, False, True]
    with pytest.raises((ValueError, RuntimeError)):
        columns(NET, Images(torch.zeros(2, 12), LABELS[:2]))
