"""What a person sees on pages of `dvc plots`."""

import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from playwright.sync_api import Browser, Page

from stages.base.studies import parse_studies
from stages.base.studies import points as study_points
from stages.figures.style import width_colour
from stages.plot import heights, histories, points
from stages.statistic.findings import ALL
from stages.statistic.protocol import studied
from stages.statistic.tables import cell_means, to_records
from stages.statistic.verdict import verdict
from tests.browser import NEEDS_BROWSER, SCREENSHOTS, opened, started
from tests.workspace import ROOT, Workspace, some

NAMES = [name for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"] for name in plot]
DESCRIBE = Path(__file__).with_name("describe_charts.js").read_text()
READ_MARKS = Path(__file__).with_name("read_marks.js").read_text()

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from started()


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
    """A small grid on digits, and an experiment with a larger one and another penalty."""
    workspace = Workspace.built(tmp_path_factory.mktemp("compared"))
    several: dict[str, dict[str, Any]] = {
        "grid": {"alpha": [0.0, 0.1, 1.0]},
        "train": {"seeds": 4},
        "head": {"strength": [0.01, 0.1]},
    }
    workspace.change(several)
    workspace.dvc("exp", "run", "--name", "prox", "-S", "train.penalty=l1", "-S", "train.solver=proximal")
    workspace.git("checkout", "-q", ".")
    return workspace


@pytest.mark.parametrize("offline", [False, True], ids=["with DVC's own page", "without network"])
def test_every_chart_of_a_comparison_is_drawn(compared: Workspace, browser: Browser, offline: bool) -> None:
    folder = compared.path / ("offline" if offline else "online")
    if offline:
        compared.run("python", "-m", "stages.commands.pages")
    compared.dvc("plots", "diff", "HEAD", "prox", "--out", str(folder))
    page, complaints = opened(browser, folder / "index.html", offline)
    found = charts(page)
    page.screenshot(path=SCREENSHOTS / f"{folder.name}.png", full_page=True)
    assert complaints == []
    check(found, {"2", "3"}, {"0", "0.1", "1"})
    assert page.evaluate("[...document.images].every(image => image.naturalWidth > 0)")


@pytest.mark.skipif("RERUNS" not in os.environ, reason="a part of make test-all")
def test_seven_revisions_are_readable(tmp_path: Path, browser: Browser) -> None:
    """The committed results and the cells of six of the committed studies, as branches of a clone."""
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
    studies = parse_studies((ROOT / "studies/params.yaml").read_text())
    names = ["l1-proximal", "l1-subgradient", "small-step", "label-noise", "label-noise-l1", "width-noise"]
    for name in names:
        clone.git("checkout", "-q", "-B", name, "published")
        cells = pd.read_csv(ROOT / "studies" / name / "cells.csv")
        cells = cells if "alpha" in cells else cells.assign(alpha=0.0)
        caption = studied(study_points(studies, name)[0])
        for stem, table in (("cells", points(cell_means(cells))), ("verdict", heights(verdict(cells)["mnist"]))):
            (tmp_path / f"plots/{stem}.json").write_bytes(to_records(table.assign(run=caption)))
        clone.commit(name)
    clone.dvc("plots", "diff", "published", *names, "--targets", "dvc.yaml:", "--out", "page")
    page, complaints = opened(browser, tmp_path / "page/index.html", offline=False)
    found = charts(page)
    for number, chart in enumerate(page.locator(".vega-embed").all()):
        chart.screenshot(path=SCREENSHOTS / f"seven-{number}.png")
    assert complaints == []
    check(found, {"5", "10", "25", "50", "75", "100", "200"}, {"0", "10", "10000"})


Grid = tuple[list[int], list[float]]  # widths and alphas
SIX = [5, 10, 25, 50, 75, 100]
SIXTEEN = [1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200]
GRIDS: dict[str, list[Grid]] = {
    "all in common": [([5, 25, 100], [0.0, 0.1, 10.0]), ([5, 25, 100], [0.0, 0.1, 10.0])],
    "one width of six": [(SIX, [0.0, 0.01, 1.0, 100.0]), ([25], [0.0, 1.0])],
    "one of six, the small grid first": [([25], [0.0, 1.0]), (SIX, [0.0, 0.01, 1.0, 100.0])],
    "some in common": [([5, 25, 100], [0.0, 0.1, 10.0]), ([3, 25, 200, 1000], [0.1, 10.0, 20000.0])],
    "nothing in common": [([100, 10], [10.0, 0.0]), ([300, 25, 7], [0.5, 100000.0])],
    "alpha alone in common": [([5, 10], [0.0]), ([300, 25], [0.0])],
    "one cell": [([25], [1.0]), ([25], [1.0])],
    "sixteen widths beside nine": [(SIXTEEN, [0.0, 1.0]), ([4, *SIXTEEN[4:12]], [1.0])],
    "seven of sixteen widths": 7 * [(SIXTEEN, [0.0, 1.0])],
}


def plot_data(revision: int, grid: Grid, measured: bool = True) -> dict[str, list[dict[str, Any]]]:
    """The rows of every file in plots/ that a chart shows, by the file's stem, of an invented run with that grid.

    The numbers are drawn for that revision. If not measured, every seed of every cell diverged, so that there is no
    share of zeros, and nothing was judged or fitted.
    """
    rng, (widths, alphas) = np.random.default_rng(revision), grid
    cells = pd.DataFrame([{"width": w, "alpha": a, "seed": s} for w in widths for a in alphas for s in range(4)])
    curves = pd.DataFrame([{"width": w, "alpha": a, "epoch": e} for w in widths for a in alphas for e in (0, 5, 9)])
    for table in (cells, curves):
        for name in ("test_error", "train_error", "train_loss", "zero_fraction", "prunable_fraction"):
            table[name] = rng.uniform(0.1, 0.9, len(table)) if measured or name.endswith("error") else np.nan
    heads = ["ridge", "lasso", "logistic"][revision % 2 :]
    verdict = {
        f"width_{width}": invented_verdict(d) for width, d in zip(widths, rng.uniform(0, 0.4, len(widths)), strict=True)
    }
    caption = f"mnist, penalty l1, proximal, {10 * revision} epochs, 4 seeds"
    tables = {
        "cells": points(cell_means(cells.assign(dataset="mnist", diverged=not measured))).assign(run=caption),
        "curves": histories(curves).assign(run=caption),
        "verdict": heights(verdict if measured else {}).assign(run=caption),
        "lasso": invented_series(rng, "features", "log10_test_mse", [f"ridge {revision + i}" for i in range(4)]),
        "heads": pd.concat(
            [invented_series(rng, "strength", "test_error", ["trained", "pca"]).assign(run=h) for h in heads]
        ),
    }
    rows = {name: json.loads(to_records(table)) for name, table in tables.items()}
    return rows if measured else rows | {"lasso": [], "heads": []}


def invented_verdict(d: float) -> dict[str, Any]:
    found = {"p_holm": 0.001, "D": d, "D_low": d - 0.02, "D_high": d + 0.03, "guards": {"sparse": "no"}}
    return found | {"answer": "yes" if d > 0.3 else "no" if d > 0.1 else "undecided"}


def invented_series(rng: np.random.Generator, x: str, y: str, names: list[str]) -> pd.DataFrame:
    """A row for each of these series and each of two random places x, with y and its band."""
    rows = [{"series": name, x: place} for name in names for place in rng.uniform(1, 100, 2).round(3)]
    table = pd.DataFrame(rows).assign(**{y: rng.uniform(10, 90, len(rows))}, run=f"{len(names)} series")
    return table.assign(low=table[y] - 1, high=table[y] + 2)


def repository(path: Path, revisions: dict[str, dict[str, list[dict[str, Any]]]]) -> Workspace:
    """This project's charts in a git repository in that folder, with a branch per revision that holds its plot data."""
    workspace = Workspace(path)
    shutil.copytree(ROOT / ".dvc/plots", path / ".dvc/plots")
    for name in ("dvc.yaml", "params.yaml", ".dvc/config"):
        shutil.copy(ROOT / name, path / name)
    (path / "plots").mkdir()
    workspace.git("init", "-q")
    for name, value in (("user.email", "someone@example.org"), ("user.name", "Someone")):
        workspace.git("config", name, value)
    for name, data in revisions.items():
        workspace.git("checkout", "-q", "-B", name)
        for stem, rows in data.items():
            (path / f"plots/{stem}.json").write_text(json.dumps(rows))
        workspace.commit(name)
    return workspace


def shown_fields() -> dict[str, tuple[str, dict[str, dict[str, Any]]]]:
    """For each chart by its id: the stem of its file in plots/, and what the channels of its marks show."""
    found = {}
    for plot in yaml.safe_load((ROOT / "dvc.yaml").read_text())["plots"]:
        ((name, chart),) = plot.items()
        ((path, y),) = chart["y"].items()
        x, template = chart["x"], chart["template"]
        low, high = ("low", "high") if template == "series" else (f"{y}_low", f"{y}_high")
        channels: dict[str, dict[str, Any]] = {"symbol": {"x": x, "y": y}}
        if template == "verdict":
            row = {"y": "width"}
            channels = {"symbol": {"x": y} | row, "rule": {"x": low, "x2": high} | row, "text": row}
            channels["dashed"] = {"x": 1}
        elif template != "over_sparsity":
            channels["line"] = channels["symbol"]
        if template in ("over_alpha", "over_width", "series"):
            channels["area"] = {"x": x, "y": low, "y2": high}
        found[name.replace(" ", "_")] = (Path(path).stem, channels)
    return found


def compared_page(
    path: Path, revisions: dict[str, dict[str, list[dict[str, Any]]]], browser: Browser, offline: bool = False
) -> tuple[Page, list[str]]:
    """The page of `dvc plots diff` of revisions with that plot data, and what it complained of."""
    workspace = repository(path, revisions)
    if offline:
        workspace.run("python", "-m", "stages.commands.pages", PYTHONPATH=str(ROOT))
    workspace.dvc("plots", "diff", *revisions, "--out", "page")
    return opened(browser, path / "page/index.html", offline)


def marks_of(page: Page, fields: dict[str, tuple[str, dict[str, dict[str, Any]]]]) -> dict[str, dict[str, Any]]:
    """What read_marks.js found in every chart, by the chart's id."""
    page.wait_for_function(f"views.length >= {page.content().count('vegaEmbed(')}")
    shown = {name: channels for name, (_, channels) in fields.items()}
    return {chart["id"]: chart for chart in page.evaluate(READ_MARKS, shown)}


def key(row: dict[str, Any]) -> tuple[Any, ...]:
    """Which row of the plot data this is."""
    names = ("rev", "run", "width", "alpha", "epoch", "series", "features", "strength", "left")
    return tuple(row.get(name) for name in names)


@pytest.mark.parametrize(
    ("grids", "offline"),
    [
        *(pytest.param(GRIDS[name], False, id=name) for name in some([*GRIDS], 3)),
        pytest.param(GRIDS["one width of six"], True, id="one width of six, without network"),
    ],
)
def test_every_mark_stands_in_its_own_panel_at_its_own_place(
    grids: list[Grid], offline: bool, tmp_path: Path, browser: Browser, request: pytest.FixtureRequest
) -> None:
    """Width, alpha, series and revision of every mark are those that its panel's headers, axes and legend name."""
    revisions = {f"run-{number}": plot_data(number, grid) for number, grid in enumerate(grids, 1)}
    fields = shown_fields()
    page, complaints = compared_page(tmp_path, revisions, browser, offline)
    described, found = charts(page), marks_of(page, fields)
    page.screenshot(path=SCREENSHOTS / f"grids-{request.node.callspec.id}.png", full_page=True)
    assert complaints == []
    assert found.keys() == fields.keys()
    for name, (stem, channels) in fields.items():
        chart, marks = found[name], found[name]["marks"]
        rows = [row | {"rev": revision} for revision, data in revisions.items() for row in data[stem]]
        for kind in channels:
            drawn = Counter(key(mark["datum"]) for mark in marks if mark["type"] == kind)
            assert drawn == Counter(map(key, rows)), (name, kind)
        for mark in marks:
            datum, headers = mark["datum"], mark["headers"]
            assert {datum["rev"], datum["run"]} <= {*headers}, (name, mark)
            if stem == "curves":
                assert [header for header in headers if header.startswith("width")] == [f"width {datum['width']}"], mark
            assert mark["off"] < 0.01, (name, mark)
            assert mark["text"] in (None, datum.get("answer")), (name, mark)
            if mark["shape"] and "double_descent" in datum:
                assert mark["shape"] == SHAPES[datum["double_descent"]], (name, mark)
        check_paths(name, marks)
        check_colours(name, chart)
        if stem in ("cells", "verdict") and name != "test_error_over_width":
            shown = {(m["datum"]["width"], m["colour"]) for m in marks if m["type"] not in ("text", "dashed")}
            assert shown == {(width, width_colour(width)) for width, _ in shown}, name
        assert [label for label in chart["labels"] if label["off"] > 1] == [], name
        drawn_as = described[name.replace("_", " ")]
        assert (drawn_as["overlaps"], drawn_as["truncated"]) == ([], []), name
        assert drawn_as["size"][0] <= 1250, name


SHAPES = {"yes": "diamond", "no": "circle", "undecided": "triangle-up"}


def check_paths(name: str, marks: list[dict[str, Any]]) -> None:
    """A line or a band belongs to one panel and one series, or to one width or alpha, and to a revision."""
    of_path: dict[int, set[tuple[Any, ...]]] = {}
    along = {"test_error_over_width": ["alpha"], "training_curves": ["width", "alpha"]}.get(name, ["width"])
    for mark in marks:
        if mark["type"] in ("line", "area"):
            belongs = [mark["datum"].get(field) for field in ("rev", "run", "series", *along)]
            of_path.setdefault(mark["path"], set()).add((*belongs, *mark["headers"]))
    assert [belongs for belongs in of_path.values() if len(belongs) > 1] == [], name
    drawn = Counter(next(iter(belongs)) for belongs in of_path.values())
    assert set(drawn.values()) <= {1, 2}, name  # a line and its band


def check_colours(name: str, chart: dict[str, Any]) -> None:
    """A mark has the colour that the legend gives its width, alpha or series; no two of these share one."""
    by_alpha = name in ("training_curves", "test_error_over_width")
    legend = {} if name == "is_there_a_double_descent" else chart["legend"]  # that one names shapes
    colours: dict[str, set[str]] = {label: {colour} for label, colour in legend.items()}
    for mark in chart["marks"]:
        if mark["type"] not in ("text", "dashed"):
            datum = mark["datum"]
            label = datum.get("series") or (f"{datum['alpha']:g}" if by_alpha else str(datum["width"]))
            colours.setdefault(label, set()).add(mark["colour"])
    assert [label for label, shown in colours.items() if len(shown) > 1] == [], name
    assert len(set.union(*colours.values())) == len(colours), name


def test_a_width_has_one_colour_though_an_earlier_revision_drew_it_in_another(tmp_path: Path, browser: Browser) -> None:
    revisions = {name: plot_data(1, ([5, 25], [0.0, 1.0])) for name in ("earlier", "later")}
    for row in [*revisions["earlier"]["cells"], *revisions["earlier"]["verdict"]]:
        row["colour"] = {5: "#010203", 25: "#fefdfc"}[row["width"]]
    page, complaints = compared_page(tmp_path, revisions, browser)
    assert complaints == []
    for name, chart in marks_of(page, shown_fields()).items():
        check_colours(name, chart)


def test_charts_with_nothing_to_show_stay_empty(tmp_path: Path, browser: Browser) -> None:
    """Without a verdict, a share of zeros or a fit in any revision a chart has no marks, and the page no complaints."""
    revisions = {name: plot_data(1, ([5, 25], [0.0, 1.0]), measured=False) for name in ("one", "other")}
    page, complaints = compared_page(tmp_path, revisions, browser)
    found = marks_of(page, shown_fields())
    page.screenshot(path=SCREENSHOTS / "nothing-to-show.png", full_page=True)
    assert complaints == []
    assert {name for name, chart in found.items() if chart["marks"]} == {
        "test_error_over_alpha",
        "test_error_over_width",
        "training_curves",
    }


STUDY_PLOTS = yaml.safe_load((ROOT / "studies/dvc.yaml").read_text())["plots"]
STUDY_CHARTS: dict[str, dict[str, Any]] = {
    name.replace(" ", "_"): chart for plot in STUDY_PLOTS for name, chart in plot.items()
}
Rows = dict[str, list[dict[str, Any]]]  # of every study in a revision, as in its points.json


def changed(studies: Rows) -> Rows:
    """The same studies after other runs: one lacks a group, one a point, one its runs at a point, one everything."""
    rows: Rows = json.loads(json.dumps(studies))
    for row in rows["width-noise"]:
        row |= {name: row[name] + 3 for name in ("test_error", "low", "high")}
        row["run"] += ", varied"
    rows["label-noise-l1"] = [row for row in rows["label-noise-l1"] if row["series"] != "width 100"]
    rows["width-clean"] = [row for row in rows["width-clean"] if row["width"] != 10]
    rows["pruning-methods"][3] |= dict.fromkeys(("test_error", "low", "high"))
    del rows["l2-noise"]
    return rows


def invented_study(axis: str, places: list[Any], groups: int) -> list[dict[str, Any]]:
    """The points.json of a study with these points and groups, with numbers drawn at random."""
    rng = np.random.default_rng(groups)
    about = {"study": "invented", "run": "invented: mnist, lr 0.1, 5 seeds"}
    return [
        {"series": f"width {group}", axis: place, "test_error": y, "low": y - 2, "high": y + 2, **about}
        for group in range(1, groups + 1)
        for place, y in zip(places, rng.uniform(10, 90, len(places)), strict=True)
    ]


INVENTED: dict[str, tuple[list[Any], int]] = {  # axis, points, groups
    "rule": (["sgd", "momentum", "adam"], 1),
    "alpha": ([0.0, 1e-5, 0.0001, 0.0003, 0.001, 0.01, 0.1, 1.0, 100.0, 100000.0], 6),
    "epoch": (list(range(0, 310, 10)), 4),
    "label_noise": ([0.0, 0.05, 0.1, 0.4], 2),
}


@pytest.fixture(scope="module")
def studied_revisions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Rows]]:
    """A git repository with the committed studies' points and some invented ones, and a branch where they differ.

    In it stand the pages of all charts of studies: of one revision, DVC's own page, and of both, one for no network.
    """
    path = tmp_path_factory.mktemp("studies")
    names = sorted({Path(file).parent.name for chart in STUDY_CHARTS.values() for file in chart["y"]})
    committed: Rows = {name: json.loads((ROOT / f"studies/{name}/points.json").read_text()) for name in names}
    invented = {axis: invented_study(axis, places, groups) for axis, (places, groups) in INVENTED.items()}
    revisions = {"committed": committed | invented, "varied": changed(committed) | invented}
    workspace = Workspace(path)
    shutil.copytree(ROOT / ".dvc/plots", path / ".dvc/plots")
    shutil.copy(ROOT / ".dvc/config", path / ".dvc/config")
    workspace.git("init", "-q")
    workspace.name_author()
    for revision, studies in revisions.items():
        workspace.git("checkout", "-q", "-B", revision)
        shutil.rmtree(path / "studies", ignore_errors=True)
        for name, rows in studies.items():
            (path / "studies" / name).mkdir(parents=True)
            (path / "studies" / name / "points.json").write_text(json.dumps(rows))
        (path / "studies/dvc.yaml").write_text(yaml.safe_dump({"plots": STUDY_PLOTS}, sort_keys=False))
        workspace.commit(revision)
    workspace.dvc("plots", "show", "studies/dvc.yaml:", "--out", "one")
    workspace.run("python", "-m", "stages.commands.pages", PYTHONPATH=str(ROOT))
    workspace.dvc("plots", "diff", *revisions, "--targets", "studies/dvc.yaml:", "--out", "both")
    return workspace, revisions


