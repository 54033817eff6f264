"""What a stage shows: one line for an error, a live bar on a terminal, log lines elsewhere."""

import os
import sys
from collections.abc import Callable

from rich.console import Console

from stages.base.files import UserError

console = Console(stderr=True, highlight=False, soft_wrap=True)


def device_from_environment() -> str:
    """cpu or cuda, from SDD_DEVICE: a machine's own affair, so no parameter."""
    import torch

    name = os.environ.get("SDD_DEVICE", "cpu")
    if name not in ("cpu", "cuda"):
        raise UserError(f"SDD_DEVICE={name}: must be cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("SDD_DEVICE=cuda: torch finds no CUDA device here; unset SDD_DEVICE to use the CPU")
    return name


def run(main: Callable[[], None]) -> None:
    """Call a stage's main; an error that a person can mend becomes one line and exit status 1."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted")
    except MemoryError as error:
        sys.exit(f"error: out of memory: {error}")
    except RuntimeError as error:  # torch's, which is no MemoryError
        if "memory" not in str(error):
            raise
        sys.exit(f"error: out of memory: {str(error).splitlines()[0]}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'input/output'}: {error.strerror or error}")
