"""How sure networks are and whether they are right to be, and how often their units switch."""

import torch
from torch import Tensor

from stages.measure.activations import Activations, by_column

COLUMNS = ("calibration_error", "train_margin", "test_margin", "firing_entropy", "firing_entropy_given_class")
BINS = 15


def columns(
    train: Activations, labels: Tensor, test_logits: Tensor, test_labels: Tensor, loss: str = "cross_entropy"
) -> dict[str, Tensor]:
    """A value a network (S,) from its activations on its training images and its logits (S, N, C) on test images.

    The training labels, (n,) or (S, n) where runs differ, are those that it was trained with; the test labels are (N,).
    calibration_error: see `calibration_error`. The outputs are the softmax's, or of a network trained by the squared
        loss the logits.
    train_margin, test_margin: the logit of the label minus the largest other logit, in the mean over the images.
    firing_entropy: the entropy, in bits, of whether a hidden unit fires on a training image, in the mean over all
        hidden units (Quetu & Tartaglione 2023, "DSD2"). Their code takes the mean over batches of 400 images, this one
        all images at once. It is at most 1; where it is 0 the network is linear on these images.
    firing_entropy_given_class: the same within a class, in the mean over the images' given classes. Subtracted from
        firing_entropy it leaves the information that a unit's firing has about the given class.
    A network that puts out an inf or a nan has nan in all columns.
    """
    given = labels.expand(len(train.logits), -1)  # (S, n)
    whole = train.finite & test_logits.isfinite().all(2).all(1)
    rows = []
    for run, finite in enumerate(whole.tolist()):
        row: dict[str, float] = {}
        if finite:
            logits = test_logits[run].double()  # (N, C)
            outputs = logits if loss == "squared" else logits.softmax(1)
            fires = torch.cat([hidden[run] > 0 for hidden in train.hidden], 1)  # (n, units of all hidden layers)
            row = {
                "calibration_error": calibration_error(outputs, test_labels),
                "train_margin": margin(train.logits[run].double(), given[run]),
                "test_margin": margin(logits, test_labels),
                "firing_entropy": firing_entropy(fires, torch.zeros_like(given[run])),
                "firing_entropy_given_class": firing_entropy(fires, given[run]),
            }
        rows.append(row)
    return by_column(rows, COLUMNS)


def calibration_error(outputs: Tensor, labels: Tensor) -> float:
    """Expected calibration error of outputs (N, C) for images with labels (N,).

    Guo et al. (2017), "On calibration of modern neural networks", eq. 3: the difference between accuracy and mean
    confidence in each of 15 equal intervals of confidence, in the mean over the images. Bin m holds the confidences in
    ((m - 1) / 15, m / 15]; those below 0 and above 1, which logits can have, belong to the first and the last one.
    """
    confidence, decisions = outputs.max(1)
    bins = ((confidence * BINS).ceil().long() - 1).clamp(0, BINS - 1)
    excess = (decisions == labels).double() - confidence  # (N,)
    of_bin = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, excess)
    return float(of_bin.abs().sum()) / len(labels)


def margin(logits: Tensor, labels: Tensor) -> float:
    """The label's logit minus the largest of the others, in the mean over the images; logits (n, C), labels (n,)."""
    of_label = logits.gather(1, labels[:, None])  # (n, 1)
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(1, keepdim=True)
    return float((of_label - others).mean())


def firing_entropy(fires: Tensor, groups: Tensor) -> float:
    """Entropy in bits of a unit's firing within a group of images, in the mean over units and images.

    `fires` (n, H) says which units fire on which images, `groups` (n,) which group an image belongs to.
    """
    member = torch.nn.functional.one_hot(groups).float()  # (n, G)
    sizes = member.sum(0)[:, None]  # (G, 1)
    share = ((member.T @ fires.float()) / sizes.clamp(min=1)).double()  # (G, H)
    entropy = -(torch.xlogy(share, share) + torch.xlogy(1 - share, 1 - share)) / torch.log(torch.tensor(2.0).double())
    return float((entropy * sizes).sum() / (len(groups) * fires.shape[1]))
