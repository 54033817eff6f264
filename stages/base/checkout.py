"""Which folder this checkout is, also for an experiment that DVC runs in a folder below it."""

from pathlib import Path


def checkout() -> Path:
    """The working directory, or the checkout in whose .dvc it lies: `dvc exp run --temp` copies a checkout there."""
    here = Path.cwd()
    outer = [parent for parent in (here, *here.parents) if parent.name == ".dvc"]
    return outer[-1].parent if outer else here
