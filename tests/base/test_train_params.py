from pathlib import Path

import pytest

from stages import check
from stages.base.console import call
from stages.base.params import PENALTIES, ParamsError, parse
from stages.training import mlp, penalty, rules, schedule
from stages.training.options import Options

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text()


def changed(*pairs: tuple[str, str]) -> str:
    text = TEXT
    for old, new in pairs:
        assert f"  {old}" in text
        text = text.replace(f"  {old}", f"  {new}", 1)
    return text


def test_the_files_values_are_the_trainers_defaults() -> None:
    train = parse(TEXT).train.model_dump(exclude={"seeds"})
    defaults = Options(width=1, alpha=0.0)
    for name, value in train.items():
        default = getattr(defaults, name)
        assert value == (list(default) if isinstance(default, tuple) else default), name


def test_every_name_that_is_allowed_is_one_the_trainer_knows() -> None:
    def allowed(key: str) -> set[str]:
        with pytest.raises(ParamsError) as caught:
            parse(changed((f"{key}: {getattr(parse(TEXT).train, key)}", f"{key}: wrong")))
        return set(str(caught.value).split("'")[3::2])

    assert allowed("loss") == set(mlp.LOSSES)
    assert allowed("rule") == set(rules.RULES)
    assert allowed("schedule") == set(schedule.SCHEDULES)
    assert allowed("penalty") == set(penalty.PENALTIES) == set(PENALTIES)


def test_the_ways_of_every_penalty_are_those_that_the_trainer_has() -> None:
    for name, (subgradient, proximal) in PENALTIES.items():
        known = penalty.PENALTIES[name]
        assert (subgradient, proximal) == (bool(known.subgradient) or name == "none", bool(known.proximal))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([("depth: 1", "depth: 2")], "train.lr_scale: [1.0, 1.0] should hold 3 numbers, one for each layer"),
        ([("penalty: induced_1norm", "penalty: l0")], "train.solver: 'subgradient' has a step for the penalties"),
        ([("solver: subgradient", "solver: proximal")], "train.solver: 'proximal' has a step for the penalties 'l1', "),
        (
            [
                ("rule: sgd", "rule: adam"),
                ("penalty: induced_1norm", "penalty: l1"),
                ("solver: subgradient", "solver: proximal"),
            ],
            "train.solver: 'proximal' has a step for the rules 'sgd' and 'momentum', not for 'adam'",
        ),
        (
            [("images: null", "images: 5001")],
            "train.images: 5001 is more than the 5000 that data.train_per_class allows",
        ),
        (
            [("schedule: constant", "schedule: decay_last"), ("decay_share: 0.2", "decay_share: 0.01")],
            "0.01 of 30 epochs",
        ),
        ([("average_epochs: 6", "average_epochs: 5")], "train.average_epochs: 5 should be a multiple of 2"),
        (
            [("penalty: induced_1norm", "penalty: l0"), ("solver: subgradient", "solver: proximal")],
            "train.penalty: 'l0' takes alpha for a share of the weights, and 10000.0 is more than 1",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_line(changes: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ParamsError) as caught:
        parse(changed(*changes))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_hidden_layers_take_three_numbers() -> None:
    text = changed(
        ("depth: 1", "depth: 2"),
        ("lr_scale: [1.0, 1.0]", "lr_scale: [1.0, 0.5, 1.0]"),
        ("penalty_scale: [1.0, 1.0]", "penalty_scale: [1.0, 1.0, 0.0]"),
    )
    assert parse(text).train.depth == 2


@pytest.mark.parametrize(("epochs", "told"), [(1, True), (4, False), (5, True), (7, False)])
def test_check_says_where_odd_and_even_epochs_do_not_average_alike(
    epochs: int, told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over 6 epochs, as the paper's parameters have it; over all of them where there are fewer."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(changed(("epochs: 30", f"epochs: {epochs}")))
    call(check.main, "--out", "ok")
    said = capsys.readouterr().err
    assert (f"params.yaml: train.epochs: {epochs}: an odd number under train.average_epochs" in said) == told
