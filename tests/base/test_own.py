"""Somebody's own data: what is read is what they are, and what is wrong with them is said in one line."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stages.base import own, tensors
from stages.base.datasets import last_per_class, scale_of, standardised
from stages.base.files import UserError
from stages.base.params import Data, ParamsError, parse
from stages.base.sources import images_of
from stages.cells.prepared import prepared
from tests.workspace import ROOT

RNG = np.random.default_rng(0)
ROWS: dict[str, Any] = {"features": RNG.normal(size=(60, 3)), "labels": np.arange(60) % 3}
PICTURES: dict[str, Any] = {"images": RNG.integers(0, 256, (60, 4, 5), dtype=np.uint8), "labels": np.arange(60) % 12}
APART: dict[str, Any] = {f"{split}_{name}": array for split in ("train", "test") for name, array in PICTURES.items()}
DATA: dict[str, Any] = {
    "name": "file",
    "train_per_class": 3,
    "test_per_class": 2,
    "label_noise": 0.0,
    "redraw": "none",
    "permute": False,
    "seed": 0,
}
PATH = "data/own/mine.npz"
PARAMS = (ROOT / "params.yaml").read_text()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """data/own, of a project without anything else, in which the test runs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data/own").mkdir(parents=True)
    return tmp_path / "data/own"


def data(path: str = PATH, **changes: Any) -> Data:
    return Data(**{**DATA, "path": path, **changes})


