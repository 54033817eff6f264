from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from dvc.utils.serialize import parse_yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.params import Params, ParamsError, document, parse
from stages.cells.cell import fit_cell
from stages.training.fit import fit
from stages.training.images import Images
from stages.training.options import Options

TEXT = Path("params.yaml").read_text()


def test_the_committed_params_are_the_papers_protocol() -> None:
    params = parse(TEXT)
    assert (params.data.name, params.data.train_per_class, params.data.test_per_class) == ("mnist", 500, 500)
    assert params.grid.width == [5, 10, 25, 50, 75, 100]
    assert len(params.grid.alpha) == 16
    assert (params.train.lr, params.train.batch_size, params.train.epochs) == (0.001, 32, 30)
    assert (params.train.penalty, params.train.solver) == ("induced_1norm", "subgradient")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("lr: 0.001", "lr: '1e-05'", "train.lr: '1e-05' is text to YAML, not a number; write it as 1.0e-4 is written"),
        ("lr: 0.001", "lr: 0.0", "train.lr: 0.0 should be greater than 0"),
        (
            "lr: 0.001",
            "lr: 1.0e-40",
            "train.lr: 1e-40 should be a finite number, at most 1e+30 and, if it is not 0, at",
        ),
        ("lr: 0.001", "", "train.lr: missing"),
        ("lr: 0.001", "Lr: 0.001", "train.Lr: unknown key"),
        ("seeds: 10", "seeds: 10.5", "train.seeds: 10.5 should be a valid integer"),
        ("seeds: 10", "seeds: true", "train.seeds: True should be a valid integer"),
        ("epochs: 30", "epochs: 100000000000000000000", "00 should be less than or equal to 1000000000"),
        ("width: [5,", f"width: [{10**400},", "0000 should be less than or equal to 1000000000"),
        (
            "samples: 5000",
            f"samples: {10**10}",
            "lasso.samples: 10000000000 should be less than or equal to 1000000000",
        ),
        ("seeds: 10", "seeds: 0", "train.seeds: 0 should be greater than or equal to 1"),
        ("width: [5, 10", "width: [0, 10", "grid.width.0: 0 should be greater than or equal to 1"),
        ("width: [5, 10", "width: [5, 5", "grid.width: [5, 5, 25, 50, 75, 100] 5 stands in it 2 times"),
        ("width: [5, 10, 25, 50, 75, 100]", "width: []", "grid.width: [] List should have at least 1 item"),
        ("width: [5, 10, 25, 50, 75, 100]", "width: 5", "grid.width: 5 should be a valid list"),
        ("alpha: [0.0, 0.001", "alpha: [-0.1, 0.001", "grid.alpha.0: -0.1 should be greater than or equal to 0"),
        ("alpha: [0.0, 0.001", "alpha: [0.0, '0.1'", "grid.alpha.1: '0.1' is text to YAML"),
        ("alpha: [0.0, 0.001", "alpha: [0.0, 1", "stands in it 2 times; every value once"),  # 1 and 1.0 are one alpha
        ("alpha: [0.0, 0.001", "alpha: [.nan, 0.001", "grid.alpha.0: nan should be greater than or equal to 0"),
        ("alpha: [0.0, 0.001", "alpha: [true, 0.001", "grid.alpha.0: True should be a valid number"),
        ("alpha: [0.0, 0.001", "alpha: [.inf, 0.001", "grid.alpha.0: inf should be a finite number, at most 1e+30"),
        (
            "penalty: induced_1norm",
            "penalty: L1",
            "train.penalty: 'L1' should be 'induced_1norm', 'l1', ",
        ),
        ("solver: subgradient", "solver: proximal", "train.solver: 'proximal' has a step for the penalties 'l1', "),
        ("label_noise: 0.0", "label_noise: 1.0", "data.label_noise: 1.0 should be less than 1"),
        ("name: mnist", "name: cifar", "data.name: 'cifar' should be 'mnist', "),
        ("train:", "training:", "training: unknown key"),
        (
            "data:",
            "data: !!python/object/apply:os.getcwd []\nold:",
            "not valid YAML: could not determine a constructor",
        ),
        ("data:", "data: {", "not valid YAML"),
        ("data:", '"a\\nb": 1\ndata:', "'a\\nb': unknown key"),
        ("n_features: [5, 10, 20,", "n_features: [10, 5, 20,", "must ascend: [5, 10, 20, 30, 40"),
        ("seeds: 10", "seeds: !!int ''", "not valid YAML: "),
        ("penalize_bias: true", "penalize_bias: !!bool ''", "not valid YAML: a value that does not suit its tag"),
        ("penalize_bias: true", "penalize_bias: yes", "train.penalize_bias: 'yes' should be a valid boolean"),
        ("epochs: 30", "epochs: 1:30", "train.epochs: '1:30' should be a valid integer"),
        ("epochs: 30", "epochs: 30\n  epochs: 3", "found duplicate key"),
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
    with pytest.raises(ParamsError, match=r"^the document: "):
        parse(text)


