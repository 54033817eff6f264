"""What a stage shows: one line for an error, a live bar on a terminal, log lines elsewhere."""

import sys
from collections.abc import Callable

from rich.console import Console

from stages.files import UserError

console = Console(stderr=True, highlight=False, soft_wrap=True)


def run(main: Callable[[], None]) -> None:
    """Call a stage's main; an error that a person can mend becomes one line and exit status 1."""
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
    except MemoryError as error:
        sys.exit(f"error: out of memory: {error}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'input/output'}: {error.strerror or error}")
