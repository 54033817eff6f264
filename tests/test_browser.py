"""What a person sees: pages of `dvc plots` and the report, in a real Chromium, with screenshots in .screenshots/.

Vega and its kin come from npm at the versions that DVC's page asks for, in place of its CDN. Without a Chromium or npm
these tests are skipped; with REQUIRE_BROWSER=1 they then fail.
"""

import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from playwright.sync_api import Browser, Page, Route, sync_playwright

from stages.base.params import parse
from stages.plot import heights, points
from stages.statistic.protocol import how
from stages.statistic.tables import cell_means, to_records
from stages.sweep import named
from tests.workspace import ROOT, Workspace

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
NAMES = [name for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] for name in plot]
# vega-embed says so of every chart, DVC's own templates too
OF_DVC = re.compile(r"The (input|compiled) spec uses Vega(-Lite)? v5, but (the )?current version")
DESCRIBE = Path(__file__).with_name("describe_charts.js").read_text()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING) and "REQUIRE_BROWSER" not in os.environ, reason=f"no {' and no '.join(MISSING)}"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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
    archive = VEGA_CACHE / f"{name}-{version}.tgz"
    if not archive.exists():
        VEGA_CACHE.mkdir(exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", f"{name}@{version}"], cwd=VEGA_CACHE, check=True)
    with tarfile.open(archive) as files:
        files.extract(f"package/build/{name}.min.js", VEGA_CACHE / f"{name}-{version}", filter="data")
    return VEGA_CACHE / f"{name}-{version}/package/build/{name}.min.js"


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


def charts(page: Page) -> dict[str, dict[str, Any]]:
    """What every chart of a page of `dvc plots` drew, by its name in dvc.yaml."""
    page.wait_for_function(f"views.length >= {page.content().count('vegaEmbed(')}")
    return {chart["id"].replace("_", " "): chart for chart in page.evaluate(DESCRIBE)}


def check(found: dict[str, dict[str, Any]], widths: set[str], alphas: set[str]) -> None:
    for name in NAMES:
        chart = found[name]
        least = {"is there a double descent": "symbol", "test error against sparsity": "symbol"}.get(name, "line")
        assert chart["marks"].get(least, 0) > 0, name
        assert (chart["overlaps"], chart["truncated"]) == ([], []), name
        assert len(chart["labels"]) > 3, name
        assert chart["size"][0] <= 1280, name
    for name, scales, legend in (
        ("test error over alpha", ("symlog", "linear"), widths),
        ("exact zeros over alpha", ("symlog", "linear"), widths),
        ("test error against sparsity", ("linear", "linear"), widths),
        ("test error over width", ("log", "linear"), alphas),
        ("is there a double descent", ("linear", "band"), {"yes", "no"}),
    ):
        chart = found[name]
        assert (chart["scales"]["x"], chart["scales"]["y"]) == scales, name
        assert legend <= {*chart["legends"], *chart["labels"]}, name


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small grid on digits, and an experiment with another penalty."""
    workspace = Workspace.create(tmp_path_factory.mktemp("compared"))
    several: dict[str, dict[str, Any]] = {
        "grid": {"alpha": [0.0, 0.1, 1.0]},
        "train": {"seeds": 4},
        "head": {"strength": [0.01, 0.1]},
    }
    workspace.change(several)
    workspace.repro()
    workspace.commit("results")
    workspace.dvc("exp", "run", "--name", "prox", "-S", "train.penalty=l1", "-S", "train.solver=proximal")
    workspace.git("checkout", "-q", ".")
    return workspace


@pytest.mark.parametrize("offline", [False, True], ids=["with DVC's own page", "without network"])
def test_every_chart_of_a_comparison_is_drawn(compared: Workspace, browser: Browser, offline: bool) -> None:
    folder = compared.path / ("offline" if offline else "online")
    if offline:
        compared.run("python", "-m", "stages.commands.page")
    compared.dvc("plots", "diff", "HEAD", "prox", "--out", str(folder))
    page, complaints = opened(browser, folder / "index.html", offline)
    found = charts(page)
    page.screenshot(path=SCREENSHOTS / f"{folder.name}.png", full_page=True)
    assert complaints == []
    check(found, {"2", "3"}, {"0", "0.1", "1"})
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


def test_seven_revisions_are_readable(tmp_path: Path, browser: Browser) -> None:
    """The committed results and six of the committed experiments, as branches of a clone."""
    clone = Workspace(tmp_path)
    clone.git("clone", "-q", str(ROOT), ".")
    for name, value in (("user.email", "someone@example.org"), ("user.name", "Someone")):
        clone.git("config", name, value)
    for name in ("plots", "metrics", ".dvc/plots"):
        shutil.copytree(ROOT / name, tmp_path / name, dirs_exist_ok=True)
    for name in ("dvc.yaml", "dvc.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    clone.commit("as they are here")
    clone.git("branch", "published")
    names = ["l1-proximal", "l1-subgradient", "small-step", "label-noise", "label-noise-l1", "width-noise"]
    for name in names:
        clone.git("checkout", "-q", "-B", name, "published")
        folder = ROOT / "experiments" / name
        cells, verdict = pd.read_csv(folder / "cells.csv"), json.loads((folder / "verdict.json").read_text())
        apply_overrides(tmp_path / "params.yaml", named(name))
        caption = how(cells, parse((tmp_path / "params.yaml").read_text()))
        for stem, table in (("cells", points(cell_means(cells))), ("verdict", heights(verdict["mnist"]))):
            (tmp_path / f"plots/{stem}.json").write_bytes(to_records(table.assign(run=caption)))
        clone.commit(name)
    clone.dvc("plots", "diff", "published", *names, "--out", "page")
    page, complaints = opened(browser, tmp_path / "page/index.html", offline=False)
    found = charts(page)
    for number, chart in enumerate(page.locator(".vega-embed").all()):
        chart.screenshot(path=SCREENSHOTS / f"seven-{number}.png")
    assert complaints == []
    check(found, {"5", "10", "25", "50", "75", "100", "200"}, {"0", "10", "10000"})


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of the committed results."""
    folder = tmp_path_factory.mktemp("report")
    for name in ("plots", "metrics"):
        shutil.copytree(ROOT / name, folder / name)
    command = ["python", "-m", "stages.report", "--metrics", str(folder / "metrics"), "--plots", str(folder / "plots")]
    Workspace(ROOT).run(*command)
    return folder / "plots/report.html"


@pytest.mark.parametrize(("device", "width"), [("desktop", 1280), ("phone", 390)])
def test_the_report_opens_without_network_and_fits(browser: Browser, report: Path, device: str, width: int) -> None:
    page, complaints = opened(browser, report, offline=True, width=width)
    page.screenshot(path=SCREENSHOTS / f"report-{device}.png", full_page=True)
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0 && image.width <= innerWidth)")
    assert page.locator("img").count() == 8
    assert "double descent" in page.locator("li").first.inner_text()
    assert page.locator("tbody tr").count() > 10
    assert "penalty: induced_1norm" in (page.locator("pre").text_content() or "")
