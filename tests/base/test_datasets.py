import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from stages.base.datasets import ARCHIVES, MNIST, SETS, DataSet, digits, first_per_class, from_idx, normalise
from tests.official import OFFICIAL, needs_official


def test_the_first_images_of_each_class_come_in_file_order_class_by_class() -> None:
    labels = np.array([1, 0, *range(2, 10), 1, 0, 1, 0, *range(2, 10)])
    assert first_per_class(labels, 2)[:4].tolist() == [1, 11, 0, 10]


def test_the_smallest_class_is_named_where_there_are_too_few_images() -> None:
    with pytest.raises(ValueError, match="class 3 has 2 images"):
        first_per_class(np.array([*range(10), *range(10), 0, 1, 2]), 3)


def test_pixels_are_normalised_as_published() -> None:
    images = np.array([[[0, 255], [51, 102]]], dtype=np.uint8)
    expected = [[(p / 255 - 0.1307) / 0.3081 for p in (0, 255, 51, 102)]]
    np.testing.assert_allclose(normalise(images, 255, 0.1307, 0.3081), expected, rtol=1e-6)


@pytest.mark.parametrize("dataset", SETS.values(), ids=list(SETS))
def test_every_pixel_value_becomes_the_same_number_as_in_torch_to_the_bit(dataset: DataSet) -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    largest, mean, std, _ = dataset
    ours = normalise(images, largest, mean, std)
    theirs = (torch.from_numpy(images).flatten(1).float() / largest - mean) / std
    assert ours.dtype == np.float32
    assert ours.tobytes() == theirs.numpy().tobytes()


def test_digits_are_split_evenly_and_completely_in_file_order() -> None:
    from sklearn.datasets import load_digits

    arrays = digits()
    assert np.bincount(arrays["train_labels"]).tolist() == [100] * 10
    assert len(arrays["train_labels"]) + len(arrays["test_labels"]) == 1797
    assert arrays["train_images"].dtype == np.uint8
    assert arrays["train_images"].max() == 16
    images, labels = load_digits().images, load_digits().target
    train = [i for i, label in enumerate(labels) if (labels[:i] == label).sum() < 100]
    assert np.array_equal(arrays["train_images"], images[train])


def test_an_idx_file_is_read_in_its_shape_and_nothing_else_is_read() -> None:
    content = b"\0\0\x08\x03" + b"".join(size.to_bytes(4, "big") for size in (2, 3, 4)) + bytes(range(24))
    assert from_idx(content).tolist() == np.arange(24).reshape(2, 3, 4).tolist()
    for other in (
        content[:-1],
        content + b"?",
        content[:5],
        content[:3],
        b"",
        b"\0\0\x0d" + content[3:],
        b"<html>" + content,
    ):
        with pytest.raises(ValueError, match=r"."):
            from_idx(other)


@needs_official
def test_the_official_files_are_decoded_as_torchvision_does_it(tmp_path: Path) -> None:
    from torchvision.datasets.mnist import read_sn3_pascalvincent_tensor

    for archive, md5 in MNIST.md5_sums().items():
        packed = (OFFICIAL / archive).read_bytes()
        assert hashlib.md5(packed).hexdigest() == md5
        content = gzip.decompress(packed)
        (tmp_path / archive).write_bytes(content)
        assert np.array_equal(from_idx(content), read_sn3_pascalvincent_tensor(str(tmp_path / archive)).numpy())


def test_the_sums_are_torchvisions_for_the_same_archives() -> None:
    from torchvision import datasets

    for ours, theirs in (("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST"), ("kmnist", "KMNIST")):
        source = SETS[ours].source
        assert not callable(source)
        assert source.md5_sums() == dict(getattr(datasets, theirs).resources)
    assert set(ARCHIVES) == set(digits())