@pytest.mark.parametrize(
    ("spelling", "value"),
    [("1.0e-4", 1e-4), ("1e-3", 1e-3), ("1e+30", 1e30), ("3", 3), ("010", 10), ("0x1F", 31), ("1_000", 1000)],
)
def test_numbers_may_be_spelt_as_yaml_1_2_spells_them(spelling: str, value: float) -> None:
    assert parse(TEXT.replace("lr: 0.001", f"lr: {spelling}")).train.lr == value
    assert parse_yaml(f"lr: {spelling}", "params.yaml") == {"lr": value}


NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, 1e308, 5e-324, 2**63, 0, -1]))
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=8), st.dates(), st.binary(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
KEYS = [(group, key) for group, keys in yaml.safe_load(TEXT).items() for key in keys]


def allowed_or_one_line(text: str) -> None:
    try:
        params = parse(text)
    except ParamsError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1000
    else:
        assert isinstance(params, Params)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING, min_size=1, max_size=3))
def test_whatever_stands_in_the_place_of_a_value_it_is_allowed_or_gets_one_line(changes: dict[Any, Any]) -> None:
    document = yaml.safe_load(TEXT)
    for (group, key), value in changes.items():
        document[group][key] = value
    allowed_or_one_line(yaml.safe_dump(document))


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.lists(st.sampled_from(list("{}[]:,-&*!#|>'\"%@` \n\t0a.~?<=\x00\x85"))).map("".join)))
def test_whatever_the_file_holds_it_gets_one_line(text: str) -> None:
    allowed_or_one_line(text)


TAGS = ["bool", "int", "float", "timestamp", "binary", "null", "str", "set", "omap", "pairs", "seq", "map", "merge"]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(TAGS), st.text("0123456789abxo_-+.:eTZ= []{},'\"", max_size=12), st.sampled_from([1, 300]))
def test_whatever_a_value_is_tagged_as_it_is_allowed_or_gets_one_line(tag: str, value: str, times: int) -> None:
    allowed_or_one_line(TEXT.replace("lr: 0.001", f"lr: !!{tag} {value * times}"))


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(
        st.text("0123456789_-+.:eExobn", min_size=1, max_size=6),
        st.sampled_from(
            [
                "yes",
                "on",
                "y",
                "1:30",
                "010",
                "0o10",
                "!!int '10'",
                "!!bool yes",
                "true",
                "True",
                "TRUE",
                "null",
                "~",
                "",
                ".inf",
                "-.INF",
                ".NaN",
                "=",
            ]
        ),
        st.floats().map(repr),
        st.integers().map(str),
    )
)
def test_a_value_means_what_dvc_takes_it_for(value: str) -> None:
    text = f"a: {value}\nb: [{value}]\n"
    try:
        ours = document(text)
    except ParamsError:
        return
    assert repr(ours) == repr(parse_yaml(text, "here"))


def test_a_few_lines_that_mean_billions_of_values_get_one_line_at_once() -> None:
    names = "abcdefghij"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]" for before, name in pairwise(names)]
    allowed_or_one_line("\n".join(lines))
    allowed_or_one_line("\n".join(lines) + "\n" + TEXT.replace("lr: 0.001", "lr: *j"))
    allowed_or_one_line(TEXT.replace("lr: 0.001", "lr: [" + "[" * 5000))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(1e-30, 1e30),
    st.one_of(st.just(0.0), st.floats(1e-30, 1e30)),
    st.integers(1, 3),
    st.integers(1, 100),
    st.sampled_from([("induced_1norm", "subgradient"), ("l1", "subgradient"), ("l1", "proximal"), ("l2", "proximal")]),
)
def test_a_network_trained_with_whatever_is_allowed_errs_on_a_share_of_the_images(
    lr: float, alpha: float, width: int, batch_size: int, how: tuple[str, str]
) -> None:
    generator = torch.Generator().manual_seed(0)
    images = Images(torch.randn(30, 9, generator=generator), torch.randint(10, (30,), generator=generator))
    params = parse(TEXT)
    changes = {"epochs": 2, "lr": lr, "batch_size": batch_size, "penalty": how[0], "solver": how[1]}
    train = type(params.train).model_validate(params.train.model_dump() | changes)
    options = fit_cell(params.data, train, 10, width, alpha, "models").options
    found = fit(images, images, Options(**options), classes=10, alphas=[alpha] * 2, seeds=[0, 1])
    for errors in (found.curves.test_error, found.curves.train_error):
        assert ((errors >= 0) & (errors <= 1)).all()
    whole = torch.stack([w.isfinite().all(2).all(1) for w in found.net.parameters()]).all(0)
    assert torch.equal(found.diverged, ~whole)
