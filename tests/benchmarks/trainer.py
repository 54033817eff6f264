"""What a model costs to train: our trainer beside five other ways, in one run.

    python -m tests.benchmarks.trainer [--widths 5 25 100] [--epochs 30]

As in a real run there is one process a core with one thread each, and all of them do the same at the same time. Every
trainer runs the paper's protocol (784 inputs, batch 32, penalty included where it knows one) on the prepared MNIST
subset. Ours trains a block as `stages.cells.jobs` cuts it from the default grid, and its evaluations are timed apart;
the others train for one epoch and evaluate nothing. Seconds are those of the process on its core, the best of the
rounds counts, and the rounds are interleaved, so that other work on the machine does the least harm.

The floor is the time that the arithmetic of a step that nobody can save would take at the rate of a large float32
matrix product: 4 x batch x inputs x width for the first layer, whose gradient by the pixels nobody needs, and
6 x batch x width x classes for the second.
"""

import argparse
import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sklearn
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from stages.base import tensors
from stages.base.datasets import CLASSES
from stages.base.machine import cores
from stages.base.params import parse
from stages.cells.cell import fit_cell
from stages.cells.jobs import Job, split
from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.options import Options
from tests.workspace import ROOT

SEEDS, BATCH, LR, ALPHA = 10, 32, 0.001, 0.01


def block(width: int, workers: int) -> Job:
    """The first job of that width in the default grid."""
    params = parse((ROOT / "params.yaml").read_text())
    cells = [fit_cell(params.data, params.train, CLASSES, width, alpha, "") for alpha in params.grid.alpha]
    return split(cells, workers, "cpu", 784)[0]


def ours(data: DataSet, job: Job, epochs: int) -> tuple[float, float]:
    """Seconds a model and epoch, without the evaluations and of them."""
    evaluating = 0.0

    def timed(*args: Any) -> Any:
        nonlocal evaluating
        began = time.process_time()
        found = scores(*args)
        evaluating += time.process_time() - began
        return found

    scores = mlp.scores
    options = Options(**{**job.options[0], "epochs": epochs})
    alphas = sorted(one["alpha"] for one in job.options)
    start = time.process_time()
    with patch.object(mlp, "scores", timed):
        fit(data.train, data.test, options, classes=data.classes, alphas=alphas, seeds=job.seeds)
    runs = len(alphas) * len(job.seeds) * epochs
    return (time.process_time() - start - evaluating) / runs, evaluating / runs


class ImageDataset(Dataset[tuple[Tensor, int]]):
    """As the published code has it: each image made a PIL one, as torchvision's MNIST does, ToTensor, Normalize."""

    def __init__(self, data: Images) -> None:
        self.images = ((data.pixels * 0.3081 + 0.1307) * 255).round().to(torch.uint8).view(-1, 28, 28)
        self.labels = data.labels.tolist()
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index].numpy(), mode="L")), self.labels[index]


def network(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))


def papers_loop(dataset: ImageDataset, width: int, epochs: int) -> int:
    model = network(width)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    loader = DataLoader(dataset, batch_size=BATCH, shuffle=True)
    for _ in range(epochs):
        for images, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss = loss + ALPHA * sum(torch.linalg.norm(p, 1) for p in model.parameters())
            loss.backward()
            optimizer.step()
    return 1


def plain_loop(data: Images, width: int, epochs: int) -> int:
    """The careful version: tensors in memory, an epoch's order drawn at once."""
    model = network(width)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for _ in range(epochs):
        for index in torch.randperm(len(data.labels)).split(BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(data.pixels[index]), data.labels[index])
            loss = loss + ALPHA * sum(torch.linalg.norm(p, 1) for p in model.parameters())
            loss.backward()
            optimizer.step()
    return 1


