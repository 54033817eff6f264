"""The report page in a real Chromium: all answers, and the panel that can be asked."""

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from stages.base.studies import parse_studies
from tests.browser import NEEDS_BROWSER, SCREENSHOTS, opened, started
from tests.workspace import ROOT, Workspace

pytestmark = NEEDS_BROWSER
READ_PAGE = Path(__file__).with_name("read_page.js").read_text()
STUDIES = parse_studies((ROOT / "studies/params.yaml").read_text())
MOST_BYTES = 3_000_000
CROSS = "\N{MULTIPLICATION SIGN} "


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from started()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the committed results."""
    out = tmp_path_factory.mktemp("report")
    given = ("--metrics", "metrics", "--studies", "data/judged", "--peers", "data/peers", "--out", str(out))
    Workspace(ROOT).run("python", "-m", "stages.report", *given)
    return out / "report.html"


def show(page: Page, view: str) -> None:
    """Ask the panel for that view and wait until it is drawn."""
    page.evaluate("view => { location.hash = view }", view)
    page.wait_for_function("document.body.dataset.drawn === location.hash")


def drawn(page: Page) -> pd.DataFrame:
    """What the panel draws, as its table says it."""
    page.evaluate("document.getElementById('drawn').closest('details').open = true")
    page.wait_for_selector("#drawn tr", state="attached")
    rows = page.evaluate(
        "[...document.querySelectorAll('#drawn tr')].map(row => [...row.cells].map(cell => cell.textContent))"
    )
    assert rows[0][:2] + rows[0][4:] == ["kind", "group", "standard deviation", "seed"]
    return pd.DataFrame(rows[1:], columns=["kind", "group", "x", "y", "sd", "seed"])


def entries(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate("JSON.parse(document.getElementById('data').textContent).entries")
    return found


@pytest.mark.parametrize(("device", "width"), [("desktop", 1280), ("phone", 390)])
def test_the_page_opens_without_network_with_the_answer_first(
    browser: Browser, report: Path, device: str, width: int
) -> None:
    page, complaints = opened(browser, report, offline=True, width=width)
    page.wait_for_function("document.body.dataset.drawn !== undefined")
    page.screenshot(path=SCREENSHOTS / f"report-{device}.png", full_page=True)
    assert complaints == []
    assert report.stat().st_size <= MOST_BYTES
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert re.match(
        r"A double descent is real in \d+ of \d+ studies beside the paper's grid, over",
        page.locator(".answer-in-short").inner_text(),
    )
    assert "Manipulating Sparse Double Descent" in page.locator("header").inner_text()
    named = set(page.locator(".answers .question small").all_inner_texts())
    assert set(STUDIES.studies) <= named
    assert page.locator(".answers .forest.yes, .answers .forest.no, .answers .forest.undecided").count() == (
        page.locator(".answers td.answer").count()
    )
    # the answer stands on the screen, and so do D and its interval
    for part in (".answers td.answer", ".answers td.height", ".answers .forest path"):
        box = page.locator(part).first.bounding_box()
        assert box, part
        assert (box["y"] < 900, box["x"] >= 0, box["x"] + box["width"] <= width) == (True, True, True), part
    assert "penalty: induced_1norm" in (page.locator("pre").text_content() or "")


@pytest.mark.parametrize("width", [1280, 390])
def test_every_study_and_axis_is_drawn_with_every_label_readable(browser: Browser, report: Path, width: int) -> None:
    page, complaints = opened(browser, report, offline=True, width=width)
    asked = entries(page)
    assert set(STUDIES.studies) | set(STUDIES.readings) < {entry["name"] for entry in asked}
    for entry in asked:
        for axis in entry["axes"]:
            view = f"study={entry['name']}&axis={axis['name']}"
            show(page, view)
            found = page.evaluate(READ_PAGE)
            assert min(found["marks"]["line"], found["marks"]["symbol"]) > 0, view
            assert (found["overlaps"], found["cut"]) == ([], []), view
            assert found["width"] <= width, view
            assert any(label in found["texts"] for label in ("mean", "a run")), view
    assert complaints == []


SCALES = [("log", "in order"), ("log", "log"), ("linear", "in order"), ("linear", "linear")]


def test_every_measure_and_scale_is_drawn(browser: Browser, report: Path) -> None:
    """One view in fifteen, or with RERUNS every one."""
    page, complaints = opened(browser, report, offline=True)
    turn = 0
    for entry in entries(page):
        for axis in entry["axes"][:1]:
            measures = [*entry["tables"][axis["table"]]["measures"], "test_accuracy"]
            for measure in measures:
                vertical, horizontal = SCALES[turn % len(SCALES)]
                turn += 1
                if turn % 15 and not os.environ.get("RERUNS"):
                    continue
                view = f"study={entry['name']}&measure={measure}&vertical={vertical}&horizontal={horizontal}"
                show(page, view)
                found = page.evaluate(READ_PAGE)
                empty = page.locator("#note").inner_text().startswith("There is nothing to draw")
                assert (found["marks"].get("line", 0) > 0) != (empty and vertical == "log"), view
                assert (found["overlaps"], found["cut"]) == ([], []), view
    assert complaints == []


def test_the_panel_draws_the_means_and_runs_of_the_tables(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    for name in ("width-noise", "label-noise-l1", "pruning", "epochs-noise", "weight-reuse"):
        study = STUDIES.studies[name]
        table = pd.read_csv(ROOT / "studies" / name / ("curves.csv" if study.within_a_run else "cells.csv"))
        groups = [f"{study.by[0]} {value}" for value in table[study.by[0]].unique()] if study.by else ["all"]
        show(page, f"study={name}&groups={';'.join(groups)}&show=runs")
        found = drawn(page)
        found = found.astype({"x": float, "y": float})
        means = found[found.kind == "mean"].set_index(["group", "x"]).y
        label = table[study.by[0]].map(lambda value, of=study.by[0]: f"{of} {value}") if study.by else "all"
        verdicts = json.loads((ROOT / f"studies/verdicts/{name}.json").read_text())[name]
        left_out = {(group, *run) for group, verdict in verdicts.items() for run in verdict.get("failed", [])}
        runs = zip(label if study.by else ["all"] * len(table), table.seed, table[study.over], strict=True)
        table = table.assign(test_error=table.test_error.where(np.array([run not in left_out for run in runs])))
        expected = 100 * table.assign(group=label).groupby(["group", study.over]).test_error.mean()
        assert len(means) == len(expected), name
        assert means.to_dict() == pytest.approx(expected.rename(float, level=1).to_dict(), abs=0.01), name
        assert (found.kind == "a run").sum() == table.test_error.notna().sum(), name
        assert (found.kind == "left out").sum() == len(left_out), name


def test_the_paper_and_others_stand_beside_our_points(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    show(page, "study=grid")
    found = drawn(page).astype({"x": float, "y": float})
    theirs = found[found.kind.str.contains("2401.10686")].set_index(["group", "x"]).y.to_dict()
    paper = pd.read_csv(ROOT / "data/paper_table1.csv")
    paper = paper.assign(group=paper.width.map("width {}".format)).set_index(["group", "alpha"])
    assert len(theirs) == 96
    assert theirs == pytest.approx((100 - paper.test_accuracy_percent).to_dict(), abs=0.01)
    for name in ("weight-reuse", "width-noise"):
        show(page, f"study={name}")
        assert any(CROSS in text for text in page.evaluate(READ_PAGE)["texts"]), name


def test_a_fitted_peak_and_its_valleys_are_marked_where_the_verdict_has_them(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    show(page, "study=width-noise")
    found = drawn(page)
    verdict = json.loads((ROOT / "studies/verdicts/width-noise.json").read_text())["width-noise"]["all"]
    assert found[found.kind == "peak"].x.tolist() == [str(verdict["peak_width"])]
    assert found[found.kind == "valley"].x.tolist() == [str(verdict["left_width"]), str(verdict["right_width"])]
    assert len(found[found.kind == "closest one-peak curve"]) == verdict["points"]
    page.uncheck("#show input[value=fit]")
    page.wait_for_function("document.body.dataset.drawn === location.hash")
    assert not {"peak", "valley"} & {*drawn(page).kind}


@pytest.mark.parametrize(
    ("view", "alike"), [("study=heads-l1", "width 200, "), ("study=grid&axis=epoch", "width 25, a")]
)
def test_many_groups_begin_with_some_that_differ_in_one_option_alone(
    browser: Browser, report: Path, view: str, alike: str
) -> None:
    page, _ = opened(browser, report, offline=True)
    show(page, view)
    chosen = page.locator("#groups input:checked")
    names = chosen.evaluate_all("boxes => boxes.map(box => box.value)")
    assert 1 < len(names) <= 6
    assert [name for name in names if not name.startswith(alike)] == []
    box, field = chosen.first.bounding_box(), page.locator("#groups").bounding_box()
    assert box
    assert field
    assert field["y"] <= box["y"] < field["y"] + field["height"]  # they are seen in the list


def test_the_address_holds_the_view(browser: Browser, report: Path) -> None:
    page, complaints = opened(browser, report, offline=True)
    page.select_option("#study", "label-noise-l1")
    page.select_option("#measure", "zero_fraction")
    page.select_option("#vertical", "log")
    page.select_option("#horizontal", "in order")
    page.check("#show input[value=runs]")  # which many groups are drawn without
    page.uncheck("#groups input[value='width 10']")
    page.wait_for_function("document.body.dataset.drawn === location.hash")
    address, before = page.url, drawn(page)
    page.reload()
    page.wait_for_function("document.body.dataset.drawn === location.hash")
    assert page.url == address
    assert drawn(page).equals(before)
    values = {name: page.input_value(f"#{name}") for name in ("study", "axis", "measure", "vertical", "horizontal")}
    assert values == {
        "study": "label-noise-l1",
        "axis": "alpha",
        "measure": "zero_fraction",
        "vertical": "log",
        "horizontal": "in order",
    }
    assert page.is_checked("#show input[value=runs]")
    assert not page.is_checked("#groups input[value='width 10']")
    page.select_option("#axis", "width")  # another axis leaves what is drawn, and how
    page.wait_for_function("document.body.dataset.drawn === location.hash")
    assert (page.input_value("#measure"), page.input_value("#vertical")) == ("zero_fraction", "log")
    assert page.is_checked("#show input[value=runs]")
    show(page, "study=no-such-study&axis=no-such-axis&measure=none")  # an old address still opens the page
    assert page.input_value("#study") == "grid"
    assert "No question is called no-such-study" in page.locator("#note").inner_text()
    assert complaints == []


def test_a_question_in_the_table_opens_in_the_panel(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    page.click(".answers a[href='#study=pruning']")
    page.wait_for_function("document.body.dataset.drawn === '#study=pruning'")
    assert page.input_value("#study") == "pruning"
    page.wait_for_function("document.getElementById('ask').getBoundingClientRect().top < innerHeight")


def test_a_chart_names_an_answer_only_of_what_was_judged(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    for view, said in {
        "study=width-noise": True,
        "study=width-noise&measure=test_accuracy": True,
        "study=width-noise&measure=train_error": False,
        "study=l1-clean&axis=epoch": False,
    }.items():
        show(page, view)
        assert any("double descent?" in text for text in page.evaluate(READ_PAGE)["texts"]) == said, view


def test_hovering_tells_a_cells_options_and_numbers(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    show(page, "study=label-noise-l1&groups=width 200&show=")
    page.locator("#chart svg").scroll_into_view_if_needed()
    page.locator("#chart .mark-symbol.role-mark path").nth(3).hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    said = page.locator("#vg-tooltip-element").inner_text()
    for part in ("width", "200", "alpha", "test error, %", "mean of 10 runs", "standard deviation", "lr 0.1"):
        assert part in said
    assert "[object" not in said


def test_tapping_tells_the_same(browser: Browser, report: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800}, has_touch=True)
    page.goto(report.as_uri())
    show(page, "study=label-noise-l1&groups=width 200&show=")
    page.locator("#chart svg").scroll_into_view_if_needed()
    page.locator("#chart .mark-symbol.role-mark path").nth(3).tap()
    page.wait_for_function("document.getElementById('note').textContent.includes('alpha: ')")
    assert "mean of 10 runs; test error, %: " in page.locator("#note").inner_text()


def test_an_address_that_names_nothing_leaves_the_panel_alive(browser: Browser, report: Path) -> None:
    page, complaints = opened(browser, report, offline=True)
    for study in ("constructor", "__proto__", "%F0%9F%98%80", "pruning&groups=;;&show=none&measure=<b>"):
        show(page, f"study={study}")
    show(page, "study=pruning")
    assert page.input_value("#study") == "pruning"
    assert complaints == []


def test_figure_and_data_are_saved_and_the_command_is_copied(browser: Browser, report: Path) -> None:
    page, complaints = opened(browser, report, offline=True)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    show(page, "study=width-noise")
    saved = {}
    for kind in ("png", "svg", "csv"):
        with page.expect_download() as download:
            page.click(f"#{kind}")
        assert download.value.suggested_filename == f"width-noise-test_error-width.{kind}"
        saved[kind] = Path(download.value.path()).read_bytes()
    image = Image.open(io.BytesIO(saved["png"]))
    assert image.format == "PNG"
    assert image.width > 1000
    assert saved["svg"].startswith(b"<svg")
    assert b"double descent? yes" in saved["svg"]
    rows = list(csv.reader(io.StringIO(saved["csv"].decode())))
    assert rows[0] == ["kind", "group", "width", "test error, %", "standard deviation", "seed"]
    assert len(rows) - 1 == len(drawn(page))
    page.click("#copy")
    page.wait_for_function("document.getElementById('copy').textContent === 'copied'")
    command = "dvc repro studies/dvc.yaml:judge@width-noise && dvc repro report"
    assert page.evaluate("navigator.clipboard.readText()") == command
    page.click("#link")
    page.wait_for_function("document.getElementById('link').textContent === 'copied'")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert complaints == []


def test_the_panel_needs_no_mouse(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    page.focus("#study")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("document.body.dataset.drawn === '#study=grid-width'")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.value"))
    assert [
        name
        for name in reached
        if name in ("axis", "measure", "vertical", "horizontal", "copy", "png", "svg", "csv", "link")
    ] == ["axis", "measure", "vertical", "horizontal", "copy", "png", "svg", "csv", "link"]
    show(page, "study=width-noise")
    page.focus("#show input[value=runs]")
    page.keyboard.press("Space")
    page.wait_for_function("document.body.dataset.drawn === location.hash")
    assert page.evaluate("document.activeElement.value") == "runs"  # the focus stays
    show(page, "study=l2-noise")
    for button in ("none", "every"):
        page.focus(f"#{button}")
        page.keyboard.press("Enter")
        page.wait_for_function("document.body.dataset.drawn === location.hash")
        assert page.evaluate("document.activeElement.id") == button
        assert page.is_disabled("#png") == (button == "none")  # there is nothing to save
    assert (page.get_attribute("#chart", "aria-label") or "").startswith("Does the test error peak over the strength")


def brightness(page: Page) -> dict[str, float]:
    """Of paper and ink, of the page and of the chart, between 0 and 255."""
    found: dict[str, float] = page.evaluate(
        """() => {
          const mean = colour => colour.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b) / 3
          const style = getComputedStyle(document.body)
          const label = document.querySelector('#chart svg .role-axis-label text')
          const paper = document.querySelector('#chart svg').style.backgroundColor
          const fill = getComputedStyle(label).fill
          return { paper: mean(style.backgroundColor), ink: mean(style.color), label: mean(fill), chart: mean(paper) }
        }"""
    )
    return found


def ink(page: Page) -> int:
    """How many pixels of the chart have a colour, as runs, means and training errors do."""
    image = Image.open(io.BytesIO(page.locator("#chart svg").screenshot())).convert("HSV")
    saturation = np.asarray(image)[:, :, 1]
    return int((saturation > 60).sum())


def test_lines_are_as_wide_as_they_are_important(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    for shown, widths in {"": {2.2}, "runs": {0.8, 2.2}, "runs;fit;training": {0.8, 1.5, 1.6, 2.2}}.items():
        show(page, f"study=width-noise&show={shown}")
        lines = page.locator("#chart .mark-line.role-mark path")
        found = lines.evaluate_all("paths => paths.map(path => parseFloat(getComputedStyle(path).strokeWidth))")
        assert {*found} == widths, shown


def test_dark_light_and_paper(browser: Browser, report: Path) -> None:
    page, complaints = opened(browser, report, offline=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        show(page, f"study=width-noise&horizontal={'linear' if scheme == 'dark' else 'in order'}")
        page.wait_for_timeout(300)  # a change of the scheme draws anew
        page.screenshot(path=SCREENSHOTS / f"report-{scheme}.png")
        found = brightness(page)
        light = scheme == "light"
        assert (found["paper"] > 200) == (found["chart"] > 200) == (found["ink"] < 90) == (found["label"] < 90) == light
    page.emulate_media(color_scheme="light", media="print")
    assert [page.is_visible(part) for part in ("#controls", "#save", "#chart", ".answers")] == [
        False,
        False,
        True,
        True,
    ]
    assert complaints == []


def test_no_line_is_lost_on_paper(browser: Browser, report: Path) -> None:
    page, _ = opened(browser, report, offline=True)
    page.emulate_media(color_scheme="light")
    show(page, "study=width-noise")
    screen = ink(page)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, media="screen")
        page.wait_for_timeout(300)  # a change of the scheme draws anew
        page.emulate_media(media="print")
        assert ink(page) == pytest.approx(screen, rel=0.1), scheme
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.is_visible("dd:has-text('allows for chance')")


def test_the_tables_need_no_script(browser: Browser, report: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(report.as_uri())
    assert page.locator(".answers td.answer").count() > len(STUDIES.studies)
    assert page.locator("noscript").count() == 1


def test_a_pipeline_without_studies_has_a_page_too(tmp_path: Path, browser: Browser) -> None:
    for name in ("data/peers", "metrics", "stages"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("studies", "__pycache__"))
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "studies").mkdir()
    text = (ROOT / "studies/params.yaml").read_text()
    (tmp_path / "studies/params.yaml").write_text(text[: text.index("\nstudies:")] + "\nstudies: {}\nreadings: {}\n")
    given = ("--metrics", "metrics", "--studies", "studies", "--peers", "data/peers", "--out", "plots")
    Workspace(tmp_path).run("python", "-m", "stages.report", *given)
    page, complaints = opened(browser, tmp_path / "plots/report.html", offline=True)
    page.wait_for_function("document.body.dataset.drawn !== undefined")
    assert complaints == []
    assert page.locator(".answers td.answer").count() == 2
