"""Images and labels as the trainer takes them: the same ones for all runs, or others for each."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import Tensor


class Images(NamedTuple):
    """n images for each of S runs."""

    pixels: Tensor  # (P, D), normalised, float32
    labels: Tensor  # (n,), int64, or (S, n) where each run has labels of its own
    chosen: Tensor | None = None  # (S, n): which of the pixels each run sees; None: all of them, n = P

    @property
    def per_run(self) -> int:
        """n"""
        return self.labels.shape[-1]

    def of_run(self, place: int) -> tuple[Tensor, Tensor]:
        """One run's pixels (n, D) and labels (n,)."""
        pixels = self.pixels if self.chosen is None else self.pixels[self.chosen[place]]
        return pixels, self.labels if self.labels.dim() == 1 else self.labels[place]

    def at(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """The pixels' rows (S, k) and the labels (S, k) of these of each run's images, (S, k)."""
        rows = places if self.chosen is None else self.chosen.gather(1, places)
        if self.labels.dim() == 1:
            return rows, self.labels.index_select(0, places.flatten()).view(places.shape)
        return rows, self.labels.gather(1, places)

    def where(self, kept: Tensor) -> "Images":
        """Those of the images that are kept, (n,) or (S, n), bool, as many of each run."""
        if kept.dim() == 1 and self.chosen is None:
            return Images(self.pixels[kept], self.labels[..., kept])
        runs = len(kept) if self.chosen is None else len(self.chosen)
        places = kept.expand(runs, -1).nonzero()[:, 1].view(runs, -1)
        rows, labels = self.at(places)
        return Images(self.pixels, labels, rows)

    def parts(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images in order, so many at once: (S, D, B), and labels (S, B); 1 for S of what is the same for all."""
        labels = self.labels.view(-1, self.per_run).split(size, 1)
        if self.chosen is None:
            for pixels, of_part in zip(self.pixels.split(size), labels, strict=True):
                yield pixels.T[None], of_part
        else:
            for rows, of_part in zip(self.chosen.split(size, 1), labels, strict=True):
                yield self.pixels[rows].mT, of_part
