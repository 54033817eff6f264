"""Stage `download`: one data set's images and labels as published, checked against torchvision's md5 sums.

The environment variable MNIST_MIRROR (FASHION_MNIST_MIRROR, KMNIST_MIRROR) names a folder or a URL prefix that is
tried before torchvision's own mirrors. A file that no mirror gives whole and unaltered ends the stage.
"""

import argparse
import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any

import requests
import torch
from requests.adapters import HTTPAdapter
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from torchvision import datasets
from torchvision.datasets.utils import calculate_md5
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from stages.base import files, tensors
from stages.base.console import console, run

TIMEOUT_S = 20.0  # without a byte
LONGEST_S = 900.0  # for a whole file; the largest has 10 MB
LARGEST = 1 << 28  # bytes; several times any file of these sets
DIGITS_TRAIN_PER_CLASS = 100  # scikit-learn's digits come in one piece: the first 100 of each class, and the rest


def fetch(mirror: str, name: str, target: Path) -> None:
    """Copy or download one file; OSError (requests' errors among them) says what went wrong."""
    if not mirror.startswith(("http://", "https://")):
        shutil.copyfile(Path(mirror) / name, target)
        return
    session = requests.Session()
    busy = (500, 502, 503, 504)
    again = Retry(total=3, backoff_factor=0.5, status_forcelist=busy, respect_retry_after_header=False)
    session.mount("http://", HTTPAdapter(max_retries=again))
    session.mount("https://", HTTPAdapter(max_retries=again))
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with (
        session.get(f"{mirror.rstrip('/')}/{name}", stream=True, timeout=TIMEOUT_S) as response,
        open(target, "wb") as file,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        response.raise_for_status()
        length = response.headers.get("Content-Length", "")
        task = progress.add_task(name, total=int(length) if length.isdecimal() else None)
        end = Timer(LONGEST_S, response.raw.shutdown)  # of a connection that trickles on
        end.daemon = True
        end.start()
        try:
            for chunk in response.iter_content(1 << 16):
                file.write(chunk)
                if file.tell() > LARGEST:
                    raise OSError(f"more than {LARGEST:,} bytes")
                progress.advance(task, len(chunk))
        finally:
            end.cancel()


def fetch_verified(mirrors: list[str], name: str, md5: str, target: Path) -> None:
    """The file from the first mirror that gives it with this md5 sum; UserError tells of every mirror's failure."""
    problems = []
    for mirror in mirrors:
        try:
            fetch(mirror, name, target)
        except (OSError, HTTPError) as error:  # HTTPError: of urllib3, of an address that is none
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):  # here, not there
                raise files.UserError(f"{target} cannot be written: {_reason(error)}") from None
            problems.append(f"{mirror}: {name}: {_reason(error)}")
        else:
            found = calculate_md5(target)
            if found == md5:
                size = f"{target.stat().st_size:,} bytes"
                console.print(f"{name}: {size} from {mirror}, md5 as published", markup=False)
                return
            problems.append(f"{mirror}: {name}: {target.stat().st_size:,} bytes with md5 {found}, not {md5}")
        console.print(problems[-1], markup=False)
    raise files.UserError(f"no mirror gave {name} whole and unaltered ({len(problems)} tried, see above)")


def _reason(error: OSError | HTTPError) -> str:
    if isinstance(error, requests.HTTPError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"no answer in {TIMEOUT_S:g} s"
    if isinstance(error, requests.exceptions.RetryError):
        return "busy (HTTP status 5xx), asked four times"
    if isinstance(error, requests.ConnectionError) and "resolve" in str(error):
        return "host not found"
    return getattr(error, "strerror", None) or " ".join(str(error).split())[:160]


def torchvision_set(dataset: type[datasets.MNIST], variable: str) -> dict[str, Any]:
    """A set in MNIST's format; the environment variable names a mirror that is tried first."""
    own = os.environ.get(variable)
    with tempfile.TemporaryDirectory() as root:
        raw = Path(root) / dataset.__name__ / "raw"
        raw.mkdir(parents=True)
        for file, md5 in dataset.resources:
            fetch_verified([own, *dataset.mirrors] if own else dataset.mirrors, file, md5, raw / file)
        # torchvision takes verified archives that lie in place, and decodes them
        train, test = (dataset(root, train=part, download=True) for part in (True, False))
        return {
            "train_images": train.data,
            "train_labels": train.targets.to(torch.uint8),
            "test_images": test.data,
            "test_labels": test.targets.to(torch.uint8),
        }


def digits() -> dict[str, Any]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = torch.as_tensor(bunch.images).to(torch.uint8), torch.as_tensor(bunch.target).to(torch.uint8)
    earlier = torch.stack([(labels[:i] == labels[i]).sum() for i in range(len(labels))])  # of the same class
    train = earlier < DIGITS_TRAIN_PER_CLASS
    return {
        "train_images": images[train],
        "train_labels": labels[train],
        "test_images": images[~train],
        "test_labels": labels[~train],
    }


# how to get each data set, the pixel value that becomes 1, and mean and spread of the training file's pixels after that
SETS: dict[str, tuple[Callable[[], dict[str, Any]], float, float, float]] = {
    "mnist": (partial(torchvision_set, datasets.MNIST, "MNIST_MIRROR"), 255, 0.1307, 0.3081),
    "fashion_mnist": (partial(torchvision_set, datasets.FashionMNIST, "FASHION_MNIST_MIRROR"), 255, 0.2860, 0.3530),
    "kmnist": (partial(torchvision_set, datasets.KMNIST, "KMNIST_MIRROR"), 255, 0.1918, 0.3483),
    "digits": (digits, 16, 0.3072, 0.3764),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    name = files.read_params().data.name
    get, largest, mean, std = SETS[name]
    about = {"dataset": name, "largest": float(largest), "mean": mean, "std": std}
    arrays = {key: value.numpy() for key, value in get().items()}
    files.write(args.out, tensors.to_bytes(arrays, about))


if __name__ == "__main__":
    run(main)
