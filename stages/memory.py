"""Refuse, before anything trains, what will not fit into this machine's memory."""

import os
from pathlib import Path

from stages.core.memory import needed
from stages.core.params import Params
from stages.files import UserError


def limit() -> int:
    """Bytes that this process and its like may use together: the machine's, or its control group's if that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no such group, or "max"
        return machine


def refuse_too_large(params: Params, widths: list[int], data: bytes) -> None:
    """UserError if cells of these widths do not fit in memory side by side; `data` are the prepared file's bytes."""
    inputs = len(data) // (40 * (params.data.train_per_class + params.data.test_per_class))
    train = params.train
    total = sum(needed(inputs, width, train.seeds, train.batch_size) for width in widths)
    if total > limit():
        what = f"width {widths[0]}" if len(widths) == 1 else f"{len(widths)} cells side by side, widths {widths}"
        raise UserError(
            f"{what}: {train.seeds} seeds need about {total / 2**30:.1f} GiB, {limit() / 2**30:.1f} GiB are here; "
            "narrower, fewer train.seeds, a smaller train.batch_size, or sweep with fewer --workers"
        )
