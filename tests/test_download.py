"""The real download code against real folders, real HTTP servers and real proxies."""

import hashlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from stages.base import mirrors, tensors
from stages.base.files import UserError
from stages.base.mirrors import NoMirrorError, fetch_all
from tests.official import OFFICIAL, needs_official
from tests.workspace import ROOT

NAME, OTHER = "some.gz", "other.gz"
CONTENT = bytes(range(256)) * 400
MD5 = hashlib.md5(CONTENT).hexdigest()
ALTERED = b"?" + CONTENT[1:]
DEAD = "http://127.0.0.1:9"  # a port that nobody listens on


class Handler(BaseHTTPRequestHandler):
    """The first part of the path says what goes wrong."""

    asked: list[str]  # every path, in order
    released: threading.Event  # at the end of a test

    def do_GET(self) -> None:
        self.asked.append(self.path)
        trouble = self.path.removeprefix("http://nowhere.invalid").split("/")[1]
        if trouble == "silent":
            self.released.wait()
            return
        if trouble == "aborted" or (trouble == "aborted-once" and self.asked.count(self.path) == 2):
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        status = {"missing": 404, "busy": 503, "circle": 302}.get(trouble, 200)
        if trouble == "busy-twice" and self.asked.count(self.path) in (2, 3):
            status = 503
        self.send_response(status)
        if status == 302:
            self.send_header("Location", self.path)
        if status == 503:
            self.send_header("Retry-After", "3600")  # not for a mirror to decide
        if trouble == "marked":
            self.send_header("Content-Encoding", "gzip")
        if trouble == "chunked":
            self.send_header("Transfer-Encoding", "chunked")
        elif trouble != "endless":
            length = len(CONTENT) if status == 200 else 0
            self.send_header("Content-Length", "many" if trouble == "odd-length" else str(length))
        self.end_headers()
        self.close_connection = trouble in ("odd-length", "cut", "cut-once", "endless")
        if status == 200:
            with suppress(ConnectionError):
                self.give(trouble)

    def give(self, trouble: str) -> None:
        while trouble == "endless":
            self.wfile.write(CONTENT)
        if trouble == "stalled":
            self.wfile.write(CONTENT[:1000])
            self.released.wait()
        elif trouble == "trickling":
            for i in range(len(CONTENT)):
                self.wfile.write(CONTENT[i : i + 1])
                self.released.wait(0.02)
        elif trouble == "chunked":
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(CONTENT), CONTENT))
        elif trouble == "cut" or (trouble == "cut-once" and self.asked.count(self.path) == 2):
            self.wfile.write(CONTENT[: len(CONTENT) // 2])
        else:
            self.wfile.write(ALTERED if trouble == "altered" else CONTENT)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 50

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.released = threading.Event()
        members = {"asked": self.asked, "released": self.released, "protocol_version": "HTTP/1.1"}
        super().__init__(("127.0.0.1", 0), type("Handler", (Handler,), members))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:  # a client that hangs up is what some tests are about
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        yield http
        http.released.set()
        http.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    for name in (NAME, OTHER):
        (tmp_path / "mirror" / name).write_bytes(CONTENT)
    return tmp_path / "mirror"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, and no proxy of this machine's."""
    monkeypatch.setattr(mirrors, "SILENCE_S", 0.5)
    monkeypatch.setattr(mirrors, "LONGEST_S", 0.5)
    monkeypatch.setattr(mirrors, "LARGEST", 200_000)
    monkeypatch.setattr(mirrors, "PAUSE_S", 0.01)
    for variable in [name for name in os.environ if name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(variable)


def get(own: str, others: list[str], kept: Path, names: tuple[str, ...] = (NAME,)) -> None:
    """Fetch the files, which must come whole, also into the folder `kept`."""
    contents = fetch_all(own, others, dict.fromkeys(names, MD5), kept)
    assert contents == dict.fromkeys(names, CONTENT)
    assert {name: (kept / name).read_bytes() for name in names} == contents


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What a person reads, without the lines that say who is asked."""
    told = capsys.readouterr().err.splitlines()
    return [line for line in told if not line.startswith(("asking ", "fetching "))]


def test_every_spelling_of_a_folder_gives_the_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    odd = folder.rename(tmp_path / "a [red] folder")
    quoted = str(odd).replace(" ", "%20")
    spellings = (
        str(odd),
        f"{odd}/",
        "a [red] folder",
        "~/a [red] folder",
        f"file://{quoted}",
        f"FILE://localhost{quoted}/",
    )
    for i, spelling in enumerate(spellings):
        get(spelling, [], tmp_path / f"kept{i}")


@pytest.mark.parametrize("path", ["good", "good/", "odd-length", "chunked", "marked"])
def test_a_server_gives_the_file_as_it_is_however_it_describes_it(path: str, server: Server, tmp_path: Path) -> None:
    get(f"{server.url.replace('http', 'HTTP')}/{path}", [], tmp_path / "kept")


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ("missing", "HTTP status 404"),
        ("altered", f"102,400 bytes with md5 {hashlib.md5(ALTERED).hexdigest()}, not {MD5}"),
        ("cut", "the connection was cut, 3 times"),
        ("aborted", "the connection was cut, 3 times"),
        ("circle", "Exceeded 30 redirects."),
        ("busy", "busy (HTTP status 503), asked 3 times"),
        ("stalled", "silent, given up after 0."),
        ("trickling", "bytes in 0.5 s"),
        ("endless", "more than 200,000 bytes"),
    ],
)
def test_a_bad_mirror_gets_one_line_with_the_cause_and_the_next_one_is_asked(
    trouble: str, told: str, server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get(f"{server.url}/{trouble}", [str(folder)], tmp_path / "kept")
    first, second = lines(capsys)
    assert first.startswith(f"{server.url}/{trouble}: {NAME}: ")
    assert told in first
    assert second == f"{NAME}: 102,400 bytes from {folder}, md5 as published"


@pytest.mark.parametrize(
    ("mirror", "told"),
    [
        ("http://a..b", ""),
        ("http://[", ""),
        ("s3://bucket", "No connection adapters were found for 's3://bucket/some.gz'"),
        (DEAD, "Connection refused"),
        ("[red]nowhere", "No such file or directory"),
        ("/no/[/mnist]", "No such file or directory"),
        ("file:///%00", "embedded null byte"),
        ("~nobody-of-this-name/mnist", "No such file or directory"),
    ],
)
def test_a_mirror_that_is_none_gets_one_line_and_the_next_one_is_asked(
    mirror: str, told: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get(mirror, [str(folder)], tmp_path / "kept")
    first, _ = lines(capsys)
    assert first.startswith(f"{mirror}: {NAME}: ")
    assert told in first


@pytest.mark.parametrize("trouble", ["busy-twice", "cut-once", "aborted-once"])
def test_a_mirror_that_is_busy_or_cuts_is_asked_again(trouble: str, server: Server, tmp_path: Path) -> None:
    get(f"{server.url}/{trouble}", [], tmp_path / "kept")


def test_a_mirror_whose_certificate_nobody_signed_is_told_from_one_that_is_away(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    try:
        files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
        subprocess.run([*made, *files], check=True, capture_output=True)
    except OSError:
        pytest.skip("there is no openssl here to make a certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with Server() as http:
        http.socket = context.wrap_socket(http.socket, server_side=True)
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        get(http.url.replace("http", "https"), [str(folder)], tmp_path / "kept")
        http.shutdown()
    assert "its certificate is not trusted, self-signed certificate; REQUESTS_CA_BUNDLE" in lines(capsys)[0]


def test_silent_mirrors_are_waited_for_all_at_once(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(mirrors, "PATIENCE_S", 0.3)
    monkeypatch.setattr(mirrors, "SILENCE_S", 20.0)
    silent = [f"{server.url}/silent/{i}" for i in range(5)]
    began = time.monotonic()
    with pytest.raises(NoMirrorError, match=r"no mirror gave some\.gz whole and unaltered"):
        get("", silent, tmp_path / "kept")
    assert time.monotonic() - began < 5 * 0.3
    told = capsys.readouterr().err.splitlines()
    assert told == [f"asking 5 mirrors for {NAME}", *(f"{mirror}: {NAME}: no answer in 0.3 s" for mirror in silent)]


def test_a_silent_mirror_does_not_delay_one_that_answers(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    get("", [f"{server.url}/silent", f"{server.url}/good"], tmp_path / "kept")
    assert time.monotonic() - began < mirrors.PATIENCE_S / 2


def test_the_users_mirror_is_asked_first_and_where_it_gives_all_no_other_is(server: Server, tmp_path: Path) -> None:
    get(f"{server.url}/mine", [f"{server.url}/other"], tmp_path / "kept", (NAME, OTHER))
    assert {path.split("/")[1] for path in server.asked} == {"mine"}


def test_a_mirror_that_failed_for_one_file_is_not_asked_for_the_next(server: Server, tmp_path: Path) -> None:
    get(f"{server.url}/stalled", [f"{server.url}/good"], tmp_path / "kept", (NAME, OTHER))
    assert f"/good/{OTHER}" in server.asked
    assert f"/stalled/{OTHER}" not in server.asked


def test_a_mirror_that_has_some_of_the_files_gives_these_and_others_the_rest(
    server: Server, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / OTHER).unlink()
    get(str(folder), [f"{server.url}/good"], tmp_path / "kept", (NAME, OTHER))
    told = lines(capsys)
    assert told[0] == f"{NAME}: 102,400 bytes from {folder}, md5 as published"
    assert told[1] == f"{folder}: {OTHER}: No such file or directory"
    assert told[2] == f"{OTHER}: 102,400 bytes from {server.url}/good, md5 as published"


def test_a_fetched_file_is_kept_and_not_fetched_again_unless_it_is_damaged(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    get(str(folder), [], kept)
    capsys.readouterr()
    get("", [], kept)
    assert capsys.readouterr().err == ""
    (kept / NAME).write_bytes(ALTERED)
    get(str(folder), [], kept)
    assert lines(capsys)[0] == f"{kept / NAME} is damaged; it is fetched again"


def test_what_came_before_the_last_mirror_failed_is_kept(folder: Path, tmp_path: Path) -> None:
    (folder / OTHER).write_bytes(CONTENT[:1000])
    with pytest.raises(NoMirrorError, match=r"no mirror gave other\.gz whole and unaltered"):
        get(str(folder), [str(tmp_path / "nowhere")], tmp_path / "kept", (NAME, OTHER))
    get("", [], tmp_path / "kept")


def test_a_proxy_is_used_and_named_without_its_password(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    away = "http://nowhere.invalid"
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("//", "//me:secret@"))
    get(f"{away}/good", [], tmp_path / "kept")
    with pytest.raises(NoMirrorError):
        get(f"{away}/missing", [], tmp_path / "else")
    assert lines(capsys)[-1] == f"{away}/missing: {NAME}: HTTP status 404 (proxy {server.url})"
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    with pytest.raises(NoMirrorError):
        get(f"{away}/good", [], tmp_path / "else")
    assert lines(capsys) == [f"{away}/good: {NAME}: Connection refused (proxy {DEAD})"]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    get(f"{server.url}/good", [], tmp_path / "direct")


def test_a_mirrors_password_is_not_shown(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    get(f"{server.url.replace('//', '//me:sec@ret@')}/good", [], tmp_path / "kept")
    with pytest.raises(NoMirrorError):
        get("s3://me:secret@bucket", [], tmp_path / "else")
    told = capsys.readouterr().err
    assert f"{server.url}/good" in told
    assert "No connection adapters were found for 's3://bucket/some.gz'" in told
    assert "sec" not in told
    assert "ret@" not in told


def test_a_folder_that_cannot_keep_a_file_is_no_mirrors_fault(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(UserError, match=rf"{tmp_path}/data/kept/some\.gz cannot be (read|written): Not a directory"):
        get(str(folder), [], tmp_path / "data/kept")


class Project:
    """A folder with parameters, the committed part of MNIST and, when a stage has run, its outputs."""

    told: str  # by the first download
    seconds: float  # that it took

    def __init__(self, path: Path, **changes: str) -> None:
        self.path = path
        text = (ROOT / "params.yaml").read_text()
        for key, value in changes.items():
            old = next(line for line in text.splitlines() if line.startswith(f"  {key}: "))
            text = text.replace(old, f"  {key}: {value}", 1)
        (path / "params.yaml").write_text(text)
        (path / "data").mkdir(exist_ok=True)
        (path / "data/mnist_subset.npz").write_bytes((ROOT / "data/mnist_subset.npz").read_bytes())

    def run(self, stage: str, *arguments: str, ok: bool = True, **environment: str) -> str:
        """What a stage tells; without a home, a git identity, a network or torch."""
        code = f"""
import sys
from stages import {stage}
from stages.base.console import run
sys.argv[1:] = {arguments!r}
run({stage}.main)
assert "torch" not in sys.modules and "torchvision" not in sys.modules
"""
        env = {"PYTHONPATH": str(ROOT), "HOME": "/nonexistent", "HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD, **environment}
        done = subprocess.run([sys.executable, "-c", code], cwd=self.path, env=env, capture_output=True, text=True)
        assert (done.returncode == 0) == ok, done.stderr
        assert "Traceback" not in done.stderr
        return done.stderr

    def download(self, ok: bool = True, **environment: str) -> str:
        return self.run("download", "--out", "data/raw/images.safetensors", ok=ok, **environment)

    def prepare(self, ok: bool = True) -> str:
        arguments = "--raw data/raw/images.safetensors --out data/prepared/data.safetensors"
        return self.run("prepare", *arguments.split(), ok=ok)

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """MNIST, downloaded and prepared without network."""
    project = Project(tmp_path_factory.mktemp("offline"))
    began = time.monotonic()
    project.told = project.download()
    project.seconds = time.monotonic() - began
    project.prepare()
    return project


def test_without_network_the_committed_images_take_mnists_place_within_seconds(offline: Project) -> None:
    assert offline.seconds < 5
    told = offline.told
    assert "ossci-datasets.s3.amazonaws.com/mnist/: t10k-labels-idx1-ubyte.gz: Connection refused (proxy" in told
    last = told.splitlines()[-1]
    assert last.startswith("No mirror gave MNIST, so data/mnist_subset.npz takes its place: ")
    assert last.endswith("which are all that is asked for.")
    arrays, about = tensors.from_bytes(offline.read("data/prepared/data.safetensors"))
    assert arrays["train_pixels"].shape == arrays["test_pixels"].shape == (5000, 784)
    assert np.bincount(arrays["train_labels"]).tolist() == np.bincount(arrays["test_labels"]).tolist() == [500] * 10
    assert about["dataset"] == "mnist"


@needs_official
def test_the_committed_images_give_the_same_prepared_bytes_as_the_whole_set(offline: Project, tmp_path: Path) -> None:
    project = Project(tmp_path)
    assert "No mirror" not in project.download(MNIST_MIRROR=str(OFFICIAL))
    raw = "data/raw/images.safetensors"
    assert project.read(raw) == offline.read(raw)
    project.prepare()
    prepared = "data/prepared/data.safetensors"
    assert project.read(prepared) == offline.read(prepared)
    assert project.download() == ""  # the official files are kept


def test_more_images_than_are_committed_end_in_one_line_and_leave_what_was_there(offline: Project) -> None:
    before = offline.read("data/prepared/data.safetensors")
    try:
        told = Project(offline.path, train_per_class="600").download(ok=False)
    finally:
        Project(offline.path)
    assert told.splitlines()[-1].startswith(
        "error: params.yaml: data.train_per_class: 600 is more than the 500 images of a class in data/mnist_subset.npz"
        ", and no mirror gave t10k-labels-idx1-ubyte.gz whole and unaltered, for the reasons above; try again with "
    )
    assert offline.read("data/prepared/data.safetensors") == before


def test_without_network_another_set_ends_in_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    project = Project(tmp_path, name="fashion_mnist")
    told = project.download(ok=False)
    assert "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/: t10k-labels-idx1-ubyte.gz: " in told
    assert told.splitlines()[-1] == (
        "error: no mirror gave t10k-labels-idx1-ubyte.gz whole and unaltered, for the reasons above; try again with "
        "network, or with FASHION_MNIST_MIRROR=FOLDER-OR-ADDRESS of the four archives"
    )
    assert not (tmp_path / "data/raw").exists()


def test_a_changed_part_of_mnist_is_never_used(tmp_path: Path) -> None:
    project = Project(tmp_path)
    with open(tmp_path / "data/mnist_subset.npz", "r+b") as file:
        file.seek(100_000)
        file.write(b"?")
    restore = "to restore it: git checkout data/mnist_subset.npz\n"
    assert project.download(ok=False).endswith(f"error: data/mnist_subset.npz is damaged or was changed; {restore}")
    (tmp_path / "data/mnist_subset.npz").unlink()
    assert project.download(ok=False).endswith(f"error: data/mnist_subset.npz is missing; {restore}")
    assert not (tmp_path / "data/raw").exists()
