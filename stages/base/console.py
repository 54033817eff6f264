"""What a stage shows: one line for an error, a live bar on a terminal, log lines elsewhere."""

import sys
from collections.abc import Callable

from rich.console import Console

from stages.base.files import UserError

console = Console(stderr=True, highlight=False, soft_wrap=True)


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
