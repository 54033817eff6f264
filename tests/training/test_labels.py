import pytest
import torch

from stages.training.labels import with_noise


@pytest.mark.parametrize("fraction", [0.0, 0.2, 0.999])
def test_noise_changes_exactly_its_share_of_labels_to_other_classes(fraction: float) -> None:
    labels = torch.arange(1000) % 10
    noisy = with_noise(labels, fraction, seed=4, classes=10)
    assert (noisy != labels).sum() == round(1000 * fraction)
    assert set(noisy.tolist()) <= set(range(10))
    assert torch.equal(noisy, with_noise(labels, fraction, seed=4, classes=10))


def test_noise_of_another_seed_is_other_noise_and_prefers_no_class() -> None:
    labels = torch.zeros(90_000, dtype=torch.long)
    noisy = with_noise(labels, 0.5, seed=0, classes=10)
    assert not torch.equal(noisy, with_noise(labels, 0.5, seed=1, classes=10))
    counts = noisy.bincount(minlength=10)[1:]
    assert (counts - 5000).abs().max() < 5 * 5000**0.5


def test_the_labels_of_an_earlier_release_come_out_again() -> None:
    noisy = with_noise(torch.arange(20) % 10, 0.4, seed=0, classes=10)
    assert noisy.tolist() == [0, 1, 2, 9, 8, 4, 4, 0, 8, 9, 0, 1, 2, 6, 3, 5, 6, 7, 8, 8]
