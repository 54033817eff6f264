"""The whole default grid, everything counted, beside the paper's loop: seconds a model, in one run.

    MNIST_MIRROR=FOLDER python -m tests.benchmarks.grid

Ours is `dvc repro verdict plot` in a fresh copy: download, prepare, start of the workers, training, DVC, evaluate,
verdict and plots. The paper's loop trains one model of each width as published,
30 epochs and a test at the end, in this process with torch's own choice of threads; importing torch and reading the
images are not counted for it.
"""

import tempfile
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from stages.base import tensors
from stages.base.params import parse
from stages.training.batch import DataSet
from tests.benchmarks.trainer import BATCH, ImageDataset, network, papers_loop
from tests.workspace import ROOT, Workspace


def test_accuracy(dataset: ImageDataset, width: int) -> float:
    model = network(width)
    with torch.no_grad():
        right = sum((model(x).argmax(1) == y).sum() for x, y in DataLoader(dataset, batch_size=BATCH))
    return float(right) / len(dataset)


def main() -> None:
    params = parse((ROOT / "params.yaml").read_text())
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder), {})
        start = time.perf_counter()
        workspace.dvc("repro", "verdict", "plot")
        ours = time.perf_counter() - start
        arrays, about = tensors.from_bytes((Path(folder) / "data/prepared/data.safetensors").read_bytes())
    data = DataSet.of(arrays, about["classes"], "cpu")
    train, test = ImageDataset(data.train), ImageDataset(data.test)
    start = time.perf_counter()
    for width in params.grid.width:
        papers_loop(train, width, params.train.epochs)
        test_accuracy(test, width)
    theirs = (time.perf_counter() - start) / len(params.grid.width)
    models = len(params.grid.cells()) * params.train.seeds
    each = ours / models
    print(f"ours: {ours:.0f} s for {models} models, {each:.3f} s a model; the paper's loop: {theirs:.1f} s a model")
    print(f"ratio {theirs / each:.1f}")


if __name__ == "__main__":
    main()
