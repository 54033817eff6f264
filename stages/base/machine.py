"""This machine's cores and memory, and the refusal, before anything is computed, of what will not fit."""

import os
from pathlib import Path

from stages.base.files import UserError

PROCESS = 600 << 20  # bytes of one with torch loaded


def cores() -> int:
    """That this process may use, as Dask counts them: by the machine, the affinity and the control groups."""
    from dask.system import CPU_COUNT  # a tenth of a second, which is for those who compute

    return int(CPU_COUNT)


def workers_asked() -> int:
    """How many processes train side by side: SDD_WORKERS, or one a core."""
    text = os.environ.get("SDD_WORKERS") or str(cores())
    if not (text.isdecimal() and int(text) > 0):
        raise UserError(f"SDD_WORKERS={text}: must be a whole number from 1 on")
    return int(text)


def device_asked() -> str:
    """cpu or cuda, from SDD_DEVICE: a machine's own affair, so no parameter. UserError for another word."""
    name = os.environ.get("SDD_DEVICE") or "cpu"
    if name not in ("cpu", "cuda"):
        raise UserError(f"SDD_DEVICE={name}: must be cpu or cuda")
    return name


def memory(root: Path = Path("/")) -> int:
    """Bytes that this process and its like may use together: the machine's, or the least of its control groups'."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    try:
        groups = dict(line.split(":", 2)[1:] for line in (root / "proc/self/cgroup").read_text().splitlines())
    except OSError:  # not Linux
        return found[0]
    for kind, name, file in (("", "", "memory.max"), ("memory", "memory", "memory.limit_in_bytes")):  # version 2, 1
        top = root / "sys/fs/cgroup" / name
        group = top / groups.get(kind, "/").lstrip("/")
        limits = [folder / file for folder in (group, *group.parents) if folder.is_relative_to(top)]
        texts = [limit.read_text().strip() for limit in limits if limit.exists()]
        found += [int(text) for text in texts if text != "max"]
    return min(found)


def threads(needed: int) -> int:
    """As many as there are cores, but no more than memory holds if each needs so many bytes; at least one."""
    return max(1, min(cores(), (memory() - PROCESS) // max(needed, 1)))


def refuse_too_large(what: str, remedy: str, *needed: int, here: int | None = None) -> None:
    """UserError if processes that need so many bytes each, besides torch's, do not fit side by side into this machine's
    memory, or into one of `here` bytes."""
    here = memory() if here is None else here
    total = sum(bytes_ + PROCESS for bytes_ in needed)
    if total > here:
        raise UserError(f"{what}: takes about {total / 2**30:.1f} GiB, {here / 2**30:.1f} GiB are there; {remedy}")
