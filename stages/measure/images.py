"""The images that trained networks are measured on, as tensors."""

from collections.abc import Mapping

import torch

from stages.base.datasets import CLASSES
from stages.base.params import Params
from stages.base.tensors import Array
from stages.cells.cell import fit_cell
from stages.training.images import Images
from stages.training.options import Options
from stages.training.sets import training_sets


def training_images(prepared: Mapping[str, Array], params: Params) -> Images:
    """The training sets of the grid's runs, from the arrays of the prepared data; their labels as they were trained."""
    pool = Images(torch.from_numpy(prepared["train_pixels"]), torch.from_numpy(prepared["train_labels"]))
    options = Options(**fit_cell(params.data, params.train, width=1, alpha=0.0, folder="").options)
    return training_sets(pool, options, range(params.train.seeds), CLASSES)[0]


def test_images(prepared: Mapping[str, Array]) -> Images:
    return Images(torch.from_numpy(prepared["test_pixels"]), torch.from_numpy(prepared["test_labels"]))
