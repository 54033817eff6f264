"""What a model costs to train: our trainer beside five other ways, in one run, on one thread.

    python -m tests.benchmarks.trainer [--widths 5 25 100] [--epochs 1]

Every trainer runs the paper's protocol (784 inputs, batch 32, penalty included where it knows one) for the same number
of epochs on the prepared MNIST subset, none of them evaluates; the best of three rounds counts, and the rounds are
interleaved, so that a noisy machine slows all alike. The floor is the time that the run's arithmetic (6 x batch x
parameters operations a step) would take at the rate of a large float32 matrix product.
"""

import argparse
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
from stages.training import mlp
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.options import Options
from stages.training.procedures import DataSet

SEEDS, BATCH, LR, ALPHA = 10, 32, 0.001, 0.01


def ours(data: Images, width: int, epochs: int) -> int:
    # the evaluation at epoch 0 and at the last two is on one image, so as not to be timed
    one = Images(data.pixels[:1], data.labels[:1])
    options = Options(width=width, alpha=ALPHA, epochs=epochs, batch_size=BATCH, lr=LR, eval_every=10**6)
    fit(data, one, options, classes=10, alphas=[ALPHA] * SEEDS, seeds=range(SEEDS))
    return SEEDS


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


def floor(data: Images, width: int, epochs: int) -> float:
    """One large product, and how many models' training its operations would make."""
    a = torch.randn(2048, 2048)
    a @ a
    parameters = sum(w[0].numel() for w in mlp.init(784, width, 10, [torch.Generator()]))
    return 2 * len(a) ** 3 / (6 * len(data.labels) * epochs * parameters)


def measure(data: Images, width: int, epochs: int, rounds: int = 3) -> dict[str, float]:
    """Seconds a model and epoch of each trainer."""
    dataset = ImageDataset(data)
    trainers: dict[str, Callable[[], float]] = {
        "ours, 10 seeds": lambda: ours(data, width, epochs),
        "the paper's loop": lambda: papers_loop(dataset, width, epochs),
        "plain PyTorch loop": lambda: plain_loop(data, width, epochs),
        "torch.func, 10 stacked": lambda: stacked(data, width, epochs),
        "scikit-learn": lambda: scikit_learn(data, width, epochs),
        "the floor": lambda: floor(data, width, epochs),
    }
    best = dict.fromkeys(trainers, float("inf"))
    for _ in range(rounds):
        for name, train in trainers.items():
            start = time.perf_counter()
            models = train()
            best[name] = min(best[name], (time.perf_counter() - start) / models / epochs)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[5, 10, 25, 50, 100])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--data", default="data/prepared/data.safetensors")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not Path(args.data).exists():
        raise SystemExit(f"error: {args.data} is missing; to make it: dvc repro prepare")
    arrays, about = tensors.from_bytes(Path(args.data).read_bytes())
    data = DataSet.of(arrays, about["classes"], "cpu").train
    found = {width: measure(data, width, args.epochs) for width in args.widths}

    table = Table(title="milliseconds a model and epoch (times ours)")
    table.add_column("")
    for width in args.widths:
        table.add_column(f"width {width}", justify="right")
    for name in found[args.widths[0]]:
        cells = [f"{1e3 * t[name]:.1f} ({t[name] / t['ours, 10 seeds']:.2f})" for t in found.values()]
        table.add_row(name, *cells)
    Console(width=120).print(table)
    print(
        f"one thread, torch {torch.__version__}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    )


if __name__ == "__main__":
    main()
