"""The training set of each run: which images, and which wrong labels.

As published, all runs have the same set, and differ in initial weights and in the order of the images. `redraw` says
what each run draws for itself instead: its wrong labels, its images, or both. It draws from the seed of the data and
its own seed, so runs that are added later change nothing.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from stages.training.images import Images
from stages.training.options import OWN_IMAGES, OWN_LABELS, Common

IMAGES, LABELS = 1, 2  # what a run draws, each from a generator of its own


def generator(seed: int, run: int | None = None, what: int = LABELS) -> torch.Generator:
    """For what all runs share, from the seed alone; for what a run draws for itself, from its own seed as well."""
    if run is None:
        return torch.Generator().manual_seed(seed)
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, run, what]).generate_state(1, np.uint64)[0]))


def balanced(labels: Tensor, count: int, classes: int, generator: torch.Generator | None = None) -> Tensor:
    """Places (count,) of so many of the labels (N,): the first of each class, or with a generator drawn ones.

    Class after class, and as many of each: of the first classes one more, where the classes do not divide the count.
    ValueError where a class has fewer.
    """
    chosen = []
    for label in range(classes):
        wanted = count // classes + (label < count % classes)
        found = (labels == label).nonzero()[:, 0]
        if len(found) < wanted:
            raise ValueError(f"class {label} has {len(found)} images, not {wanted}")
        order = torch.arange(len(found)) if generator is None else torch.randperm(len(found), generator=generator)
        chosen.append(found[order[:wanted]])
    return torch.cat(chosen)


def with_noise(labels: Tensor, fraction: float, generator: torch.Generator, classes: int) -> Tensor:
    """The labels (N,), int64, with round(fraction * N) of them replaced by another class ("symmetric noise").

    Which labels are replaced and by which of the other classes is drawn uniformly.
    """
    count = round(fraction * len(labels))
    chosen = torch.randperm(len(labels), generator=generator)[:count]
    noisy = labels.clone()
    noisy[chosen] = (labels[chosen] + torch.randint(1, classes, (count,), generator=generator)) % classes
    return noisy


def training_sets(pool: Images, how: Common, seeds: Sequence[int], classes: int) -> tuple[Images, Tensor]:
    """The training sets of the runs with these seeds, and which of their labels are wrong: (n,), or (S, n), bool.

    They are chosen from the pool, the images of the prepared data, whose labels are true. ValueError where a class of
    the pool has too few.
    """
    device, true = pool.pixels.device, pool.labels.cpu()
    count = len(true) if how.images is None else how.images
    pixels, chosen = pool.pixels, None
    if how.redraw in OWN_IMAGES:
        drawn = [balanced(true, count, classes, generator(how.data_seed, seed, IMAGES)) for seed in seeds]
        chosen = torch.stack(drawn)
        true = true[chosen]
    elif count != len(true):
        first = balanced(true, count, classes)
        pixels, true = pixels[first.to(device)], true[first]
    labels = true
    if how.label_noise:
        rows = true.view(-1, count)
        own = how.redraw in OWN_LABELS
        if own:
            rows, generators = rows.expand(len(seeds), -1), [generator(how.data_seed, seed, LABELS) for seed in seeds]
        else:
            generators = [generator(how.data_seed) for _ in rows]  # the same places in each run's images
        pairs = zip(rows, generators, strict=True)
        noisy = torch.stack([with_noise(row, how.label_noise, one, classes) for row, one in pairs])
        labels = noisy if own or true.dim() > 1 else noisy[0]
    images = Images(pixels, labels.to(device), None if chosen is None else chosen.to(device))
    return images, (labels != true).to(device)
