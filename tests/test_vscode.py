"""What VS Code's DVC extension draws of a comparison, by the steps that its source takes (iterative/vscode-dvc).

It asks for `dvc plots diff REVISIONS --split --json`, keeps each chart's rows apart by their `rev`, puts the rows of
the chosen revisions and its own colours of revisions into the anchors, and replaces every text that is an anchor as a
whole (extension/src/plots/model/collect.ts and webview/src/plots/components/vegaLite/util.ts).
"""

import json
from pathlib import Path
from typing import Any

import pytest
import vl_convert

from stages.figures.style import width_colour
from tests.workspace import Workspace

pytestmark = pytest.mark.slow
THEIRS = {"workspace": "#13adc7", "HEAD": "#f46837"}  # colours that the extension gives to revisions


def filled(value: Any, anchors: dict[str, Any]) -> Any:
    """The template with what the anchors stand for, as the extension fills it."""
    if isinstance(value, str):
        return anchors.get(value, value)
    if isinstance(value, list):
        return [filled(one, anchors) for one in value]
    if isinstance(value, dict):
        return {key: filled(one, anchors) for key, one in value.items()}
    return value


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """By the name of a chart what the extension receives, where both pipelines have run and an option was changed."""
    workspace = Workspace.built(tmp_path_factory.mktemp("compared"))
    for name in ("plots/cells.json", "studies/over-alpha/points.json"):
        rows = json.loads(workspace.read(name))
        (workspace.path / name).write_text(json.dumps([row | {"run": "another"} for row in rows]))
    output = workspace.dvc("plots", "diff", *THEIRS, "--out", ".dvc/tmp/plots", "--split", "--json")
    found = json.loads(output[output.index("{") :])
    assert "errors" not in found
    return {name: plots for name, plots in found["data"].items() if plots}


def test_charts_and_figures_of_both_pipelines_arrive_with_both_revisions(
    received: dict[str, list[dict[str, Any]]],
) -> None:
    assert {"test error over alpha", "training curves", "refitted last layers", "over the penalty"} <= set(received)
    figures = received.pop("plots/table1.png")
    assert sorted(revision for figure in figures for revision in figure["revisions"]) == sorted(THEIRS)
    assert all(Path(figure["url"]).exists() for figure in figures)
    for name, (plot,) in received.items():
        assert sorted(plot["revisions"]) == sorted(THEIRS), name
        rows = plot["anchor_definitions"]["<DVC_METRIC_DATA>"]
        assert {row["rev"] for row in rows} == set(THEIRS), name


def test_every_chart_keeps_its_own_colours_and_has_a_panel_for_each_revision(
    received: dict[str, list[dict[str, Any]]],
) -> None:
    charts = {name: plots[0] for name, plots in received.items() if plots[0]["type"] == "vega"}
    for name, plot in charts.items():
        colours = {"field": "rev", "scale": {"domain": list(THEIRS), "range": list(THEIRS.values())}}
        spec = filled(plot["content"], plot["anchor_definitions"] | {"<DVC_METRIC_COLOR>": colours})
        assert "<DVC_" not in json.dumps(spec), name
        picture = vl_convert.vegalite_to_svg(spec)
        assert [colour for colour in THEIRS.values() if colour in picture.lower()] == [], name
        assert [revision for revision in THEIRS if f">{revision}" not in picture] == [], name
        assert {"facet", "vconcat"} & set(spec), name  # which the extension gives as many columns as revisions
    over_alpha = vl_convert.vegalite_to_svg(
        filled(charts["test error over alpha"]["content"], charts["test error over alpha"]["anchor_definitions"])
    )
    assert all(width_colour(width) in over_alpha for width in (2, 3))
