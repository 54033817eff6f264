import pytest
import torch
from torch import Tensor

from stages.training.mlp import Layer
from stages.training.penalty import PENALTIES, Sizes

W = torch.tensor([[[1.0, -4.0], [2.0, 3.0]]])  # columns sum to 3 and 7
BIAS = torch.tensor([[[1.0], [-2.0]]])
LAYER = Layer(W, BIAS)


def random(seed: int = 0, networks: int = 3) -> Layer:
    generator = torch.Generator().manual_seed(seed)
    return Layer(torch.randn(networks, 4, 6, generator=generator), torch.randn(networks, 4, 1, generator=generator))


def step(kind: str, how: str, layer: Layer, size: float, target: Layer | None = None) -> Layer:
    """What becomes of the layer, or of the target."""
    moved = Layer(*map(torch.clone, layer))
    into = moved if target is None else Layer(*map(torch.clone, target))
    sizes = torch.full((len(layer.weight), 1, 1), size, dtype=torch.float64)
    getattr(PENALTIES[kind], how)(Sizes(sizes, sizes))(moved, into, Layer(*map(torch.empty_like, layer)))
    return into


def having(how: str) -> list[str]:
    return [kind for kind, penalty in PENALTIES.items() if getattr(penalty, how)]


@pytest.mark.parametrize(
    ("kind", "value"),
    [("induced_1norm", 10), ("l1", 13), ("l2", 17.5), ("elastic", 30.5), ("l0", 4), ("l0_count", 4), ("none", 0)],
)
def test_values_counted_by_hand(kind: str, value: float) -> None:
    assert PENALTIES[kind].value(LAYER).tolist() == [value]


def test_the_induced_norm_is_torchs_norm_of_order_1() -> None:
    w, b = layer = random()
    theirs = torch.linalg.norm(w, 1, dim=(1, 2)) + torch.linalg.norm(b[..., 0], 1, dim=1)
    torch.testing.assert_close(PENALTIES["induced_1norm"].value(layer), theirs)


def test_the_induced_norm_moves_its_largest_column_alone() -> None:
    assert step("induced_1norm", "subgradient", LAYER, 0.5).weight.tolist() == [[[1.0, -3.5], [2.0, 2.5]]]


@pytest.mark.parametrize("kind", having("subgradient"))
@pytest.mark.parametrize("into_another", [False, True])
def test_a_subgradient_step_is_a_step_along_autograds_gradient(kind: str, into_another: bool) -> None:
    layer, other = random(), random(1)
    along = [part.requires_grad_() for part in random()]
    gradients = torch.autograd.grad(PENALTIES[kind].value(Layer(*along)).sum(), along, allow_unused=True)
    found = step(kind, "subgradient", layer, 0.01, other if into_another else None)
    for moved, start, gradient in zip(found, other if into_another else layer, gradients, strict=True):
        torch.testing.assert_close(moved, start if gradient is None else start - 0.01 * gradient)


@pytest.mark.parametrize("kind", [kind for kind in having("proximal") if not PENALTIES[kind].constraint])
def test_no_point_near_a_proximal_step_is_a_better_minimum(kind: str) -> None:
    layer, size = random(networks=1), 0.3
    found = step(kind, "proximal", layer, size)

    def objective(v: Layer) -> float:
        distance = sum((a - b).square().sum() for a, b in zip(v, layer, strict=True))
        return (size * PENALTIES[kind].value(v) + distance / 2).item()

    generator = torch.Generator().manual_seed(0)
    for _ in range(200):
        other = Layer(*(part + 0.05 * torch.randn(part.shape, generator=generator) for part in found))
        assert objective(other) > objective(found)


def test_soft_thresholding_makes_exact_zeros() -> None:
    layer = Layer(torch.tensor([[[0.3, -0.3, 0.2, -1.0]]]), torch.zeros(1, 1, 1))
    assert step("l1", "proximal", layer, 0.25).weight.tolist() == [
        [[pytest.approx(0.05), pytest.approx(-0.05), 0.0, -0.75]]
    ]


def test_the_first_of_equal_columns_moves() -> None:
    equal: Tensor = torch.ones(1, 2, 5)
    moved = step("induced_1norm", "subgradient", Layer(equal, BIAS), 0.5).weight
    assert moved[0, 0].tolist() == [0.5, 1.0, 1.0, 1.0, 1.0]


def test_the_groups_of_a_hidden_unit_are_its_row_with_its_bias_or_its_column() -> None:
    layer = Layer(torch.tensor([[[3.0, 0.0], [0.0, 0.0]]]), torch.tensor([[[4.0], [-2.0]]]))
    assert PENALTIES["group_l1"].value(layer).tolist() == [7]
    assert PENALTIES["group_l1_out"].value(layer).tolist() == [3]


@pytest.mark.parametrize("size", [0.5, 2.0])
def test_block_soft_thresholding_shortens_every_group_by_the_step_and_makes_units_exactly_zero(size: float) -> None:
    layer = random()
    w, b = layer
    rows = torch.cat([w, b], 2)
    moved = step("group_l1", "proximal", layer, size)
    expected = rows * (1 - size / rows.norm(dim=2, keepdim=True)).clamp(min=0)
    torch.testing.assert_close(torch.cat(tuple(moved), 2), expected)
    assert ((torch.cat(tuple(moved), 2) == 0).all(2) == (rows.norm(dim=2) <= size)).all()
    columns = step("group_l1_out", "proximal", layer, size)
    expected = w * (1 - size / w.norm(dim=1, keepdim=True)).clamp(min=0)
    torch.testing.assert_close(columns.weight, expected)
    assert torch.equal(columns.bias, b)


def test_groups_without_their_biases_leave_the_biases_alone() -> None:
    layer = random()
    size = torch.full((3, 1, 1), 0.5, dtype=torch.float64)
    moved = Layer(*map(torch.clone, layer))
    PENALTIES["group_l1"].proximal(Sizes(size, None))(moved, moved, layer)  # type: ignore[misc]
    expected = layer.weight * (1 - 0.5 / layer.weight.norm(dim=2, keepdim=True)).clamp(min=0)
    torch.testing.assert_close(moved.weight, expected)
    assert torch.equal(moved.bias, layer.bias)


@pytest.mark.parametrize("kind", ["group_l1", "group_l1_out"])
def test_a_unit_at_zero_stays_there_under_a_subgradient(kind: str) -> None:
    zero = Layer(torch.zeros(3, 4, 6), torch.zeros(3, 4, 1))
    assert all((part == 0).all() for part in step(kind, "subgradient", zero, 0.1))


@pytest.mark.parametrize("share", [0.0, 0.25, 0.9, 1.0])
def test_hard_thresholding_keeps_the_largest_weights_as_they_are(share: float) -> None:
    layer = Layer(*(part[None] for part in random()))  # (S, A, out, in)
    sizes = torch.full((3, 1, 1), share, dtype=torch.float64)
    moved = Layer(*map(torch.clone, layer))
    PENALTIES["l0"].proximal(Sizes(sizes, sizes))(moved, moved, layer)  # type: ignore[misc]
    for before, after in zip(layer.weight[0], moved.weight[0], strict=True):
        kept = after != 0
        assert kept.sum() == 24 - round(24 * share)
        assert torch.equal(after[kept], before[kept])
        if 0 < share < 1:
            assert before[kept].abs().min() > before[~kept].abs().max()
    assert torch.equal(moved.bias, layer.bias)
