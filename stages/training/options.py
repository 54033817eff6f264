"""What decides a run besides its seed: the options of the two ways to train. Nothing here needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """Stochastic gradient descent on cross-entropy + alpha * penalty; the defaults are the published protocol."""

    width: int  # hidden units
    alpha: float  # strength of the penalty
    epochs: int = 30
    batch_size: int = 32
    lr: float = 0.001
    eval_every: int = 5  # epochs between two points of the training curves
    penalty: str = "induced_1norm"  # a name in penalty.PENALTIES
    solver: str = "subgradient"  # or proximal
    penalty_scale: Sequence[float] = (1.0, 1.0)  # multiplies alpha in the first and in the second layer
    penalize_bias: bool = True
    stop_at_train_error: float | None = None  # a run ends at the first evaluated epoch with at most this error


@dataclass(frozen=True, kw_only=True)
class PruneOptions:
    """Iterative pruning with retraining, after He et al. (2022)."""

    method: str  # a name in pruning.IMPORTANCE: which weights go first
    retraining: str  # a name in pruning.RETRAINING: where training goes on after a round
    label_noise: float  # share of the training labels that are replaced by another class
    width: int  # hidden units
    levels: int  # rounds of pruning and retraining
    share: float  # of the remaining weights, pruned in each round
    epochs: int  # in each round
    batch_size: int
    lr: float  # in the first half of a round's epochs; a tenth of it in the second