def shown_rows(chart: dict[str, Any], revisions: dict[str, Rows]) -> list[dict[str, Any]]:
    """The rows that a chart is to show: `study_groups` leaves out the groups that only one of its studies has."""
    found = []
    for revision, studies in revisions.items():
        parts = [studies.get(Path(file).parent.name, []) for file in chart["y"]]
        of_group: dict[str, set[str]] = {}
        for row in (row for part in parts for row in part):
            of_group.setdefault(row["series"], set()).add(row["study"])
        alone = chart["template"] == "study_lines" or sum(map(bool, parts)) == 1
        rows = [row for part in parts for row in part if row["test_error"] is not None]
        found += [row | {"rev": revision} for row in rows if alone or len(of_group[row["series"]]) > 1]
    return found


def check_study_charts(page: Page, expected: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]) -> None:
    """Every row is drawn once, at its place, in the panel of its revision and group, in its colour of the legend."""
    fields = {}
    for name, (chart, _) in expected.items():
        at = {"x": chart["x"], "y": "test_error"}
        fields[name] = ("", {"line": at, "symbol": at, "area": {"x": chart["x"], "y": "low", "y2": "high"}})
    described, found = charts(page), marks_of(page, fields)
    assert found.keys() == expected.keys()
    for name, (chart, rows) in expected.items():
        by_group, drawn = chart["template"] == "study_groups", found[name]
        series = {row["series"] for row in rows}

        def place(row: dict[str, Any], axis: str = chart["x"]) -> tuple[Any, ...]:
            return tuple(row[field] for field in ("rev", "study", "series", axis, "test_error"))

        for kind in fields[name][1]:
            marks = [mark["datum"] for mark in drawn["marks"] if mark["type"] == kind]
            assert Counter(map(place, marks)) == Counter(map(place, rows)), (name, kind)
        paths: dict[int, set[tuple[Any, ...]]] = {}
        for mark in drawn["marks"]:
            datum, headers = mark["datum"], mark["headers"]
            assert datum["rev"] in headers, (name, mark)
            if by_group:
                assert [header for header in headers if header in series] == [datum["series"]], (name, mark)
            line = datum["study"] if by_group or datum["series"] == ALL else f"{datum['study']}, {datum['series']}"
            assert mark["colour"] == drawn["legend"][line], (name, mark)
            assert mark["off"] < 0.01, (name, mark)
            if mark["type"] != "symbol":
                paths.setdefault(mark["path"], set()).add((datum["rev"], datum["study"], datum["series"]))
        assert [lines for lines in paths.values() if len(lines) > 1] == [], name
        assert len(set(drawn["legend"].values())) == len(drawn["legend"]), name
        assert [label for label in drawn["labels"] if label["off"] > 1] == [], name
        drawn_as = described[name.replace("_", " ")]
        assert (drawn_as["overlaps"], drawn_as["truncated"]) == ([], []), name
        assert drawn_as["size"][0] <= 1250, name


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("out", ["one", "both"])
def test_studies_stand_beside_each_other_each_in_its_own_panel_and_colour(
    out: str, width: int, studied_revisions: tuple[Workspace, dict[str, Rows]], browser: Browser
) -> None:
    workspace, revisions = studied_revisions
    shown = {"workspace": revisions["varied"]} if out == "one" else revisions
    page, complaints = opened(browser, workspace.path / out / "index.html", offline=out == "both", width=width)
    check_study_charts(page, {name: (chart, shown_rows(chart, shown)) for name, chart in STUDY_CHARTS.items()})
    page.screenshot(path=SCREENSHOTS / f"studies-{out}-{width}.png", full_page=True)
    assert complaints == []


TEMPLATES = ["study_groups", "study_lines"]
# `make test` takes every axis with one of the templates, `make test-all` with both
LAID = [*product(INVENTED, TEMPLATES)]
if not os.environ.get("RERUNS"):
    LAID = [*zip(INVENTED, cycle(TEMPLATES), strict=False)]


@pytest.mark.parametrize(("axis", "template"), LAID)
def test_a_study_over_any_axis_is_laid_beside_itself(
    axis: str, template: str, studied_revisions: tuple[Workspace, dict[str, Rows]], browser: Browser
) -> None:
    workspace, revisions = studied_revisions
    target, out = f"studies/{axis}/points.json", f"page-{axis}-{template}"
    workspace.dvc("plots", "diff", *revisions, "--targets", target, "-t", template, "-x", axis, "--out", out)
    page, complaints = opened(browser, workspace.path / out / "index.html", offline=True)
    chart = {"template": template, "x": axis, "y": {target: "test_error"}}
    name = re.sub(r"[^\w]", "_", target)
    check_study_charts(page, {name: (chart, shown_rows(chart, revisions))})
    page.screenshot(path=SCREENSHOTS / f"{out}.png", full_page=True)
    assert complaints == []
