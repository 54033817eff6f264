"""Images shifted by whole pixels. What is shifted in is background, the smallest of all pixel values."""

import torch
from torch import Tensor


def offsets(most: int) -> list[tuple[int, int]]:
    """All shifts (down, right) of at most so many pixels along each side; the first one moves nothing."""
    steps = range(-most, most + 1)
    return sorted(((down, right) for down in steps for right in steps), key=lambda one: (one != (0, 0), one))


def sources(inputs: int, shifts: list[tuple[int, int]]) -> Tensor:
    """Which pixel of the image each pixel of the shifted one shows, (K, D); D where it shows background.

    Raise ValueError where images of D pixels are not square.
    """
    side = round(inputs**0.5)
    if side * side != inputs:
        raise ValueError(f"images of {inputs} pixels are not square, and cannot be shifted")
    rows, columns = torch.arange(inputs) // side, torch.arange(inputs) % side
    found = []
    for down, right in shifts:
        row, column = rows - down, columns - right
        inside = (row >= 0) & (row < side) & (column >= 0) & (column < side)
        found.append(torch.where(inside, row * side + column, inputs))
    return torch.stack(found)


def shifted(pixels: Tensor, sources: Tensor, background: Tensor) -> Tensor:
    """Images (n, D) moved as `sources` say, (n, D) of each image or (D,) of all; background is a number, ()."""
    padded = torch.cat([pixels, background.expand(len(pixels), 1)], 1)  # (n, D + 1)
    return padded.gather(1, sources.expand(len(pixels), -1))
