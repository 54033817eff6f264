"""MNIST's four official files, where this machine has them as a folder."""

import os
from pathlib import Path

import pytest

from tests.workspace import ROOT

OFFICIAL = Path(os.environ.get("MNIST_MIRROR") or ROOT.parent / "shared/mnist")
needs_official = pytest.mark.skipif(
    not OFFICIAL.is_dir(), reason="no folder with MNIST's official files; MNIST_MIRROR names one"
)
