"""What a reading may ask of which study."""

from typing import Any

import pytest
import yaml

from stages.base.params import ParamsError
from stages.base.studies import Studies, along, parse_studies, points_read
from tests.workspace import ABOUT, small_studies

KEPT = {**ABOUT, "trains": "prune", "over": "round", "options": {"keep_networks": True}, "grid": {"width": [2, 3]}}


def parsed(**reading: Any) -> Studies:
    """Of the small studies and one that keeps pruned networks, with one reading."""
    contents = small_studies()
    contents["studies"] = contents["studies"] | {"kept": KEPT, "not-kept": KEPT | {"options": {}}}
    contents["readings"] = {"one": {**ABOUT, "reads": "over-alpha", "measures": "inside", **reading}}
    return parse_studies(yaml.safe_dump(contents, sort_keys=False))


def test_a_reading_takes_every_point_of_its_study_or_those_that_it_names() -> None:
    every = [point.place for point in points_read(parsed(), "one")]
    assert every == [{"width": width, "alpha": alpha} for width in (2, 3) for alpha in (0.0, 0.1, 0.2)]
    assert [point.place["width"] for point in points_read(parsed(where={"width": [3]}), "one")] == [3, 3, 3]


def test_an_option_of_which_one_value_is_read_makes_no_groups() -> None:
    assert along(parsed(), "one") == ("alpha", ["width"], ["width"])
    assert along(parsed(where={"width": [3]}), "one") == ("alpha", [], ["width"])


def test_pruned_networks_can_be_asked_where_they_are_kept() -> None:
    assert len(points_read(parsed(reads="kept", measures="heads", strength=[0.1]), "one")) == 2


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ({"reads": "nothing"}, "readings.one.reads: there is no study 'nothing'"),
        (
            {"reads": "kept"},
            "readings.one.measures: 'inside' reads what is trained by fit, and 'kept' is trained by prune",
        ),
        (
            {"reads": "not-kept", "measures": "lengths"},
            "readings.one.reads: 'not-kept' keeps no networks; a study does with keep_networks: true",
        ),
        ({"where": {"width": [4]}}, "readings.one.where.width: [4] does not stand in the grid of 'over-alpha'"),
        ({"where": {"depth": [1]}}, "readings.one.where.depth: [1] does not stand in the grid of 'over-alpha'"),
        ({"seeds": 3}, "readings.one.seeds: 3 is more than the runs of 'over-alpha'"),
        ({"measures": "heads"}, "readings.one.strength: [] should name numbers, each at least 1e-30"),
        (
            {"measures": "heads", "strength": [0.0]},
            "readings.one.strength: [0.0] should name numbers, each at least 1e-30",
        ),
        ({"measures": "kernels"}, "readings.one.strength: [] should name numbers, each at least 0"),
        ({"where": {"alpha": [0.1]}}, "readings.one.where.alpha: 1 values are read, and an axis needs 3"),
        (
            {"measures": "kernels", "strength": [0.1, 0.1]},
            "readings.one.strength: [0.1, 0.1] 0.1 stands in it 2 times; every value once",
        ),
        ({"measures": "soul"}, "readings.one.measures: 'soul' should be 'heads', 'sweep'"),
        ({"colour": 1}, "readings.one.colour: unknown key"),
    ],
)
def test_what_cannot_be_asked_gets_one_line(reading: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError) as error:
        parsed(**reading)
    assert str(error.value).startswith(said)


@pytest.mark.parametrize("name", ["over-alpha", "verdicts", "A b"])
def test_a_readings_name_is_a_folder_of_its_own(name: str) -> None:
    contents = small_studies()
    contents["readings"] = {name: {**ABOUT, "reads": "over-alpha", "measures": "inside"}}
    with pytest.raises(ParamsError, match=r"is the name of a study|is no name for a reading"):
        parse_studies(yaml.safe_dump(contents, sort_keys=False))


def test_epochs_have_no_networks_to_ask() -> None:
    contents = small_studies()
    over_epochs = {**contents["studies"]["over-alpha"], "over": "epoch", "grid": {"width": [2]}}
    contents["studies"] = {**contents["studies"], "over-alpha": over_epochs}
    with pytest.raises(ParamsError, match="is judged over epochs, and only the last networks are kept"):
        parse_studies(yaml.safe_dump(contents, sort_keys=False))
