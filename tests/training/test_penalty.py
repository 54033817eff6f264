import pytest
import torch
from torch import Tensor

from stages.training.penalty import PENALTIES

W = torch.tensor([[[1.0, -4.0], [2.0, 3.0]]])  # columns sum to 3 and 7
BIAS = torch.tensor([[[1.0], [-2.0]]])


def step(kind: str, how: str, w: Tensor, size: float) -> Tensor:
    moved = w.clone()
    getattr(PENALTIES[kind], how)(moved, size, torch.empty_like(w))
    return moved


@pytest.mark.parametrize(
    ("kind", "matrix", "bias"), [("induced_1norm", 7, 3), ("l1", 10, 3), ("l2", 15, 2.5), ("none", 0, 0)]
)
def test_values_counted_by_hand(kind: str, matrix: float, bias: float) -> None:
    assert PENALTIES[kind].value(W).tolist() == [matrix]
    assert PENALTIES[kind].value(BIAS).tolist() == [bias]


def test_the_induced_norm_is_torchs_norm_of_order_1() -> None:
    w, b = torch.randn(4, 5, 6), torch.randn(4, 5, 1)
    torch.testing.assert_close(PENALTIES["induced_1norm"].value(w), torch.linalg.norm(w, 1, dim=(1, 2)))
    torch.testing.assert_close(PENALTIES["induced_1norm"].value(b), torch.linalg.norm(b[..., 0], 1, dim=1))


def test_the_induced_norm_moves_its_largest_column_alone() -> None:
    assert step("induced_1norm", "subgradient", W, 0.5).tolist() == [[[1.0, -3.5], [2.0, 2.5]]]


@pytest.mark.parametrize("kind", sorted(PENALTIES.keys() - {"none"}))
@pytest.mark.parametrize("shape", [(3, 4, 6), (3, 4, 1)])
def test_a_subgradient_step_is_a_step_along_autograds_gradient(kind: str, shape: tuple[int, ...]) -> None:
    w = torch.randn(shape, requires_grad=True)
    gradient = torch.autograd.grad(PENALTIES[kind].value(w).sum(), w)[0]
    torch.testing.assert_close(step(kind, "subgradient", w.detach(), 0.01), w.detach() - 0.01 * gradient)


@pytest.mark.parametrize("kind", [kind for kind, penalty in PENALTIES.items() if penalty.proximal])
def test_no_point_near_a_proximal_step_is_a_better_minimum(kind: str) -> None:
    generator = torch.Generator().manual_seed(0)
    w, size = torch.randn(1, 4, 6, generator=generator), 0.3
    found = step(kind, "proximal", w, size)

    def objective(v: Tensor) -> float:
        return (size * PENALTIES[kind].value(v) + (v - w).square().sum((1, 2)) / 2).item()

    for _ in range(200):
        other = found + 0.05 * torch.randn(found.shape, generator=generator)
        assert objective(other) > objective(found)


def test_soft_thresholding_makes_exact_zeros() -> None:
    assert step("l1", "proximal", torch.tensor([[[0.3, -0.3, 0.2, -1.0]]]), 0.25).tolist() == [
        [[pytest.approx(0.05), pytest.approx(-0.05), 0.0, -0.75]]
    ]


def test_a_step_of_size_zero_moves_nothing() -> None:
    for kind, penalty in PENALTIES.items():
        assert torch.equal(step(kind, "subgradient", W, 0.0), W)
        if penalty.proximal:
            assert torch.equal(step(kind, "proximal", W, 0.0), W)
