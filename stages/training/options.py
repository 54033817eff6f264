"""What decides a run besides its seed. Nothing here needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass

OWN_IMAGES, OWN_LABELS = ("images", "all"), ("noise", "all")  # values of `redraw`


@dataclass(frozen=True, kw_only=True)
class Common:
    """The network, and the training set that a run has; see `sets`."""

    width: int  # hidden units in each hidden layer
    depth: int = 1  # hidden layers
    batch_size: int = 32
    images: int | None = None  # in the training set; None: all that the prepared data have
    label_noise: float = 0.0  # share of the training labels that are replaced by another class
    redraw: str = "none"  # what every run draws for itself: none, noise, images or all
    data_seed: int = 0  # of what is drawn

    @property
    def widths_trained(self) -> Sequence[int]:
        """Of all networks that a run trains."""
        return [self.width]


@dataclass(frozen=True, kw_only=True)
class Options(Common):
    """Gradient descent on a loss + alpha * penalty; the defaults are the published protocol."""

    alpha: float  # strength of the penalty
    epochs: int = 30
    loss: str = "cross_entropy"  # a name in mlp.LOSSES
    rule: str = "sgd"  # a name in rules.RULES
    lr: float = 0.001
    lr_scale: Sequence[float] = (1.0, 1.0)  # multiplies lr, for each layer
    momentum: float = 0.9  # of the rules momentum and nesterov
    schedule: str = "constant"  # a name in schedule.SCHEDULES
    decay_share: float = 0.2  # of the epochs, the last ones: where decay_last takes a tenth of lr
    eval_every: int = 5  # epochs between two points of the training curves
    average_epochs: int = 6  # weights and errors are averaged over the ends of so many last epochs, or of all
    penalty: str = "induced_1norm"  # a name in penalty.PENALTIES
    solver: str = "subgradient"  # or proximal
    penalty_scale: Sequence[float] = (1.0, 1.0)  # multiplies alpha, for each layer
    penalize_bias: bool = True
    shift: int = 0  # pixels by which a training image is moved at most, along each side, drawn anew in every epoch
    stop_at_train_error: float | None = None  # a run ends at the first evaluated epoch with at most this error
