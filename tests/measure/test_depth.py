"""Measures of networks with more than one hidden layer."""

import pandas as pd
import torch

from stages.linear.heads import hidden, random_relu
from stages.measure import runs, sparsity
from stages.training import mlp
from stages.training.batch import DataSet
from stages.training.mlp import Layer, Net
from stages.training.procedures import train
from tests.training.problem import TEST, TRAIN


def deep() -> Net:
    """3 inputs, two hidden layers of 2 and 2 classes, all weights 1."""
    shapes = [(2, 3), (2, 2), (2, 2)]
    return Net(tuple(Layer(torch.ones(1, *shape), torch.zeros(1, shape[0], 1)) for shape in shapes))


def test_a_weight_counts_only_on_a_path_of_nonzero_weights_through_all_layers() -> None:
    net = deep()
    assert sparsity.effective_sparsity(net).tolist() == [0.0]
    net.layers[1].weight[0, 0] = 0  # the first unit of the second layer hears nothing
    # of 14 weights its 2 incoming ones are zero and its 2 outgoing ones are cut off
    assert sparsity.effective_sparsity(net).tolist() == [4 / 14]
    assert sparsity.zero_fraction(net).tolist() == [2 / 14]
    net.layers[2].weight[0, :, 1] = 0  # and nobody hears the second one
    assert sparsity.effective_sparsity(net).tolist() == [1.0]


def test_units_of_every_hidden_layer_are_counted_if_they_fire() -> None:
    net = deep()
    images = torch.rand(20, 3) + 0.1
    assert sparsity.live_units(net, sparsity.Seen.of(images)).tolist() == [4]
    net.layers[1].bias[0, 0] = -1e6
    assert sparsity.live_units(net, sparsity.Seen.of(images)).tolist() == [3]


def test_features_are_the_last_hidden_layer() -> None:
    net = mlp.init(6, 4, 10, [torch.Generator().manual_seed(3)], depth=3)
    inputs, _ = mlp.forward(net, TRAIN.pixels.T[None])
    layers = [Layer(weight[0], bias[0]) for weight, bias in net.layers[:-1]]
    torch.testing.assert_close(hidden(layers, TRAIN.pixels), inputs[-1][0].T)
    assert torch.equal(random_relu(4, 3, 10, 3, TRAIN.pixels), hidden(layers, TRAIN.pixels))


def test_a_deep_cells_rows_end_with_the_errors_of_averaged_weights() -> None:
    scale = [1.0, 1.0, 1.0]
    options = {"width": 4, "alpha": 0.1, "depth": 2, "epochs": 3, "lr_scale": scale, "penalty_scale": scale}
    (cell,) = train("fit", DataSet(TRAIN, TEST, 10), [options], range(3))
    table = runs.rows({"alpha": 0.1}, cell, sparsity.Seen.of(TRAIN.pixels), TRAIN.labels)
    assert table.columns[-2:].tolist() == ["train_error_averaged", "test_error_last"]
    expected = pd.Series(cell["test_error_averaged"], name="test_error_averaged")
    pd.testing.assert_series_equal(table["test_error_averaged"], expected)
    assert (table["live_units"] <= 8).all()
