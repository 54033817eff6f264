"""The studies: what may be asked, how it is run, and that what is committed is what the code makes."""

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from stages.base import files, tensors
from stages.base.datasets import CLASSES
from stages.base.files import UserError
from stages.base.params import Data, ParamsError, Train
from stages.base.sources import images_of, too_much
from stages.base.studies import Studies, along, homes, parse_studies, points
from stages.cells.cell import study_cell
from stages.cells.prepared import prepared
from stages.figures.study import study as figure
from stages.figures.style import to_bytes
from stages.judge import SIGNS, measured
from stages.statistic import reading as of_reading
from stages.statistic import study as statistic
from stages.statistic.protocol import studied
from stages.statistic.tables import to_json, to_records
from stages.statistic.verdict import judged
from stages.training.batch import DataSet
from stages.training.options import OWN_IMAGES
from stages.training.procedures import train
from tests.test_determinism import same_machine
from tests.workspace import (
    ABOUT,
    OF_ALL_RUNS,
    ROOT,
    SMALL_READINGS,
    SMALL_STUDIES,
    Workspace,
    committed_mnist,
    ran,
    small_studies,
    some,
)

COMMITTED = parse_studies((ROOT / "studies/params.yaml").read_text())
NAMES = list(COMMITTED.studies)
QUICK = [name for name in NAMES if COMMITTED.studies[name].trains in ("fit", "features")]


