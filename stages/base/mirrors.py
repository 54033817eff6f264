"""Files from the first of several folders or web addresses, the mirrors, that gives them whole and unaltered.

A file counts only with the MD5 sum that was published for it. What was fetched is kept in a folder and checked again
before every use. What a person reads meanwhile: whom is asked for what, what came, and why something did not.
"""

import gzip
import hashlib
import os
import queue
import re
from collections.abc import Iterator, Mapping, Sequence
from http.client import IncompleteRead
from itertools import chain
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from urllib.parse import urlsplit
from urllib.request import url2pathname

import requests
from requests.utils import get_environ_proxies, select_proxy
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError

from stages.base import files
from stages.base.console import console
from stages.base.datasets import ARCHIVES, Published, from_idx
from stages.base.tensors import Array

PATIENCE_S = 5.0  # until a mirror begins to answer
SILENCE_S = 20.0  # between two bytes of a file
LONGEST_S = 900.0  # for a whole file; the largest has 26 MB
LARGEST = 1 << 28  # bytes; several times any file of these sets
TRIES = 3  # of a mirror that is busy or cuts the connection; other faults do not go away by asking again
PAUSE_S = 0.5  # before the second try; twice as long before the third
BUSY = (429, 500, 502, 503, 504)  # HTTP status
FAULTS = (OSError, ValueError, HTTPError)  # of requests, of addresses that are none, of urllib3
CUT = (ConnectionResetError, BrokenPipeError, IncompleteRead)  # the connection, before the file was whole


class NoMirrorError(files.UserError):
    """No mirror gave a file whole and unaltered."""


class BusyError(OSError):
    """The mirror has no time now."""


def published(name: str, source: Published, archives: Path) -> dict[str, Array]:
    """The arrays that ARCHIVES names, decoded from the published files, which are kept in archives/NAME.

    The environment variable NAME_MIRROR names the user's mirror, a folder or a web address, or is empty or unset.
    NoMirrorError: no mirror gave a file; it says what to do.
    """
    variable = f"{name.upper()}_MIRROR"
    try:
        contents = fetch_all(os.environ.get(variable, "").strip(), source.mirrors, source.md5_sums(), archives / name)
    except NoMirrorError as error:
        raise NoMirrorError(
            f"{error}; try again with network, or with {variable}=FOLDER-OR-ADDRESS of the four archives"
        ) from None
    return {array: from_idx(gzip.decompress(contents[archive])) for array, archive in ARCHIVES.items()}


def fetch_all(own: str, mirrors: Sequence[str], md5_sums: Mapping[str, str], kept: Path) -> dict[str, bytes]:
    """The content of every file that `md5_sums` names, from the folder `kept` or else from a mirror.

    `own` is the user's mirror, which is asked before all others, or empty. Of the others the first to answer serves.
    A mirror that gave a file is asked first for the next one. Each new file is written to `kept` at once.

    NoMirrorError: no mirror gave a file. UserError: a file cannot be read from `kept` or written there.
    """
    contents = {}
    asked: list[str] = []  # mirrors that were asked for a file, those that gave one first
    new: Iterator[str] | None = None  # mirrors that were not, in the order in which they answer
    for name, md5 in md5_sums.items():
        content = _kept(kept / name, md5)
        if content is not None:
            contents[name] = content
            continue
        if new is None:
            new = chain(_answering([own] if own else [], name), _answering(mirrors, name))
        for mirror in chain(tuple(asked), new):
            content = _fetch_verified(mirror, name, md5)
            if mirror in asked:
                asked.remove(mirror)
            asked.insert(len(asked) if content is None else 0, mirror)
            if content is not None:
                break
        else:
            raise NoMirrorError(f"no mirror gave {name} whole and unaltered, for the reasons above")
        files.write(kept / name, content)
        contents[name] = content
    return contents