def made(chosen: Data | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The prepared data."""
    chosen = chosen or data()
    return tensors.from_bytes(prepared(*images_of(chosen, "", False), chosen, ""))


def pictures(folder: Path, classes: dict[str, int], size: tuple[int, int] = (5, 4), mode: str = "L") -> None:
    """A folder a class with so many images, of which number i is all of value 10 i."""
    for name, count in classes.items():
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.new("L", size, 10 * number).convert(mode).save(folder / name / f"{number}.png")


def test_of_a_file_that_tells_nothing_apart_the_last_of_each_class_are_for_testing_whatever_is_trained_on() -> None:
    np.savez(PATH, **ROWS)
    few, more = (made(data(train_per_class=count))[0] for count in (3, 18))
    mean, std = (how(ROWS["features"][:54], axis=0) for how in (np.mean, np.std))
    expected = (ROWS["features"] - mean) / std
    assert few["train_labels"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    np.testing.assert_allclose(few["train_pixels"][:3], expected[[0, 3, 6]], rtol=1e-5)
    np.testing.assert_allclose(few["test_pixels"], expected[[54, 57, 55, 58, 56, 59]], rtol=1e-5)
    assert few["test_pixels"].tobytes() == more["test_pixels"].tobytes()
    assert len(more["train_labels"]) + len(more["test_labels"]) == 60


def test_of_a_file_that_tells_them_apart_nothing_of_the_test_data_decides_the_scale() -> None:
    np.savez(PATH, **APART)
    arrays, about = made()
    np.savez(PATH, **{**APART, "test_images": APART["test_images"] // 2})
    others, _ = made()
    assert (about["dataset"], about["classes"]) == ("mine", 12)
    assert arrays["train_pixels"].shape == (12 * 3, 20)
    assert arrays["train_pixels"].tobytes() == others["train_pixels"].tobytes()
    assert arrays["test_pixels"].tobytes() != others["test_pixels"].tobytes()


def test_pixels_share_a_mean_and_a_spread_and_every_feature_has_its_own() -> None:
    values = RNG.normal(size=(2500, 3)) * [1, 10, 0] + [0, 1e9, 7]
    of_features = standardised(values, *scale_of(values, each=True))
    np.testing.assert_allclose(of_features.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(of_features.std(0), [1, 1, 0], atol=1e-5)  # what is constant is 0
    of_images = standardised(values, *scale_of(values, each=False))
    np.testing.assert_allclose([of_images.mean(), of_images.std()], [0, 1], atol=1e-5)
    np.testing.assert_allclose(of_images, (values - values.mean()) / values.std(), rtol=1e-5)


def test_a_feature_that_is_constant_in_training_is_zero_in_testing_too() -> None:
    training = np.column_stack([np.full(6, 0.1), np.arange(6)])
    assert standardised(np.array([[5.0, 2.5]]), *scale_of(training, each=True)).tolist() == [[0, 0]]


@pytest.mark.parametrize("kind", ["uint8", "int64", "float16", "float32", ">f8", "bool"])
def test_numbers_of_any_type_are_the_same_numbers(kind: str) -> None:
    values = RNG.integers(0, 2, (60, 2, 2))
    np.savez(PATH, images=values.astype(kind), labels=PICTURES["labels"])
    arrays, _ = made()
    np.savez(PATH, images=values.astype(np.float64), labels=PICTURES["labels"])
    np.testing.assert_array_equal(arrays["train_pixels"], made()[0]["train_pixels"])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [([30, -1, 7], ["-1", "7", "30"]), (["b", "a", "ä"], ["'a'", "'b'", "'ä'"]), ([True, False, True], ["0", "1"])],
)
def test_classes_are_the_sorted_labels_whatever_they_are(labels: list[Any], classes: list[str]) -> None:
    np.savez(PATH, features=RNG.normal(size=(30, 2)), labels=np.array(labels * 10))
    arrays, about = own.read(Path(PATH))
    assert about["classes"] == classes
    assert [classes[label].strip("'") for label in arrays["train_labels"][:3]] == [
        str(int(label) if isinstance(label, bool) else label) for label in labels
    ]


def test_a_thousand_classes_are_possible_and_no_more() -> None:
    for count in (1000, 1001):
        np.savez(PATH, features=RNG.normal(size=(2 * count, 1)), labels=np.arange(2 * count) % count)
        if count == 1000:
            assert made(data(train_per_class=1, test_per_class=1))[1]["classes"] == 1000
    with pytest.raises(UserError, match="has 1,001 different labels for training; from 2 to 1,000 are possible"):
        made()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (PICTURES, "60 images of 4 x 5, 12 classes (0 to 11), 5 of each"),
        ({**ROWS, "labels": [*"aab"] * 20}, "60 rows of 3 features, 2 classes ('a' to 'b'), 20 to 40 of each"),
        (APART, "120 images of 4 x 5, 12 classes (0 to 11), 5 of each for training and 5 of each for testing"),
    ],
)
def test_what_was_read_is_described_in_one_line(
    arrays: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(PATH, **arrays)
    images_of(data(), "", False)
    assert capsys.readouterr().err == f"{PATH}: {said}\n"


def test_a_folder_of_images_is_read_class_by_class_and_by_name(folder: Path) -> None:
    pictures(folder / "shapes", {"round": 5, "angular": 5})
    (folder / "shapes/.DS_Store").write_bytes(b"?")
    arrays, about = own.read(folder / "shapes")
    assert about == {"classes": ["'angular'", "'round'"], "kind": "images"}
    assert arrays["train_images"][:, 0, 0].tolist() == [0, 10, 20, 30, 40] * 2
    assert arrays["train_images"].shape == (10, 4, 5)
    assert arrays["train_labels"].tolist() == [0] * 5 + [1] * 5
    assert made(data("data/own/shapes"))[1]["dataset"] == "shapes"


def test_a_folder_may_tell_training_from_test_images_and_have_colours(folder: Path) -> None:
    for split, count in (("train", 4), ("test", 2)):
        pictures(folder / "shapes" / split, {"round": count, "angular": count}, mode="RGB")
    arrays, _ = own.read(folder / "shapes")
    assert {name: array.shape for name, array in arrays.items()} == {
        **{"train_images": (8, 4, 5, 3), "train_labels": (8,)},
        **{"test_images": (4, 4, 5, 3), "test_labels": (4,)},
    }


def changed(base: dict[str, Any], **changes: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **{**base, **changes})


def holding(content: bytes) -> Callable[[Path], Any]:
    return lambda path: path.write_bytes(content)


def single(path: Path) -> None:
    with open(path, "wb") as file:
        np.save(file, ROWS["features"])


def not_arrays(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("labels.npy", "text")
        file.writestr("images.npy", "text")


NOT_FINITE = ROWS["features"].copy()
NOT_FINITE[7, 1] = np.nan
BAD_FILES: dict[str, Callable[[Path], Any]] = {
    "is not there; put it there": lambda path: None,
    r"cannot be read \(.+\); write it with numpy.savez": holding(b"no archive"),
    "cannot be read": holding(b""),
    r"cannot be read \(.*pickle": changed(ROWS, labels=np.array([object()] * 60)),
    "holds a single array without a name": single,
    "labels is of type .S4 and shape": not_arrays,
    r"holds \['features', 'label'\]; it must hold labels": lambda path: np.savez(
        path, features=ROWS["features"], label=ROWS["labels"]
    ),
    r"holds \['features', 'images', 'labels'\]; it": changed(ROWS, images=PICTURES["images"]),
    r"holds \[\]; it must": lambda path: np.savez(path),
    r"labels is of type float64 and shape \(60,\); it must": changed(ROWS, labels=np.arange(60.0)),
    r"labels is of type int64 and shape \(60, 1\); it must": changed(ROWS, labels=np.arange(60)[:, None]),
    "labels is of type .S1 and": changed(ROWS, labels=np.array([b"a", b"b"] * 30)),
    r"labels holds 18446744073709551615; labels must": changed(ROWS, labels=np.full(60, 2**64 - 1, dtype=np.uint64)),
    "features has 60 rows, and labels has 59": changed(ROWS, labels=np.arange(59)),
    r"features is of type float64 and shape \(60,\); it must be numbers": changed(ROWS, features=np.arange(60.0)),
    "features is of type complex128": changed(ROWS, features=np.ones((60, 2)) * 1j),
    r"shape \(60, 0\); it must": changed(ROWS, features=np.ones((60, 0))),
    "row 7 of features is not finite": changed(ROWS, features=NOT_FINITE),
    "all rows are the same, or nearly so; take other data": changed(ROWS, features=np.ones((60, 3))),
    "all pixels are the same": changed(PICTURES, images=np.full((60, 2, 2), 0.1)),
    "so large that their standard deviation": changed(ROWS, features=1e300 * ROWS["features"]),
    "a value is more than 1e38 standard deviations": changed(
        APART | {"train_images": 1e-100 * RNG.normal(size=(60, 4, 5))}
    ),
    "has 1 different labels for training": changed(ROWS, labels=np.zeros(60, dtype=int)),
    "label 12 is there for testing and not for": changed(APART, test_labels=np.arange(60) % 13),
    "must both be whole numbers, or both text": changed(APART, test_labels=np.array(["a"] * 60)),
    "the images are 4 x 5 for training and 5 x 4 for testing": changed(APART, test_images=np.ones((60, 5, 4))),
}


@pytest.mark.parametrize("said", BAD_FILES)
def test_what_is_wrong_with_a_file_is_one_line_that_begins_with_the_parameter(said: str) -> None:
    BAD_FILES[said](Path(PATH))
    where = "params.yaml: data."
    with pytest.raises(UserError, match=rf"^params\.yaml: data\.path: {PATH}: .*{said}") as error:
        prepared(*images_of(data(), where, False), data(), where)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("null", "data.path: None is no path, and name is 'file'; write one such as data/own/rings.npz"),
        ("elsewhere/x.npz", "data.path: 'elsewhere/x.npz' should be in data/own, where DVC sees what changes, such as"),
        ("/data/own/x.npz", "data.path: '/data/own/x.npz' should be in data/own"),
        ("data/own", "data.path: 'data/own' should be in data/own"),
        ("data/own/../raw", "data.path: 'data/own/../raw' should be in data/own"),
        ("data/own/a b.npz", "data.path: 'data/own/a b.npz' should be .*; names are of the letters a to z, digits"),
        ("data/own/$x$.npz", "data.path: 'data/own/.x..npz' should be .*; names are of the letters a to z, digits"),
        ("data/own/digits.npz", "data.path: 'data/own/digits.npz' has the name of a data set that is known here"),
        ("3", "data.path: 3 should be a valid string"),
    ],
)
def test_a_path_elsewhere_is_one_line(path: str, said: str) -> None:
    with pytest.raises(ParamsError, match=f"^{said}") as error:
        parse(PARAMS.replace("name: mnist", "name: file").replace("path: null", f"path: {path}"))
    assert str(error.value).isprintable()


def test_a_path_of_another_name_than_file_is_left_alone() -> None:
    assert parse(PARAMS.replace("path: null", "path: data/own/x.npz")).data.dataset == "mnist"


def test_a_backbone_is_refused_with_data_that_may_be_no_images() -> None:
    text = PARAMS.replace("name: mnist", "name: file").replace("path: null", f"path: {PATH}")
    assert parse(text).data.dataset == "mine"
    with pytest.raises(ParamsError, match=r"^head\.features: 'pretrained' takes square grey images, not the data of"):
        parse(text.replace("features: [trained", "features: [pretrained, trained"))


@pytest.mark.parametrize(
    ("arrays", "counts", "said"),
    [
        (ROWS, {"test_per_class": 21}, "test_per_class: 21 is too many: in data/own/mine.npz class 0 has 20 images"),
        (
            APART,
            {"train_per_class": 6},
            "train_per_class: 6 is too many: in data/own/mine.npz class 0 has 5 images for",
        ),
        (APART, {"test_per_class": 6}, "test_per_class: 6 is too many: in data/own/mine.npz class 0 has 5 images for"),
        ({**ROWS, "labels": [*"aab"] * 20}, {"test_per_class": 30}, "test_per_class: 30 is too many: .* class 'b' has"),
    ],
)
def test_more_of_a_class_than_there_are_is_said_with_the_counts(
    arrays: dict[str, Any], counts: dict[str, Any], said: str
) -> None:
    np.savez(PATH, **arrays)
    with pytest.raises(UserError, match=f"^{said}"):
        made(data(**counts))


def odd_size(folder: Path) -> None:
    Image.new("L", (6, 4)).save(folder / "b/9.png")


def odd_colour(folder: Path) -> None:
    Image.new("RGB", (5, 4)).save(folder / "b/9.png")


def odd_mode(folder: Path) -> None:
    Image.new("P", (5, 4)).save(folder / "b/9.png")


def cut(folder: Path) -> None:
    content = io.BytesIO()
    Image.effect_noise((5, 4), 50).save(content, "png")
    (folder / "b/9.png").write_bytes(content.getvalue()[:-30])


def linked(folder: Path) -> None:
    (folder / "b").rename(folder.parent / "elsewhere")
    os.symlink("../elsewhere", folder / "b")


BAD_FOLDERS: dict[str, Callable[[Path], Any]] = {
    r"shapes/b/9.png is 4 x 6 in grey, and \S+/a/0.png is 4 x 5 in grey; they must be": odd_size,
    r"shapes/b/9.png is 4 x 5 in colour, and \S+/a/0.png is 4 x 5 in grey": odd_colour,
    "shapes/b/9.png is of Pillow's mode P; it must be grey": odd_mode,
    r"shapes/b/9.png cannot be read as an image \(.+\); take it out": cut,
    r"shapes/b/notes.txt cannot be read as an image": lambda folder: (folder / "b/notes.txt").write_text("?"),
    "shapes/c is a file; images must be in a folder for each class": lambda folder: (folder / "c").write_text("?"),
    "shapes/b/more is a folder; a class's folder must hold images": lambda folder: (folder / "b/more").mkdir(),
    "shapes/c holds no images": lambda folder: (folder / "c").mkdir(),
    "shapes/b is a link to a folder, in which DVC sees no change": linked,
}


@pytest.mark.parametrize("said", BAD_FOLDERS)
def test_what_is_wrong_with_a_folder_is_one_line_that_names_the_file(folder: Path, said: str) -> None:
    pictures(folder / "shapes", {"a": 5, "b": 5})
    BAD_FOLDERS[said](folder / "shapes")
    with pytest.raises(UserError, match=f"^path: data/own/shapes: data/own/{said}") as error:
        images_of(data("data/own/shapes"), "", False)
    assert str(error.value).isprintable()


def test_an_empty_folder_and_one_behind_a_link_are_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: holds no images; it must hold a folder of images for each class$"):
        images_of(data("data/own/empty"), "", False)
    (tmp_path / "far").mkdir()
    np.savez(tmp_path / "far/mine.npz", **ROWS)
    (folder / "near").symlink_to(tmp_path / "far")
    for path in ("data/own/near/mine.npz", "data/own/near"):
        with pytest.raises(UserError, match="data/own/near is a link to a folder, in which DVC sees no change"):
            images_of(data(path), "", False)


def test_a_file_behind_a_link_is_read_because_dvc_sees_its_changes(folder: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "real.npz", **ROWS)
    (folder / "mine.npz").symlink_to(tmp_path / "real.npz")
    assert made()[1]["dataset"] == "mine"


WHOLE = io.BytesIO()
np.savez_compressed(WHOLE, **ROWS)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(WHOLE.getvalue()) - 1), st.integers(0, 255), st.booleans())
def test_a_changed_byte_or_a_cut_ends_in_a_line_or_changes_nothing(place: int, value: int, cut: bool) -> None:
    content = WHOLE.getvalue()
    rest = b"" if cut else bytes([value]) + content[place + 1 :]
    Path(PATH).write_bytes(content[:place] + rest)
    try:
        arrays, _ = images_of(data(), "", False)
    except UserError as error:
        assert str(error).startswith(f"path: {PATH}: ")
        assert "\n" not in str(error)
    else:
        np.testing.assert_array_equal(arrays["train_images"], ROWS["features"])


def test_the_last_of_each_class_are_told_from_the_others() -> None:
    labels = np.array([0, 1, 0, 1, 1, 0])
    assert last_per_class(labels, 2, ["a", "b"]).tolist() == [False, False, True, True, True, True]
    with pytest.raises(ValueError, match="class a has 3 images"):
        last_per_class(labels, 4, ["a", "b"])
