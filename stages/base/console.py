"""How a stage or command meets a person: options from its main's parameters, one line for an error."""

import argparse
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin

from rich.console import Console

from stages.base.files import UserError

console = Console(stderr=True, highlight=False, soft_wrap=True)


def arguments(main: Callable[..., None], words: list[str]) -> tuple[list[Any], dict[str, Any]]:
    """What to call main with, read from a command line by main's signature; argparse's exit if it does not fit.

    `*names` and parameters before a `/` are given by place, the others as --name. A parameter with a default may be
    left out, a bool is a flag, and a tuple[str, ...] may be given several times. Annotated[type, "words"] says what an
    option is for; what main's module is for stands above the options.
    """
    parameters = inspect.signature(main, eval_str=True).parameters.values()
    module = inspect.getmodule(main)
    parser = argparse.ArgumentParser(
        prog=f"python -m {module.__spec__.name}" if module and module.__spec__ else None,
        description=inspect.getdoc(module),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    by_place = []
    for parameter in parameters:
        kind, about = _described(parameter.annotation)
        optional = parameter.default is not parameter.empty
        if parameter.kind is parameter.VAR_POSITIONAL:
            by_place.append(parameter.name)
            parser.add_argument(parameter.name, nargs="*", type=kind, help=about)
        elif parameter.kind is parameter.POSITIONAL_ONLY:
            by_place.append(parameter.name)
            nargs = "?" if optional else None
            parser.add_argument(parameter.name, nargs=nargs, type=kind, default=parameter.default, help=about)
        elif kind is bool:
            parser.add_argument(f"--{parameter.name}", action="store_true", help=about)
        elif kind == tuple[str, ...]:
            parser.add_argument(f"--{parameter.name}", action="append", default=[], help=about)
        else:
            option = f"--{parameter.name.replace('_', '-')}"
            parser.add_argument(option, type=kind, required=not optional, default=parameter.default, help=about)
    found = vars(parser.parse_args(words))
    placed: list[Any] = []
    for name in by_place:
        value = found.pop(name)
        placed += value if isinstance(value, list) else [value]
    return placed, found


def _described(annotation: Any) -> tuple[Any, str | None]:
    """The type of a parameter, and the words beside it if there are any."""
    if get_origin(annotation) is Annotated:
        kind, about = get_args(annotation)
        return kind, about
    return annotation, None


def call(main: Callable[..., None], *words: str) -> None:
    """Call main as the command line of these words would; its errors are raised."""
    placed, named = arguments(main, list(words))
    main(*placed, **named)


def run(main: Callable[..., None]) -> None:
    """Call main with this process's command line. An error that a person can mend becomes one line, exit status 1."""
    try:
        call(main, *sys.argv[1:])
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted; run the same command again to go on")
    except MemoryError as error:
        sys.exit(f"error: out of memory: {error}")
    except RuntimeError as error:  # torch's, which is no MemoryError
        if "memory" not in str(error):
            raise
        sys.exit(f"error: out of memory: {str(error).splitlines()[0]}")
    except OSError as error:
        sys.exit(f"error: {error.filename or 'input/output'}: {error.strerror or error}")