def _kept(path: Path, md5: str) -> bytes | None:
    """The content of a file that was fetched earlier; None if there is none, or a damaged one."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise files.UserError(f"{path} cannot be read: {error.strerror}") from None
    if hashlib.md5(content, usedforsecurity=False).hexdigest() == md5:
        return content
    _say(f"{path} is damaged; it is fetched again")
    return None


def _answering(mirrors: Sequence[str], name: str) -> Iterator[str]:
    """The mirrors that answer within PATIENCE_S, the fastest first. All are asked for the file at the same time.

    A thread for each waits for names and addresses that nobody answers, as long as the system likes; nobody waits for
    the thread.
    """
    folders = [mirror for mirror in mirrors if folder_of(mirror) is not None]
    yield from folders
    waiting = [mirror for mirror in mirrors if mirror not in folders]
    if not waiting:
        return
    answers: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
    _say(f"asking {waiting[0] if len(waiting) == 1 else f'{len(waiting)} mirrors'} for {name}")
    end = monotonic() + PATIENCE_S
    for mirror in waiting:
        Thread(target=_knock, args=(mirror, name, answers), daemon=True).start()
    while waiting:
        try:
            mirror, problem = answers.get(timeout=max(0.0, end - monotonic()))
        except queue.Empty:
            for mirror in waiting:
                _say(f"{mirror}: {name}: no answer in {PATIENCE_S:g} s{_proxy(mirror)}")
            return
        waiting.remove(mirror)
        if problem:
            _say(f"{mirror}: {name}: {problem}")
        else:
            yield mirror


def _knock(mirror: str, name: str, answers: "queue.SimpleQueue[tuple[str, str]]") -> None:
    """Put the mirror, and why it does not answer or an empty text. Any answer will do: what it is worth shows later."""
    try:
        _get(f"{mirror.rstrip('/')}/{name}").close()
    except FAULTS as error:
        if not isinstance(innermost(error), CUT):  # a mirror that cuts is there, and is asked again
            answers.put((mirror, reason(error) + _proxy(mirror)))
            return
    answers.put((mirror, ""))


def _get(url: str) -> requests.Response:
    # identity: some servers would pack the archive once more, others would call it packed and have it unpacked
    return requests.get(url, stream=True, timeout=(PATIENCE_S, SILENCE_S), headers={"Accept-Encoding": "identity"})


def _fetch_verified(mirror: str, name: str, md5: str) -> bytes | None:
    """The mirror's file if it has that MD5 sum, else None; a line tells which, and why."""
    began = monotonic()
    try:
        content = fetch(mirror, name)
    except FAULTS as error:
        timed_out = any(isinstance(cause, TimeoutError | Urllib3TimeoutError) for cause in causes(error))
        problem = f"silent, given up after {monotonic() - began:.1f} s" if timed_out else reason(error)
        _say(f"{mirror}: {name}: {problem}{_proxy(mirror)}")
        return None
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != md5:
        _say(f"{mirror}: {name}: {len(content):,} bytes with md5 {found}, not {md5}")
        return None
    _say(f"{name}: {len(content):,} bytes from {mirror}, md5 as published")
    return content


def fetch(mirror: str, name: str) -> bytes:
    """The bytes of a mirror's file, unchecked; one of FAULTS where it does not give them."""
    folder = folder_of(mirror)
    if folder is not None:
        return (folder / name).read_bytes()
    for tried in range(1, TRIES):
        try:
            return _download(f"{mirror.rstrip('/')}/{name}", name)
        except FAULTS as error:
            if not isinstance(innermost(error), (BusyError, *CUT)):
                raise
            sleep(PAUSE_S * tried)
    return _download(f"{mirror.rstrip('/')}/{name}", name)


def _download(url: str, name: str) -> bytes:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    if not console.is_terminal:
        _say(f"fetching {url}")
    content = bytearray()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"asking for {name}", total=None)
        with _get(url) as response:
            if response.status_code in BUSY:
                raise BusyError(f"busy (HTTP status {response.status_code}), asked {TRIES} times")
            if response.status_code != requests.codes.ok:
                raise OSError(f"HTTP status {response.status_code}")
            length = response.headers.get("Content-Length", "")
            progress.update(task, description=name, total=int(length) if length.isdecimal() else None)
            end = monotonic() + LONGEST_S
            while chunk := response.raw.read1(1 << 16, decode_content=False):
                content += chunk
                progress.advance(task, len(chunk))
                if len(content) > LARGEST:
                    raise OSError(f"more than {LARGEST:,} bytes")
                if monotonic() > end:
                    raise OSError(f"too slow: {len(content):,} bytes in {LONGEST_S:g} s")
    return bytes(content)


def folder_of(mirror: str) -> Path | None:
    """The folder that a mirror's text names, as a path, with ~ or as file://; None for an address on the web."""
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", mirror):
        return Path(os.path.expanduser(mirror))  # leaves the ~ of a user whom nobody knows
    return Path(url2pathname(urlsplit(mirror).path)) if mirror.lower().startswith("file://") else None


def _proxy(mirror: str) -> str:
    """Which proxy stands before a mirror, in brackets, or nothing."""
    if folder_of(mirror) is not None:
        return ""
    try:
        proxy = select_proxy(mirror, get_environ_proxies(mirror))
    except ValueError:  # the address is none
        return ""
    return f" (proxy {proxy})" if proxy else ""


def causes(error: BaseException) -> list[BaseException]:
    """The error, what caused it, what caused that, and so on; requests and urllib3 wrap the cause several times."""
    found = [error]
    while True:
        last = found[-1]
        candidates = (last.__cause__, getattr(last, "reason", None), *last.args, last.__context__)
        new = [one for one in candidates if isinstance(one, BaseException) and one not in found]
        if not new:
            return found
        found.append(new[0])


def innermost(error: BaseException) -> BaseException:
    """The first cause of an error."""
    return causes(error)[-1]


def reason(error: BaseException) -> str:
    """Why a mirror gave no file, in a few words: the first cause."""
    cause = innermost(error)
    if isinstance(cause, CUT):
        return f"the connection was cut, {TRIES} times"
    message = getattr(cause, "verify_message", None)
    if message:
        return f"its certificate is not trusted, {message}; REQUESTS_CA_BUNDLE names a file of authorities to trust"
    return files.one_line(getattr(cause, "strerror", None) or cause, 160)


def _say(line: str) -> None:
    """Show a line, without the names and passwords that addresses in it may hold."""
    console.print(re.sub(r"(://)[^/\s]*@", r"\1", line), markup=False)
