import pytest
import torch

from stages.base.datasets import first_per_class, normalise, with_noise


def test_the_first_images_of_each_class_come_in_file_order_class_by_class() -> None:
    labels = torch.tensor([1, 0, *range(2, 10), 1, 0, 1, 0, *range(2, 10)])
    assert first_per_class(labels, 2)[:4].tolist() == [1, 11, 0, 10]


def test_a_class_with_too_few_images_is_named() -> None:
    with pytest.raises(ValueError, match="class 3 has 1 images"):
        first_per_class(torch.tensor([*range(10), 0, 1, 2]), 2)


def test_pixels_are_normalised_as_published() -> None:
    images = torch.tensor([[[0, 255], [51, 102]]], dtype=torch.uint8)
    expected = torch.tensor([[(p / 255 - 0.1307) / 0.3081 for p in (0, 255, 51, 102)]])
    torch.testing.assert_close(normalise(images, 255, 0.1307, 0.3081), expected)


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.999])
def test_noise_changes_exactly_its_share_of_labels_to_other_classes(fraction: float) -> None:
    labels = torch.arange(1000) % 10
    noisy = with_noise(labels, fraction, seed=4)
    assert (noisy != labels).sum() == round(1000 * fraction)
    assert set(noisy.tolist()) <= set(range(10))
    assert torch.equal(noisy, with_noise(labels, fraction, seed=4))


def test_noise_of_another_seed_is_other_noise_and_prefers_no_class() -> None:
    labels = torch.zeros(90_000, dtype=torch.long)
    noisy = with_noise(labels, 0.5, seed=0)
    assert not torch.equal(noisy, with_noise(labels, 0.5, seed=1))
    counts = noisy.bincount(minlength=10)[1:]
    assert (counts - 5000).abs().max() < 5 * 5000**0.5
