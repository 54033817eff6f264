"""Which training set a run has: the same as the others, or wrong labels and images of its own."""

import pytest
import torch
from torch import Tensor

from stages.training.images import Images
from stages.training.options import Common
from stages.training.sets import balanced, generator, training_sets, with_noise

GENERATOR = torch.Generator().manual_seed(0)
POOL = Images(torch.randn(300, 5, generator=GENERATOR), torch.arange(300) % 10)  # thirty images a class


def sets(seeds: list[int], **how: object) -> tuple[Images, Tensor]:
    return training_sets(POOL, Common(width=1, **how), seeds, classes=10)  # type: ignore[arg-type]


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.999])
def test_noise_changes_exactly_its_share_of_labels_to_other_classes(fraction: float) -> None:
    labels = torch.arange(1000) % 10
    noisy = with_noise(labels, fraction, generator(4), classes=10)
    assert (noisy != labels).sum() == round(1000 * fraction)
    assert set(noisy.tolist()) <= set(range(10))
    assert torch.equal(noisy, with_noise(labels, fraction, generator(4), classes=10))


def test_noise_of_another_seed_is_other_noise_and_prefers_no_class() -> None:
    labels = torch.zeros(90_000, dtype=torch.long)
    noisy = with_noise(labels, 0.5, generator(0), classes=10)
    assert not torch.equal(noisy, with_noise(labels, 0.5, generator(1), classes=10))
    counts = noisy.bincount(minlength=10)[1:]
    assert (counts - 5000).abs().max() < 5 * 5000**0.5


def test_the_labels_of_an_earlier_release_come_out_again() -> None:
    noisy = with_noise(torch.arange(20) % 10, 0.4, generator(0), classes=10)
    assert noisy.tolist() == [0, 1, 2, 9, 8, 4, 4, 0, 8, 9, 0, 1, 2, 6, 3, 5, 6, 7, 8, 8]


def test_as_published_every_run_has_all_images_and_true_labels() -> None:
    images, wrong = sets([0, 1])
    assert images == Images(POOL.pixels, POOL.labels)
    assert not wrong.any()


def test_without_a_redraw_all_runs_have_the_same_wrong_labels_whatever_their_seeds() -> None:
    images, wrong = sets([0, 1], label_noise=0.2, data_seed=3)
    assert images.labels.shape == (300,)
    assert wrong.sum() == 60
    assert torch.equal(images.labels, sets([7], label_noise=0.2, data_seed=3)[0].labels)
    assert not torch.equal(images.labels, sets([0], label_noise=0.2, data_seed=4)[0].labels)


@pytest.mark.parametrize("redraw", ["noise", "images", "all"])
def test_what_a_run_draws_depends_on_its_own_seed_and_on_no_other_run(redraw: str) -> None:
    how = {"redraw": redraw, "label_noise": 0.2, "images": 100}
    together, wrong = sets([0, 1, 2], **how)
    assert (wrong.view(-1, 100).sum(1) == 20).all()
    for run, seed in enumerate((0, 1, 2)):
        for mine, alone in zip(together.of_run(run), sets([seed], **how)[0].of_run(0), strict=True):
            assert torch.equal(mine, alone)
    (first, labels), (second, others) = together.of_run(0), together.of_run(1)
    assert torch.equal(first, second) == (redraw == "noise")
    assert torch.equal(labels, others) == (redraw == "images")  # class after class, and wrong at the same places
    assert not torch.equal(first, sets([0], **how, data_seed=1)[0].of_run(0)[0]) or redraw == "noise"


@pytest.mark.parametrize("redraw", ["none", "images"])
@pytest.mark.parametrize("count", [1, 20, 47, 300])
def test_a_training_set_has_as_many_of_each_class_as_its_size_allows(redraw: str, count: int) -> None:
    images, _ = sets([5], images=count, redraw=redraw)
    pixels, labels = images.of_run(0)
    counts = labels.bincount(minlength=10)
    assert images.per_run == len(pixels) == counts.sum() == count
    assert counts.max() - counts.min() <= 1
    places = [int((POOL.pixels == row).all(1).nonzero()) for row in pixels]
    assert len({*places}) == count  # none twice
    assert torch.equal(POOL.labels[places], labels)


@pytest.mark.parametrize("redraw", ["none", "images"])
def test_a_smaller_training_set_is_part_of_a_larger_one(redraw: str) -> None:
    small, large = ({*map(tuple, sets([2], images=n, redraw=redraw)[0].of_run(0)[0].tolist())} for n in (40, 90))
    assert small < large


def test_more_images_of_a_class_than_there_are_cannot_be_had() -> None:
    with pytest.raises(ValueError, match=r"^class 0 has 30 images, not 31$"):
        balanced(POOL.labels, 301, 10)


def test_images_are_drawn_without_preference() -> None:
    """Of the thirty images of a class ten are drawn by each of 2,000 runs: every one by a third, within 5 sd."""
    drawn = torch.stack([balanced(POOL.labels, 100, 10, generator(0, seed, 1)) for seed in range(2000)])
    share = drawn.flatten().bincount(minlength=300) / 2000
    assert (share - 1 / 3).abs().max() < 5 * (2 / 9 / 2000) ** 0.5


def test_parts_and_places_give_each_run_its_own_images() -> None:
    for how in ({}, {"redraw": "noise", "label_noise": 0.3}, {"redraw": "all", "label_noise": 0.3, "images": 50}):
        images, wrong = sets([0, 1], **how)
        parts = list(images.parts(7))
        for run in range(2):
            pixels, labels = images.of_run(run)
            for x, y in [parts[0], parts[-1]]:
                assert x.shape[2] == y.shape[1]
            seen = torch.cat([x[min(run, len(x) - 1)] for x, _ in parts], 1)
            assert torch.equal(seen.T, pixels)
            assert torch.equal(torch.cat([y[min(run, len(y) - 1)] for _, y in parts]), labels)
            places = torch.tensor([[3, 1], [0, 4]])
            rows, chosen = images.at(places)
            assert torch.equal(images.pixels[rows[run]], pixels[places[run]])
            assert torch.equal(chosen[run], labels[places[run]])
            if wrong.any():
                noisy = images.where(wrong)
                own = wrong if wrong.dim() == 1 else wrong[run]
                assert torch.equal(noisy.of_run(run)[0], pixels[own])
                assert torch.equal(noisy.of_run(run)[1], labels[own])