def stacked(data: Images, width: int, epochs: int) -> int:
    """torch.func: vmap over grad of S stacked models."""
    models = [network(width) for _ in range(SEEDS)]
    params, buffers = stack_module_state(models)
    skeleton = network(width).to("meta")

    def loss(p: Any, b: Any, x: Tensor, y: Tensor) -> Tensor:
        out = nn.functional.cross_entropy(functional_call(skeleton, (p, b), (x,)), y)
        return torch.add(out, ALPHA * sum(torch.linalg.norm(w, 1) for w in p.values()))

    gradients = vmap(grad(loss), in_dims=(0, 0, 0, 0))
    with torch.no_grad():
        for _ in range(epochs):
            order = torch.stack([torch.randperm(len(data.labels)) for _ in range(SEEDS)])
            for index in order.split(BATCH, dim=1):
                found = gradients(params, buffers, data.pixels[index], data.labels[index])
                for name, gradient in found.items():
                    params[name].sub_(gradient, alpha=LR)
    return SEEDS


def scikit_learn(data: Images, width: int, epochs: int) -> int:
    """No such penalty; alpha is its L2 strength."""
    model = MLPClassifier((width,), solver="sgd", alpha=ALPHA, batch_size=BATCH, learning_rate_init=LR, momentum=0.0)
    x, y = data.pixels.numpy(), data.labels.numpy()
    for _ in range(epochs):
        model.partial_fit(x, y, classes=range(10))
    return 1


def floor(images: int, width: int) -> float:
    """Seconds a model and epoch, from the rate of large products during a second."""
    a = torch.randn(1024, 1024)
    start, count = time.process_time(), 0
    while time.process_time() < start + 1:
        a @ a
        count += 1
    rate = 2 * len(a) ** 3 * count / (time.process_time() - start)
    return images * (4 * 784 * width + 6 * width * 10) / rate


OURS, EVALUATIONS, FLOOR = "ours", "ours: evaluations", "the floor"


def measure(path: str, workers: int, epochs: int, rounds: int, width: int) -> dict[str, float]:
    """Seconds a model and epoch of each trainer."""
    torch.set_num_threads(1)
    arrays, about = tensors.from_bytes(Path(path).read_bytes())
    data = DataSet.of(arrays, about["classes"], "cpu")
    dataset, train, job = ImageDataset(data.train), data.train, block(width, workers)
    others: dict[str, Callable[[], float]] = {
        "the paper's loop": lambda: papers_loop(dataset, width, 1),
        "plain PyTorch loop": lambda: plain_loop(train, width, 1),
        "torch.func, 10 stacked": lambda: stacked(train, width, 1),
        "scikit-learn": lambda: scikit_learn(train, width, 1),
    }
    best = dict.fromkeys([OURS, EVALUATIONS, FLOOR, *others], float("inf"))
    for _ in range(rounds):
        training, evaluating = ours(data, job, epochs)
        found = {OURS: training, EVALUATIONS: evaluating, FLOOR: floor(len(train.labels), width)}
        for name, one in others.items():
            start = time.process_time()
            models = one()
            found[name] = (time.process_time() - start) / models
        best = {name: min(best[name], seconds) for name, seconds in found.items()}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[5, 10, 25, 50, 100])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", default="data/prepared/data.safetensors")
    args = parser.parse_args()
    if not Path(args.data).exists():
        raise SystemExit(f"error: {args.data} is missing; to make it: dvc repro prepare")
    workers = cores()
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # before NumPy is imported over there
    found = {}
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for width in args.widths:
            one = partial(measure, args.data, workers, args.epochs, args.rounds)
            side_by_side = pool.map(one, [width] * workers, chunksize=1)
            found[width] = {name: sum(each[name] for each in side_by_side) / workers for name in side_by_side[0]}

    table = Table(title="milliseconds a model and epoch (times ours without evaluations)")
    table.add_column("")
    for width in args.widths:
        job = block(width, workers)
        table.add_column(f"width {width}: {len(job.cells)} alphas, {len(job.seeds)} seeds", justify="right")
    for name in found[args.widths[0]]:
        table.add_row(name, *(f"{1e3 * t[name]:.2f} ({t[name] / t[OURS]:.2f})" for t in found.values()))
    Console(width=140).print(table)
    print(
        f"{workers} processes of one thread each, torch {torch.__version__}, scikit-learn {sklearn.__version__}, "
        f"Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
