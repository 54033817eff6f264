"""A real Chromium for tests of what a person sees, with screenshots in .screenshots/.

Vega and its kin come from npm at the versions that DVC's page asks for, in place of its CDN. Without a Chromium or npm
these tests are skipped; with REQUIRE_BROWSER=1 they then fail.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.workspace import ROOT

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = [name for name, path in (("Chromium", CHROMIUM), ("npm", shutil.which("npm"))) if path is None]
SCREENSHOTS = ROOT / ".screenshots"
VEGA_CACHE = ROOT / ".vega_cache"
COLLECT_VIEWS = """
window.views = []
let embed
Object.defineProperty(window, 'vegaEmbed', {
  get: () => embed,
  set: original => { embed = (...args) => original(...args).then(result => (views.push(result.view), result)) }
})
"""
# vega-embed says so of every chart, DVC's own templates too
OF_DVC = re.compile(r"The (input|compiled) spec uses Vega(-Lite)? v5, but (the )?current version")

NEEDS_BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING) and "REQUIRE_BROWSER" not in os.environ, reason=f"no {' and no '.join(MISSING)}"),
]


def started() -> Iterator[Browser]:
    """A browser, to be closed by going on."""
    assert not MISSING
    SCREENSHOTS.mkdir(exist_ok=True)
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*quiet, "--disable-sync"])
        yield browser
        browser.close()


def from_npm(url: str) -> Path:
    """The file that the CDN gives for this address, from the npm registry."""
    found = re.fullmatch(r"https://cdn\.jsdelivr\.net/npm/(vega[a-z-]*)@([\d.]+)", url)
    assert found, url
    name, version = found.groups()
    script = VEGA_CACHE / f"{name}-{version}/package/build/{name}.min.js"
    VEGA_CACHE.mkdir(exist_ok=True)
    with open(VEGA_CACHE / "lock", "w") as lock:  # the tests' workers share the folder
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=VEGA_CACHE, check=True)
            with tarfile.open(VEGA_CACHE / f"{name}-{version}.tgz") as files:
                packed = files.extractfile(f"package/build/{name}.min.js")
                assert packed
                script.parent.mkdir(parents=True, exist_ok=True)
                script.write_bytes(packed.read())
    return script


def opened(browser: Browser, path: Path, offline: bool, width: int = 1280) -> tuple[Page, list[str]]:
    """The page, and what it complained of or asked for that it should not have."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:", "blob:")):
            route.continue_()
        elif offline:
            complaints.append(f"asked for {url}")
            route.abort()
        else:
            route.fulfill(path=from_npm(url), content_type="text/javascript")

    page.route("**/*", answer)
    page.on("console", lambda message: None if OF_DVC.match(message.text) else complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(COLLECT_VIEWS)
    page.goto(path.as_uri())
    return page, complaints
