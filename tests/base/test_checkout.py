"""Experiments that DVC runs in folders of their own share what their checkout keeps."""

from pathlib import Path

import pytest

from stages.base.checkout import checkout
from stages.base.params import parse
from stages.base.sources import images_of
from tests.official import OFFICIAL, needs_official
from tests.workspace import ROOT

EXPERIMENT = ".dvc/tmp/exps/standalone/tmpx"


def test_an_experiment_below_dvc_belongs_to_its_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / EXPERIMENT).mkdir(parents=True)
    for folder in (tmp_path, tmp_path / EXPERIMENT):
        monkeypatch.chdir(folder)
        assert checkout() == tmp_path


@needs_official
def test_an_experiment_takes_the_archives_that_its_checkout_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = parse((ROOT / "params.yaml").read_text()).data.model_copy(update={"train_per_class": 501})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNIST_MIRROR", str(OFFICIAL.absolute()))
    fetched, _ = images_of(data, "", False)
    (tmp_path / EXPERIMENT).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / EXPERIMENT)
    monkeypatch.setenv("MNIST_MIRROR", str(tmp_path / "nowhere"))
    again, _ = images_of(data, "", False)
    assert (again["train_labels"] == fetched["train_labels"]).all()
    assert not Path("data").exists()
