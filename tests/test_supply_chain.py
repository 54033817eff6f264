"""What gets installed is known to the byte, and its licences are."""

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from tests.workspace import ROOT

# none of these is part of this project's files: they are what pip fetches beside it
KNOWN = {
    "grandalf": "GPLv2 or EPLv1; DVC draws `dvc dag` with it",
    "pygit2": "GPLv2 with an exception for linking; DVC reads git with it",
    "cuda-toolkit": "NVIDIA's, like nvidia-*; PyTorch's Linux build brings them, nothing here needs them on a CPU",
    "asyncssh": "EPL-2.0 or GPL-2.0-or-later; DVC's remotes over ssh use it",
}
FREE = re.compile(
    r"(The |Modified |New |Simplified |[23]-Clause |Dual |\()*"
    r"(MIT|BSD|Apache|ASL|MPL|Mozilla Public|Python Software|PSF|ISC|Zope|ZPL|HPND|Unlicense|0BSD|CNRI|Historical)"
)


def entries(name: str) -> dict[str, str]:
    """By package, what the lock says of it."""
    text = (ROOT / name).read_text()
    return {match[1].lower(): match[0] for match in re.finditer(r"^([\w.-]+)==(?:.*\\\n)*.*\n", text, re.MULTILINE)}


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_package_that_gets_installed_has_its_hashes(name: str) -> None:
    lock = entries(f"{name}.lock")
    assert [package for package, entry in lock.items() if "--hash=sha256:" not in entry] == []
    pins = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"{name}.txt").read_text(), re.MULTILINE)
    assert len(pins) > 5
    for package, version in pins:
        assert f"=={version} " in lock[re.sub(r"[._]", "-", package.lower())], package


def test_the_two_locks_agree_and_make_installs_nothing_else() -> None:
    run, dev = entries("requirements.lock"), entries("requirements-dev.lock")
    version = re.compile(r"==(\S+)")
    assert {name: version.findall(run[name])[0] for name in run} == {
        name: version.findall(dev[name])[0] for name in run
    }
    installs = re.findall(
        r"pip install .*-r.*", (ROOT / "Makefile").read_text() + (ROOT / "CONTRIBUTING.md").read_text()
    )
    assert len(installs) == 3
    assert [line for line in installs if "--require-hashes" not in line] == []


def test_no_licence_is_a_surprise() -> None:
    """Each package states one of the free licences below, by an expression (SPDX), a classifier or a text that begins
    with its name; KNOWN are the exceptions."""
    unknown = {}
    for name in entries("requirements-dev.lock"):
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue  # for another system
        stated = [*(about.get_all("License-Expression") or []), *(about.get_all("License") or [])]
        classifiers = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or [] if c.startswith("License")]
        told = [*(text[:60].strip() for text in stated), *classifiers]
        if name in KNOWN or name.startswith("nvidia-"):
            continue
        if not any(FREE.match(text) and not re.search(r"\bAND\b.*GPL", text) for text in told):
            unknown[name] = told
    assert unknown == {}
