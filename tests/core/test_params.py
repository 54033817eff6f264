from pathlib import Path

import pytest

from stages.core.params import Params, ParamsError, cell_name, parse

TEXT = Path("params.yaml").read_text()


def test_the_committed_params_are_the_papers_protocol() -> None:
    params = parse(TEXT)
    assert (params.data.name, params.data.train_per_class, params.data.test_per_class) == ("mnist", 500, 500)
    assert params.grid.width == [5, 10, 25, 50, 75, 100]
    assert len(params.grid.alpha) == 16
    assert (params.train.lr, params.train.batch_size, params.train.epochs) == (0.001, 32, 30)
    assert (params.train.penalty, params.train.solver) == ("induced_1norm", "subgradient")


@pytest.mark.parametrize(
    ("old", "new"),
    [("name: mnist", "name: digits"), ("train_per_class: 500", "train_per_class: 400"), ("noise: 0.0", "noise: 0.2")],
)
def test_other_data_than_the_papers_are_not_compared_with_its_numbers(old: str, new: str) -> None:
    assert parse(TEXT).data.is_the_papers()
    assert not parse(TEXT.replace(old, new)).data.is_the_papers()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 0.001", "lr: 1e-3", "train.lr: '1e-3' is text to YAML, not a number; write a decimal point, such as"),
        ("lr: 0.001", "lr: '1e-05'", "train.lr: '1e-05' is text to YAML"),
        ("lr: 0.001", "lr: 0.0", "train.lr: 0.0 should be greater than 0"),
        ("lr: 0.001", "", "train.lr: missing"),
        ("lr: 0.001", "Lr: 0.001", "train.Lr: unknown key"),
        ("seeds: 10", "seeds: 10.5", "train.seeds: 10.5 should be a valid integer"),
        ("seeds: 10", "seeds: true", "train.seeds: True should be a valid integer"),
        ("seeds: 10", "seeds: 0", "train.seeds: 0 should be greater than or equal to 1"),
        ("width: [5, 10", "width: [0, 10", "grid.width.0: 0 should be greater than or equal to 1"),
        ("width: [5, 10", "width: [5, 5", "grid.width: [5, 5, 25, 50, 75, 100] 5 stands in it 2 times"),
        ("width: [5, 10, 25, 50, 75, 100]", "width: []", "grid.width: [] List should have at least 1 item"),
        ("width: [5, 10, 25, 50, 75, 100]", "width: 5", "grid.width: 5 should be a valid list"),
        ("alpha: [0.0, 0.001", "alpha: [-0.1, 0.001", "grid.alpha.0: -0.1 should be greater than or equal to 0"),
        ("alpha: [0.0, 0.001", "alpha: [0.0, 1e-3", "grid.alpha.1: '1e-3' is text to YAML"),
        ("alpha: [0.0, 0.001", "alpha: [0.0, 1", "1 stands in it 2 times"),  # 1 and 1.0 are one alpha
        ("alpha: [0.0, 0.001", "alpha: [.nan, 0.001", "grid.alpha.0: nan should be"),
        ("alpha: [0.0, 0.001", "alpha: [.inf, 0.001", "grid.alpha.0: inf should be a finite number of at most 1e+30"),
        (
            "penalty: induced_1norm",
            "penalty: L1",
            "train.penalty: 'L1' should be 'induced_1norm', 'l1', 'l2' or 'none'",
        ),
        ("solver: subgradient", "solver: proximal", "train.solver: 'proximal' has a step for the penalties 'l1' and"),
        ("label_noise: 0.0", "label_noise: 1.0", "data.label_noise: 1.0 should be less than 1"),
        ("name: mnist", "name: cifar", "data.name: 'cifar' should be 'mnist', 'fashion_mnist', 'kmnist' or 'digits'"),
        ("train:", "training:", "training: unknown key"),
        (
            "data:",
            "data: !!python/object/apply:os.getcwd []\nold:",
            "not valid YAML: could not determine a constructor",
        ),
        ("data:", "data: {", "not valid YAML"),
    ],
)
def test_a_bad_parameter_gets_one_line_with_its_path(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(ParamsError) as error:
        parse(TEXT.replace(old, new))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "[]", "5", "data"])
def test_a_document_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ParamsError, match="the document"):
        parse(text)


@pytest.mark.parametrize(("spelling", "value"), [("1.0e-4", 1e-4), ("1e-05", 1e-5), ("1e+16", 1e16), ("3", 3)])
def test_numbers_may_be_spelt_as_dvc_spells_them(spelling: str, value: float) -> None:
    assert parse(TEXT.replace("lr: 0.001", f"lr: {spelling}")).train.lr == value


def test_an_alpha_keeps_its_spelling_in_the_cells_name() -> None:
    params: Params = parse(TEXT.replace("alpha: [0.0, 0.001", "alpha: [0, 1.0e-5"))
    assert [cell_name(*cell) for cell in params.grid.cells()[:2]] == ["5-0", "5-1e-05"]
