"""The real download code against real folders and a real HTTP server."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from stages.base.files import UserError
from stages.download import digits, fetch_verified
from tests.workspace import Workspace

NAME = "some.gz"
CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says what goes wrong."""

    busy = 0

    def do_GET(self) -> None:
        trouble = self.path.split("/")[1]
        if trouble == "missing":
            self.send_error(404)
            return
        if trouble in ("busy", "always-busy"):
            Handler.busy += 1
            if trouble == "always-busy" or Handler.busy <= 2:
                self.send_response(503)
                self.send_header("Retry-After", "3600")  # not for a mirror to decide
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
        if trouble == "silent":
            time.sleep(2)
            return
        if trouble == "circle":
            self.send_response(302)
            self.send_header("Location", self.path)
            self.end_headers()
            return
        self.send_response(200)
        if trouble != "endless":
            self.send_header("Content-Length", "many" if trouble == "odd-length" else str(len(CONTENT)))
        self.end_headers()
        if trouble == "endless":
            with suppress(ConnectionError):
                while True:
                    self.wfile.write(CONTENT)
        if trouble == "stalled":
            self.wfile.write(CONTENT[:1000])
            time.sleep(2)
            return
        if trouble == "trickling":
            with suppress(ConnectionError):
                for i in range(len(CONTENT)):
                    self.wfile.write(CONTENT[i : i + 1])
                    time.sleep(0.1)
        altered = b"?" + CONTENT[1:] if trouble == "altered" else CONTENT
        self.wfile.write(altered[: len(CONTENT) // 2] if trouble == "cut" else altered)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:  # a client that hangs up is what some tests are about
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / NAME).write_bytes(CONTENT)
    return tmp_path / "mirror"


def test_a_folder_and_a_server_give_the_same_verified_file(folder: Path, server: str, tmp_path: Path) -> None:
    for mirror in (str(folder), f"{server}/good", f"{server}/good/", f"{server}/odd-length"):
        target = tmp_path / "target"
        fetch_verified([mirror], NAME, MD5, target)
        assert target.read_bytes() == CONTENT
        target.unlink()


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("missing", "HTTP status 404"),
        ("altered", f"102,400 bytes with md5 {hashlib.md5(b'?' + CONTENT[1:]).hexdigest()}, not {MD5}"),
        ("cut", "51200 bytes read"),
        ("circle", "redirects"),
        ("always-busy", "busy (HTTP status 5xx), asked four times"),
        ("silent", "no answer in 0.3 s"),
        ("stalled", "no answer in 0.3 s"),
        ("trickling", "bytes read"),
        ("endless", "more than 200,000 bytes"),
    ],
)
def test_a_bad_mirror_gets_one_line_and_the_next_one_is_tried(
    trouble: str,
    told: str,
    server: str,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("stages.download.TIMEOUT_S", 0.3)
    monkeypatch.setattr("stages.download.LONGEST_S", 1.0)
    monkeypatch.setattr("stages.download.LARGEST", 200_000)
    fetch_verified([f"{server}/{trouble}", str(folder)], NAME, MD5, tmp_path / "target")
    first, second = capsys.readouterr().err.strip().splitlines()
    assert first.startswith(f"{server}/{trouble}: {NAME}: ")
    assert told in first
    assert str(folder) in second
    assert (tmp_path / "target").read_bytes() == CONTENT


@pytest.mark.parametrize("mirror", ["http://a..b", "http://[", "[red]nowhere", "/no/[/mnist]"])
def test_a_mirror_that_is_no_address_is_passed_over(
    mirror: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch_verified([mirror, str(folder)], NAME, MD5, tmp_path / "target")
    assert capsys.readouterr().err.startswith(f"{mirror}: {NAME}: ")


def test_a_folders_name_is_shown_as_it_is(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    odd = folder.rename(tmp_path / "[red]")
    fetch_verified([str(odd)], NAME, MD5, tmp_path / "target")
    assert f"bytes from {odd}, md5" in capsys.readouterr().err


def test_a_busy_server_is_asked_again(server: str, tmp_path: Path) -> None:
    fetch_verified([f"{server}/busy"], NAME, MD5, tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_a_truncated_file_in_a_folder_is_refused_with_its_size(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / NAME).write_bytes(CONTENT[:1000])
    with pytest.raises(UserError, match=r"no mirror gave some\.gz whole and unaltered"):
        fetch_verified([str(folder), str(tmp_path / "nowhere")], NAME, MD5, tmp_path / "target")
    told = capsys.readouterr().err
    assert "1,000 bytes with md5" in told
    assert "nowhere: some.gz: No such file or directory" in told


def test_digits_are_split_evenly_and_completely() -> None:
    content = digits()
    assert content["train_labels"].bincount().tolist() == [100] * 10
    assert len(content["train_labels"]) + len(content["test_labels"]) == 1797
    assert content["train_images"].dtype == torch.uint8
    assert content["train_images"].max() == 16


@pytest.mark.slow
def test_without_any_mirror_the_stage_fails_in_lines_and_leaves_nothing(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, {"data": {"name": "fashion_mnist"}})
    dead = "http://127.0.0.1:9"
    output = workspace.dvc("repro", "download", ok=False, HTTP_PROXY=dead, HTTPS_PROXY=dead)
    assert "fashion-mnist.s3-website.eu-central-1.amazonaws.com/: train-images-idx3-ubyte.gz: " in output
    assert "error: no mirror gave train-images-idx3-ubyte.gz" in output
    assert "Traceback" not in output
    assert not list((tmp_path / "data").rglob("images*"))
