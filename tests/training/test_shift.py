"""Shifted images."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from stages.training import mlp
from stages.training.fit import batches, fit
from stages.training.images import Images
from stages.training.options import Options
from stages.training.shift import offsets, shifted, sources

GENERATOR = torch.Generator().manual_seed(0)
IMAGES = torch.rand(12, 25, generator=GENERATOR)
BLACK = torch.tensor(-1.0)


def test_a_shift_moves_rows_down_and_columns_right_and_background_in() -> None:
    image = torch.arange(9.0).expand(2, -1)
    moved = shifted(image, sources(9, [(1, 1), (0, -2)]), BLACK)
    assert moved.view(2, 3, 3).tolist() == [
        [[-1, -1, -1], [-1, 0, 1], [-1, 3, 4]],
        [[2, -1, -1], [5, -1, -1], [8, -1, -1]],
    ]


def test_a_shift_is_that_of_scipy() -> None:
    for shift, source in zip(offsets(2), sources(25, offsets(2)), strict=True):
        theirs = [
            ndimage.shift(one, shift, order=0, mode="constant", cval=-1.0) for one in IMAGES.view(-1, 5, 5).numpy()
        ]
        assert np.array_equal(shifted(IMAGES, source, BLACK).view(-1, 5, 5).numpy(), np.stack(theirs))


def test_the_first_of_all_shifts_moves_nothing() -> None:
    assert [len(offsets(most)) for most in range(3)] == [1, 9, 25]
    assert torch.equal(shifted(IMAGES, sources(25, offsets(2))[0], BLACK), IMAGES)


def test_a_shift_farther_than_the_image_leaves_background() -> None:
    assert (shifted(IMAGES, sources(25, [(5, 0)])[0], BLACK) == -1).all()


def test_images_that_are_not_square_cannot_be_shifted() -> None:
    with pytest.raises(ValueError, match="images of 24 pixels are not square, and cannot be shifted"):
        sources(24, [(0, 1)])


def test_batches_hold_every_image_once_an_epoch_each_moved_as_it_is_drawn() -> None:
    train = Images(IMAGES, torch.arange(12))
    moves = sources(25, offsets(1))
    seen = []
    for x, labels in batches(train, 5, [torch.Generator().manual_seed(3)], shift=1):
        for image, label in zip(x[0].T, labels[0], strict=True):
            possible = shifted(IMAGES[label].expand(9, -1), moves, IMAGES.min())
            assert (possible == image).all(1).any()
            seen.append(int(label))
    assert sorted(seen) == list(range(12))


def test_a_run_with_shifts_does_not_depend_on_the_runs_beside_it() -> None:
    train = Images(IMAGES, torch.arange(12) % 3)
    options = Options(width=4, alpha=0.0, epochs=3, batch_size=5, lr=0.1, shift=1)
    together, alone = (
        fit(train, train, options, classes=3, alphas=[0.0], seeds=seeds).net for seeds in ([0, 1, 2], [1])
    )
    for whole, one in zip(together.parameters(), alone.parameters(), strict=True):
        torch.testing.assert_close(whole[1], one[0])


def test_training_does_not_know_in_which_order_the_pixels_stand() -> None:
    """Of a network whose inputs are permuted like the pixels, the trained one is permuted, and it errs the same."""
    order = torch.randperm(25, generator=GENERATOR)
    options = Options(width=4, alpha=0.01, epochs=5, batch_size=5, lr=0.1, penalty="l1")
    start = mlp.init(25, 4, 3, [torch.Generator().manual_seed(7)])
    first, last = start.layers
    moved = mlp.Net((first._replace(weight=first.weight[:, :, order]), last))
    fits = []
    for pixels, net in ((IMAGES, start), (IMAGES[:, order], moved)):
        train = Images(pixels, torch.arange(12) % 3)
        fits.append(fit(train, train, options, classes=3, alphas=[0.01], seeds=[0], start=net))
    plain, permuted = (one.net.layers for one in fits)
    torch.testing.assert_close(permuted[0].weight, plain[0].weight[:, :, order])
    torch.testing.assert_close(permuted[1].weight, plain[1].weight)
    torch.testing.assert_close(fits[0].curves.test_loss, fits[1].curves.test_loss)
