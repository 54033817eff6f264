"""What lies in experiments/ and in the figures that compare them belongs to the committed code."""

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.figures import grid
from stages.figures.style import to_bytes
from stages.statistic.protocol import is_as_published
from stages.statistic.results import read_results
from stages.sweep import named
from tests.test_determinism import same_machine
from tests.workspace import ROOT, Workspace

NAMES = sorted(path.stem for path in (ROOT / "experiments").glob("*.yaml"))
KEYS = ["width", "alpha", "seed"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    clone = Workspace(tmp_path_factory.mktemp("experiments"))
    clone.git("clone", "-q", str(ROOT), ".")
    return clone


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_cell_of_it_trained_anew_is_the_committed_one(clone: Workspace, name: str) -> None:
    """To a millionth of each number for this torch on this kind of CPU; elsewhere to half a point in the mean."""
    from dvc.utils.hydra import apply_overrides

    clone.git("checkout", "-q", ".")
    params = clone.path / "params.yaml"
    apply_overrides(params, named(name))
    grid = yaml.safe_load(params.read_text())["grid"]
    width, alpha = min(w for w in grid["width"] if w >= 5), grid["alpha"][:2][-1]
    clone.change({"grid": {"width": [width], "alpha": [alpha]}})
    clone.download_or_skip()
    clone.dvc("repro", "-q", "evaluate")
    new, old = (
        pd.read_csv(path / "cells.csv", dtype={"alpha": float}).set_index(KEYS).sort_index()
        for path in (clone.path / "metrics", ROOT / "experiments" / name)
    )
    old = old.loc[new.index]
    assert len(new) == yaml.safe_load(params.read_text())["train"]["seeds"]
    assert abs(new.test_error.mean() - old.test_error.mean()) < 0.005
    if same_machine():
        pd.testing.assert_frame_equal(new, old, rtol=1e-6, check_dtype=False)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_its_verdict_is_that_of_its_cells(name: str, tmp_path: Path) -> None:
    folder = ROOT / "experiments" / name
    Workspace(ROOT).run("python", "-m", "stages.verdict", "--cells", str(folder / "cells.csv"), "--out", str(tmp_path))
    for file in ("verdict.json", "headline.json"):
        assert json.loads((tmp_path / file).read_text()) == json.loads((folder / file).read_text()), file


@pytest.mark.parametrize("name", NAMES)
def test_its_figures_are_drawn_from_its_committed_cells(name: str) -> None:
    folder = ROOT / "experiments" / name
    figures = grid.of_cells(read_results(folder))
    assert {path.stem for path in folder.glob("*.png")} == set(figures)
    drawn = {stem: to_bytes(figure, "png") for stem, figure in figures.items()}
    assert [stem for stem in drawn if drawn[stem] != (folder / f"{stem}.png").read_bytes()] == []


@pytest.mark.parametrize("name", NAMES)
def test_only_what_is_as_published_stands_beside_the_papers_numbers(name: str) -> None:
    results = read_results(ROOT / "experiments" / name)
    assert is_as_published(results.params) or results.paper.empty


MAKEFILE = (ROOT / "Makefile").read_text()
COMPARISONS = [line.strip() for line in MAKEFILE.splitlines() if line.startswith("\tpython -m stages.commands.compare")]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMPARISONS, ids=[command.split("/")[-1] for command in COMPARISONS])
def test_a_comparison_is_drawn_from_the_committed_cells(command: str, tmp_path: Path) -> None:
    *words, figure = shlex.split(command)
    Workspace(ROOT).run(*words, str(tmp_path / "figure.png"))
    assert (tmp_path / "figure.png").read_bytes() == (ROOT / figure).read_bytes()


def test_every_figure_in_plots_is_a_stages_or_a_comparison() -> None:
    stages = {**yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]}
    stages |= yaml.safe_load((ROOT / "prune/dvc.lock").read_text())["stages"]
    made = {Path(out["path"]).name for stage in stages.values() for out in stage.get("outs", [])}
    assert {path.name for path in (ROOT / "plots").glob("*.png")} <= made | {c.split("/")[-1] for c in COMPARISONS}
