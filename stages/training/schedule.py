"""How the learning rate changes from epoch to epoch: what it is multiplied by. Nothing here needs torch."""

import math
from collections.abc import Callable

# (epoch, epochs, share) -> factor; epochs count from 1, share is train.decay_share
SCHEDULES: dict[str, Callable[[int, int, float], float]] = {
    "constant": lambda epoch, epochs, share: 1.0,
    # a tenth after half of the epochs, a hundredth after three quarters of them
    "step": lambda epoch, epochs, share: 1.0 if 2 * epoch <= epochs else 0.1 if 4 * epoch <= 3 * epochs else 0.01,
    "inverse_sqrt": lambda epoch, epochs, share: epoch**-0.5,
    "cosine": lambda epoch, epochs, share: (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2,
    # a tenth in the last share of the epochs
    "decay_last": lambda epoch, epochs, share: 1.0 if epoch <= epochs - round(share * epochs) else 0.1,
}
