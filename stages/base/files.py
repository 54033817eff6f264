"""Whole files in, whole files out: parameters, tensors, and the error that a person gets for a bad one."""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from stages.base import tensors
from stages.base.params import Params, ParamsError, parse
from stages.base.studies import Studies, parse_studies
from stages.base.tensors import Array

T = TypeVar("T")
OTHER_KIND = (
    "it is a file of another kind (a table of your own is judged by python -m stages.commands.judge); to make it anew: "
    "dvc repro"
)


class UserError(Exception):
    """What was wrong, where, and what to do, in one line."""


def one_line(error: object, most: int | None = None) -> str:
    """What an error says, or the name of its class where it says nothing, on one line of at most so many characters."""
    return " ".join((str(error) or type(error).__name__).split())[:most]


def read_params() -> Params:
    return _read(parse, "params.yaml", ", git checkout params.yaml takes it back")


def read_studies() -> Studies:
    return _read(parse_studies, "studies/params.yaml", "")  # a checkout would delete studies that are not committed


def _read(parsed: Callable[[str], T], path: str, remedy: str) -> T:
    try:
        return parsed(Path(path).read_text(encoding="utf-8"))
    except ParamsError as error:
        raise UserError(f"{path}: {error} (git diff {path} shows what changed{remedy})") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 text: {error}") from None


def write(path: str | Path, content: bytes) -> None:
    """Write the file whole or not at all, its folder included; what a kill leaves, git and DVC ignore."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, suffix=".partial", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(file.name, 0o644)
                os.replace(file.name, path)
            except BaseException:
                with suppress(FileNotFoundError):  # a signal came when it had its name already
                    os.unlink(file.name)
                raise
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def read_table(path: str | Path, column: str = "dataset") -> Any:
    """A DataFrame with that column; UserError names a file that is no such table."""
    import pandas as pd  # not for those who only read parameters

    try:
        table = pd.read_csv(path)
    except ValueError as error:  # pandas' and of UTF-8
        raise UserError(f"{path} cannot be read ({one_line(error, 100)}); to make it anew: dvc repro") from None
    if column not in table:
        raise UserError(f"{path} holds no {column}, {OTHER_KIND}")
    return table


def read_verdict(path: str | Path, dataset: str) -> dict[str, Any]:
    """That of the data set; UserError names a file that does not hold it."""
    try:
        return dict(json.loads(Path(path).read_text(encoding="utf-8"))[dataset])
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({one_line(error, 100)}); to make it anew: dvc repro") from None


def read_header(path: str | Path, remedy: str, key: str) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    """The description that a file of arrays holds and the arrays' shapes, `key` among them, unchecked.

    UserError names a missing or damaged file and the command that makes it anew.
    """
    try:
        about, shapes = tensors.header(path)
    except (FileNotFoundError, ValueError):
        about, shapes = {}, {}
    if "digest" not in about or key not in shapes:
        raise UserError(f"{path} is missing or damaged; to make it: {remedy}")
    return about, shapes


def read_tensors(path: str | Path, remedy: str, key: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the description that a file holds, `key` among the arrays.

    UserError names a missing, damaged or other file and the command that makes it anew.
    """
    try:
        arrays, about = tensors.from_bytes(Path(path).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path} is missing; to make it: {remedy}") from None
    except ValueError as error:
        raise UserError(f"{path} cannot be read ({error}); to make it anew: {remedy}") from None
    if key not in arrays:
        raise UserError(f"{path} holds no {key}, it is a file of another kind; to make it anew: {remedy}")
    return arrays, about