def small(**changes: Any) -> str:
    """studies/params.yaml with one study, over alpha at two widths, but for the changes."""
    studies = small_studies()
    studies["studies"] = {"one": {**studies["studies"]["over-alpha"], **changes}}
    studies["readings"] = {}
    return yaml.safe_dump(studies, sort_keys=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {"lrr": 0.1}}, "studies.one.options.lrr: no such option; the options are alpha, average_epochs, "),
        ({"grid": {"rule_": ["sgd"], "alpha": [0, 1, 2]}}, "studies.one.grid.rule_: no such option; the options are "),
        ({"over": "images"}, "studies.one.over: 'images' is no axis of this study; its axes are width, alpha, epoch"),
        ({"over": "width"}, "studies.one.grid.width: has 2 values, and an axis needs 3 or more"),
        ({"grid": {"alpha": [0.0, 0.1, 0.1]}}, "studies.one.grid.alpha: 0.1 stands in it 2 times"),
        ({"options": {"lr": -1.0}}, "studies.one.options.lr: -1.0 should be greater than 0"),
        (
            {"options": {"alpha": 0.1}},
            "studies.one.options.alpha: stands in the grid as well; take it out of one of them",
        ),
        ({"grid": {"alpha": [0.0, 0.1, -1.0]}}, "studies.one.grid.alpha: -1.0 should be greater than or equal to 0"),
        ({"options": {"lr_scale": [1.0, -2.0]}}, "studies.one.options.lr_scale: -2.0 should be greater than or equal"),
        (
            {"options": {"images": 900}},
            "studies.one.options.images: 900 is more than the 200 that data.train_per_class",
        ),
        (
            {"grid": {"data": ["mnist", "digits"], "alpha": [0, 1, 2]}},
            "studies.one.grid.data: is the same at every point of a study",
        ),
        ({"trains": "nothing"}, "studies.one.trains: 'nothing' should be 'fit', 'prune', 'grow', 'features', "),
        ({"grid": {}}, "studies.one.over: 'alpha' is no axis of this study; its axes are epoch"),
        ({"asks": ""}, "studies.one.asks: '' "),
        (
            {"over": "rule", "grid": {"rule": ["sgd", "adam", "momentum"]}},
            "studies.one.over: 'rule' is no axis; an axis is an option, other than seeds, of numbers",
        ),
        ({"over": "images", "grid": {"images": [None, 50, 100]}}, "studies.one.over: 'images' is no axis; "),
        ({"over": "seeds", "grid": {"seeds": [2, 3, 4]}}, "studies.one.over: 'seeds' is no axis; "),
        (
            {"over": "epoch", "options": {"epochs": 1}},
            "studies.one.over: a run passes through 2 points, and an axis needs 3 or more",
        ),
        (
            {"trains": "prune", "over": "round", "options": {"levels": 1}, "grid": {}},
            "studies.one.over: a run passes through 2 points, and an axis needs 3 or more",
        ),
        (
            {"trains": "grow", "over": "width", "options": {}, "grid": {"reuse_up_to": [0, 7]}},
            "studies.one: defaults.grow.widths: [5, 10, 20, 30, 40, 50, 60, 100, 200] do not hold 7, ",
        ),
        (
            {"trains": "grow", "over": "width", "options": {"widths": [3, 2, 5]}, "grid": {}},
            "studies.one.options.widths",
        ),
        (
            {"trains": "features", "over": "width", "options": {}, "grid": {"width": [2, 3, 4], "ridge": [-1.0]}},
            "studies.one.grid.ridge: -1.0 should be greater than or equal to 0",
        ),
        ({"options": {"depth": 2}}, "studies.one: defaults.fit.lr_scale: "),
        ({"twin": "two"}, "studies.one.twin: there is no study 'two'"),
        (
            {"twin": "one"},
            "studies.one.twin: redraw should be none and permute false in 'one', and one of them not here",
        ),
        ({"also": 1}, "studies.one.also: unknown key"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line_with_its_place(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError) as error:
        parse_studies(small(**changes))
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_a_default_that_is_not_allowed_is_said_with_its_place() -> None:
    studies = yaml.safe_load(small())
    studies["defaults"]["fit"]["batch_size"] = 0
    with pytest.raises(
        ParamsError, match=r"^studies\.one: defaults\.fit\.batch_size: 0 should be greater than or equal to 1"
    ):
        parse_studies(yaml.safe_dump(studies))


def test_a_twin_differs_in_what_every_run_draws_and_in_nothing_else() -> None:
    studies = yaml.safe_load(small(options={"redraw": "all", "lr": 0.01}, twin="two"))
    studies["studies"]["two"] = {**studies["studies"]["one"], "options": {"lr": 0.01, "seeds": 7}, "twin": None}
    parse_studies(yaml.safe_dump(studies))
    studies["studies"]["two"]["options"]["lr"] = 0.02
    with pytest.raises(
        ParamsError, match="'two' should share points and differ in no option but redraw, permute and seeds"
    ):
        parse_studies(yaml.safe_dump(studies))


@pytest.mark.parametrize("name", ["", "a.b", "my study", "verdicts", "findings.csv", "../up", "a;b"])
def test_a_studys_name_is_a_folders_and_a_words(name: str) -> None:
    studies = yaml.safe_load(small())
    studies["studies"][name] = studies["studies"].pop("one")
    with pytest.raises(ParamsError, match="is no name for a study"):
        parse_studies(yaml.safe_dump(studies))


def test_defaults_are_checked_even_where_no_study_uses_them() -> None:
    studies = yaml.safe_load(small())
    studies["defaults"]["features"]["zzz"] = 1
    with pytest.raises(ParamsError, match=r"^defaults.features.zzz: no such option"):
        parse_studies(yaml.safe_dump(studies))
    del studies["defaults"]["features"], studies["defaults"]["fit"]
    with pytest.raises(ParamsError, match=r"^defaults.fit: missing"):
        parse_studies(yaml.safe_dump(studies))


def test_every_point_of_the_grid_has_the_options_of_the_study_and_else_the_defaults() -> None:
    studies = parse_studies(small(options={"penalty": "l2", "lr": 0.5}, grid={"depth": [1], "alpha": [0.0, 0.1, 0.2]}))
    last = points(studies, "one")[-1]
    assert last.place == {"depth": 1, "alpha": 0.2}
    assert isinstance(last.train, Train)
    assert (last.train.lr, last.data.name, last.data.label_noise) == (0.5, "digits", 0.0)
    assert [point.place["alpha"] for point in points(studies, "one")] == [0.0, 0.1, 0.2]


def test_every_option_of_the_groups_has_one_name_and_a_default() -> None:
    for trains, defaults in COMMITTED.defaults.items():
        assert set(defaults) == set(homes(trains))


def test_a_study_shares_cells_with_the_grid() -> None:
    """The defaults are the paper's protocol, so a cell that the main job has is not trained again."""
    grid = files.read_params()
    (one,) = points(
        Studies.model_validate(
            {
                "defaults": COMMITTED.defaults,
                "studies": {"one": {**ABOUT, "trains": "fit", "over": "epoch", "options": {"alpha": 0.1}, "grid": {}}},
            }
        ),
        "one",
    )
    assert (one.data, one.train) == (grid.data, grid.train)


DRAWN = NAMES if os.environ.get("RERUNS") else random.Random(len(NAMES)).sample(NAMES, 10)[:4]


JUDGED = NAMES if os.environ.get("RERUNS") else random.Random(len(NAMES)).sample(NAMES, 10)
READ = some(list(COMMITTED.readings), 4)


@pytest.mark.parametrize("name", JUDGED)
def test_its_answer_and_its_figure_are_those_of_its_committed_runs(name: str) -> None:
    folder, study = ROOT / "studies" / name, COMMITTED.studies[name]
    rows = pd.read_csv(folder / ("curves.csv" if study.within_a_run else "cells.csv"))
    groups = statistic.groups(rows, study.by)
    classes = SIGNS if study.trains == "smooth" else CLASSES
    cases = judged(groups, study.over, statistic.not_asked(study, points(COMMITTED, name)), classes)
    committed = json.loads((ROOT / f"studies/verdicts/{name}.json").read_text())
    infinite = {group: verdict.get("infinite") for group, verdict in committed[name].items()}  # not of these runs
    found = {group: statistic.described(case, infinite[group]) for group, case in cases.items()}
    caption = studied(points(COMMITTED, name)[0])
    assert committed == json.loads(to_json({name: found}))
    assert (folder / "finding.md").read_text() == f"{statistic.finding(study.asks, found, study.over)}\n"
    assert json.loads((folder / "headline.json").read_text()) == {f"study {name}": statistic.headline(found)}
    assert (folder / "points.json").read_bytes() == to_records(statistic.points(cases, name, caption))
    if name in DRAWN:
        assert (folder / "figure.png").read_bytes() == to_bytes(figure(cases, found, study.asks, caption), "png")


@pytest.mark.parametrize("name", READ)
def test_a_readings_answers_are_judged_as_they_are_committed(name: str) -> None:
    folder, reading, axis = ROOT / "studies" / name, COMMITTED.readings[name], along(COMMITTED, name)
    answers = pd.read_csv(folder / "answers.csv")
    own = json.loads((ROOT / f"studies/verdicts/{reading.reads}.json").read_text())[reading.reads]
    runs = "curves.csv" if COMMITTED.studies[reading.reads].within_a_run else "cells.csv"
    cells = pd.read_csv(ROOT / "studies" / reading.reads / runs)
    column = of_reading.column_of(answers)
    groups = of_reading.groups(answers, axis, column)
    cases = judged(groups, axis.over, of_reading.guards_not_asked(reading, groups), scale=of_reading.scale_of(groups))
    found = {group: of_reading.described(case, axis, own, cells, column) for group, case in cases.items()}
    assert json.loads((ROOT / f"studies/verdicts/{name}.json").read_text()) == json.loads(to_json({name: found}))
    assert (
        folder / "finding.md"
    ).read_text() == f"{of_reading.finding(reading, axis, found, of_reading.references(answers, column))}\n"


ANEW = NAMES if os.environ.get("RERUNS") else random.Random(len(NAMES)).sample(QUICK, 2)


def images_for(data: Data, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The committed part of MNIST where it is enough; else all of it, or no test where no mirror gives it."""
    whole = data.redraw in OWN_IMAGES
    if data.name == "mnist" and not too_much(data, whole):
        return committed_mnist()
    try:
        return images_of(data, "", whole, folder, ROOT / "data/mnist_subset.npz")
    except UserError:
        pytest.skip("needs the whole of MNIST, which no mirror gave")


@pytest.mark.slow
@pytest.mark.parametrize("name", ANEW)
def test_runs_of_it_trained_anew_are_the_committed_ones(name: str, tmp_path: Path) -> None:
    """Two seeds of a cell: to a millionth of each number on this torch and kind of CPU, elsewhere to five points.

    `make test` draws two of the studies that take seconds, `make test-all` takes all of them.
    """
    point = points(COMMITTED, name)[1]
    images, about = images_for(point.data, tmp_path / "archives")
    arrays, about = tensors.from_bytes(prepared(images, about, point.data, ""))
    few = point._replace(train=point.train.model_copy(update={"seeds": 2}))
    cell = study_cell(few, about["classes"], tmp_path)
    (runs,) = train(cell.procedure, DataSet.of(arrays, about["classes"], "cpu"), [cell.options], range(2))
    own = {"procedure": cell.procedure, "options": cell.options, "seeds": 2, "data": about["digest"]}
    files.write(cell.path, tensors.to_bytes(runs, own))
    new, _ = measured([few], tmp_path, arrays, about, "")
    old = pd.read_csv(ROOT / "studies" / name / "cells.csv")
    for option, value in point.place.items():
        old = old[old[option] == value]
    old = old[old.seed < 2].reset_index(drop=True)
    assert len(old) == 2
    assert abs(new.test_error.mean() - old.test_error.mean()) < 0.05
    if same_machine():
        own_alone = [column for column in old if column not in OF_ALL_RUNS]
        pd.testing.assert_frame_equal(new[own_alone], old[own_alone], rtol=1e-5, check_dtype=False)


def test_every_folder_of_studies_belongs_to_a_study() -> None:
    folders = {path.name for path in (ROOT / "studies").iterdir() if path.is_dir()} - {"verdicts"}
    every = {*NAMES, *COMMITTED.readings}
    assert folders == every == {path.stem for path in (ROOT / "studies/verdicts").iterdir()}
    assert set(pd.read_csv(ROOT / "studies/findings.csv").study) == every


def test_a_chart_shows_studies_over_the_axis_that_it_names() -> None:
    plots = yaml.safe_load((ROOT / "studies/dvc.yaml").read_text())["plots"]
    for chart in (chart for plot in plots for chart in plot.values()):
        assert {COMMITTED.studies[Path(file).parent.name].over for file in chart["y"]} == {chart["x"]}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.built(tmp_path_factory.mktemp("studies"))


@pytest.mark.slow
def test_the_studies_ran_and_a_plain_repro_leaves_them_alone(workspace: Workspace) -> None:
    found = pd.read_csv(workspace.path / "studies/findings.csv")
    of_studies = found[~found.study.isin(SMALL_READINGS)]
    assert list(of_studies.study) == ["over-alpha", "over-alpha", "pruned", "pruned"]
    assert list(of_studies.group) == ["width 2", "width 3", "method magnitude", "method random"]
    assert found[found.study == "inside-alpha"].group.str.startswith("width 2, measure ").any()
    said = workspace.read("studies/lengths-rounds/finding.md")
    assert re.search(
        r"Does the least two_part_bits choose the round that errs least\? Undecided at method magnitude", said
    )
    cells = pd.read_csv(workspace.path / "studies/over-alpha/cells.csv")
    assert len(cells) == 2 * 3 * 2  # widths, alphas, seeds
    assert set(cells.dataset) == {"digits"}
    curves = pd.read_csv(workspace.path / "studies/pruned/curves.csv")
    assert len(curves) == 2 * 3 * 2  # methods, rounds, seeds
    assert workspace.repro() == set()


@pytest.mark.slow
def test_adding_a_study_is_editing_one_file(workspace: Workspace) -> None:
    path = workspace.path / "studies/params.yaml"
    before = path.read_text()
    studies = yaml.safe_load(before)
    (lines,) = re.findall(r"^```yaml\n(.+?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE | re.DOTALL)
    studies["studies"] |= yaml.safe_load(lines)
    path.write_text(yaml.safe_dump(studies, sort_keys=False))
    output = workspace.dvc("repro", "studies/dvc.yaml")
    of_rules = {f"studies/dvc.yaml:{stage}@rules" for stage in ("images", "study", "judge")}
    assert ran(output) == {*of_rules, "studies/dvc.yaml:findings"}
    assert "study rules: 2 cells trained, 0 from the store" in output
    verdicts = json.loads(workspace.read("studies/verdicts/rules.json"))["rules"]
    assert set(verdicts) == {"rule sgd", "rule adam"}
    assert (workspace.path / "studies/rules/figure.png").stat().st_size > 1000
    workspace.git("checkout", "-q", ".")


@pytest.mark.slow
def test_a_study_that_cannot_be_asked_ends_in_one_line_before_anything_trains(workspace: Workspace) -> None:
    path = workspace.path / "studies/params.yaml"
    before = path.read_text()
    path.write_text(before.replace("penalty: l2", "penalty: l9"))
    output = workspace.dvc("repro", "studies/dvc.yaml", ok=False)
    assert "error: studies/params.yaml: studies.over-alpha.options.penalty: 'l9' should be" in output
    assert "Traceback" not in output
    path.write_text(before)
    assert set(SMALL_STUDIES) == set(yaml.safe_load(before)["studies"])
