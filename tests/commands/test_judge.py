"""Anybody's table through `python -m stages.commands.judge`: which columns it takes for what, and what it says."""

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from stages.base.console import call
from stages.base.files import UserError
from stages.commands import judge
from tests.workspace import ROOT

WIDTHS = [2, 4, 8, 16, 32, 64, 128, 256]
PEAK = np.array([0.5, 0.3, 0.2, 0.25, 0.4, 0.3, 0.2, 0.15])


def long_table(curve: Any = PEAK, runs: int = 5, **columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"seed": run, "width": width, "test_error": error + 0.004 * rng.standard_normal(), **columns}
        for run in range(runs)
        for width, error in zip(WIDTHS, curve, strict=True)
    ]
    return pd.DataFrame(rows)


def saved(folder: Path, table: pd.DataFrame, name: str = "results.csv") -> str:
    path = folder / name
    path.write_text(table.to_csv(index=False, sep="\t" if name.endswith(".tsv") else ","))
    return str(path)


def judged(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, Any]]:
    call(judge.main, *words, "--json")
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def error(*words: str) -> str:
    with pytest.raises(UserError) as raised:
        call(judge.main, *words)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_columns_with_known_names_need_not_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = judged(capsys, saved(tmp_path, long_table()))
    assert found["answer"] == "yes"
    assert found["peak"] == 32
    assert found["valleys"] == [8, 256]
    assert (found["runs"], found["points"], found["by"]) == (5, 8, {})
    assert found["low"] < 0.2 < found["high"]
    assert found["why"].startswith("Yes: the error has a peak at width 32, ")


def test_it_says_what_it_took_for_what_and_prints_a_table_and_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call(judge.main, saved(tmp_path, long_table()))
    printed = capsys.readouterr()
    assert printed.err == "read as: axis width; error test_error; run seed\n"
    assert "double descent?" in printed.out
    assert "Yes: the error has a peak at width 32" in printed.out


@pytest.mark.parametrize("form", ["results.tsv", "results.jsonl", "results.json", "semicolons.csv", "commas.csv"])
def test_the_same_table_in_another_form_is_the_same(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, path = long_table(), tmp_path / form
    text = {
        "results.tsv": table.to_csv(index=False, sep="\t"),
        "results.jsonl": table.to_json(orient="records", lines=True),
        "results.json": table.to_json(orient="records"),
        "semicolons.csv": table.to_csv(index=False, sep=";"),
        "commas.csv": table.to_csv(index=False, sep=";", decimal=","),
    }[form]
    path.write_text(text)
    assert judged(capsys, str(path))[0]["D"] == pytest.approx(
        judged(capsys, saved(tmp_path, table, "plain.csv"))[0]["D"], abs=1e-6
    )


def test_commas_that_both_separate_and_are_decimals_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("width,run,test_error\n1,0,0,2964\n2,0,0,25\n3,0,0,3\n")
    assert "is no table: its rows have more values than its first line has columns" in error(str(path))


def test_commas_that_may_be_thousands_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "thousands.csv"
    path.write_text("width;run;test_error\n500;0;0.3\n1,000;0;0.2\n2,000;0;0.1\n")
    assert "1,000 in column width may be a thousand or a decimal; write it without a comma" in error(str(path))


def test_text_with_a_point_does_not_hide_decimal_commas(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table().assign(version="v1.2")
    (tmp_path / "commas.csv").write_text(table.to_csv(index=False, sep=";", decimal=","))
    same = judged(capsys, saved(tmp_path, table, "points.csv"))[0]
    assert judged(capsys, str(tmp_path / "commas.csv"))[0]["D"] == pytest.approx(same["D"], abs=1e-6)


def test_where_no_name_speaks_of_errors_it_is_said_how_accuracies_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = long_table()
    for name, said in {"test_error": False, "value": True}.items():
        call(judge.main, saved(tmp_path, table.rename(columns={"test_error": name})), "--error", name)
        assert ("(if they are accuracies, say --accuracy)" in capsys.readouterr().err) == said


def test_outside_the_environment_it_is_said_how_to_enter_it() -> None:
    command = [sys.executable, "-S", "-m", "stages.commands.judge", "results.csv"]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the packages of this project are not here; source .venv/bin/activate")


def test_a_wide_table_has_one_column_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table()
    wide = table.pivot(index="width", columns="seed", values="test_error").add_prefix("r").reset_index()
    same = judged(capsys, saved(tmp_path, table, "long.csv"))
    assert judged(capsys, saved(tmp_path, wide)) == same
    letters = wide.rename(columns=dict(zip(wide.columns[1:], "abcdefghij", strict=False)))
    assert judged(capsys, saved(tmp_path, letters))[0]["answer"] == same[0]["answer"]
    training = wide.rename(columns={wide.columns[1]: "train", wide.columns[2]: "test"})[["width", "train", "test"]]
    assert "which column holds the error?" in error(saved(tmp_path, training))


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    content = io.BytesIO(long_table().to_csv(index=False).encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(content))
    assert judged(capsys, "-")[0]["answer"] == "yes"


def test_every_group_is_judged_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    falling = np.linspace(0.5, 0.1, len(WIDTHS))
    table = pd.concat(
        [
            long_table(noise="clean", depth=1),
            long_table(falling, noise="wrong", depth=1),
            long_table(falling, noise="clean", depth=2),
        ]
    )
    found = judged(capsys, saved(tmp_path, table), "--by", "noise", "--by=depth")
    assert [(one["by"], one["answer"]) for one in found] == [
        ({"noise": "clean", "depth": 1}, "yes"),
        ({"noise": "wrong", "depth": 1}, "no"),
        ({"noise": "clean", "depth": 2}, "no"),
    ]
    # Holm: the smallest of three p-values counts three times
    assert found[0]["p_holm"] == pytest.approx(3 * found[0]["p"])


def test_accuracies_and_percent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table()
    same = judged(capsys, saved(tmp_path, table))[0]["D"]
    accuracy = table.assign(score=100 * (1 - table.test_error)).drop(columns="test_error")
    words = [saved(tmp_path, accuracy, "accuracy.csv"), "--error", "score", "--accuracy", "--percent"]
    assert judged(capsys, *words)[0]["D"] == pytest.approx(same)
    named = table.assign(test_accuracy=1 - table.test_error).drop(columns="test_error")
    assert judged(capsys, saved(tmp_path, named, "named.csv"))[0]["D"] == pytest.approx(same)


def test_an_axis_of_words_keeps_the_order_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = dict(zip(WIDTHS, ["tiny", "xs", "s", "m", "l", "xl", "xxl", "huge"], strict=True))
    table = long_table().assign(size=lambda rows: rows.width.map(names)).drop(columns="width")
    assert judged(capsys, saved(tmp_path, table), "--axis", "size")[0]["peak"] == "l"


def test_rows_need_not_stand_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table()
    same = judged(capsys, saved(tmp_path, table))
    assert judged(capsys, saved(tmp_path, table.sample(frac=1, random_state=0))) == same


def test_one_run_has_no_interval_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = judged(capsys, saved(tmp_path, long_table(runs=1).drop(columns="seed")))
    assert (found["answer"], found["low"], found["p"]) == ("undecided", None, None)
    assert found["D"] == pytest.approx(0.2, abs=0.02)
    assert "fewer than 3 runs cannot show how much chance does" in found["why"]


def test_a_run_that_never_learned_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table(np.linspace(0.5, 0.1, len(WIDTHS)))
    table.loc[(table.seed == 3) & (table.width == 64), "test_error"] = 0.9
    [found] = judged(capsys, saved(tmp_path, table))
    assert found["failed"] == [{"run": 3, "width": 64}]
    assert "run 3 at width 64" in found["why"]


def test_a_peak_with_nothing_higher_outside_its_valleys_is_a_single_descent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    [found] = judged(capsys, saved(tmp_path, long_table([0.2, 0.21, 0.25, 0.3, 0.4, 0.3, 0.25, 0.2])))
    assert "Of the two descents one is seen here" in found["why"]


def test_the_figure_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.concat([long_table(noise=1), long_table(runs=2, noise=2)])
    file = str(tmp_path / "figure.png")
    call(judge.main, saved(tmp_path, table), "--by", "noise", "--log", "--plot", file)
    assert capsys.readouterr().err.endswith(f"figure: {file}\n")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "must end in .png" in error(saved(tmp_path, table), "--by", "noise", "--plot", "figure.gif")


@pytest.mark.parametrize(
    ("change", "words", "said"),
    [
        ({"test_error": 7.5}, [], "row 1: test_error 7.5 is not between 0 and 1; if they are percent, say --percent"),
        ({"test_error": -0.1}, ["--percent"], "row 1: test_error -0.1 is not between 0 and 100"),
        ({"test_error": "oops"}, [], "row 1: test_error oops is not a number"),
        ({"test_error": "inf"}, [], "row 1: test_error inf is not a number"),
        ({"width": "wide"}, [], "row 1: width wide is not a number"),
        ({"width": ""}, [], "row 1: width is empty"),
        ({"width": 4}, [], "row 2: run 0 stands twice at width 4"),
        ({"width": -2}, ["--log"], "--log: width -2 has no place on a logarithmic axis"),
        ({}, ["--axis", "depth"], "--axis depth: there is no such column; the columns are seed, width, test_error"),
        ({}, ["--by", "seed", "--run", "seed"], "column seed was named twice, for two different things"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_with_its_place(
    change: dict[str, Any], words: list[str], said: str, tmp_path: Path
) -> None:
    table = long_table().astype(object)
    for column, value in change.items():
        table.loc[0, column] = value
    assert said in error(saved(tmp_path, table), *words)


def test_a_run_that_stands_twice_leads_to_the_column_that_tells_its_rows_apart(tmp_path: Path) -> None:
    table = pd.concat([long_table(alpha=0.1), long_table(alpha=0.2)])
    assert "they differ in alpha: --by alpha?" in error(saved(tmp_path, table), "--axis", "width")


def test_runs_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    table = long_table().drop(columns="seed")
    assert "no column tells the runs apart; name it with --run" in error(saved(tmp_path, table))


def test_a_curve_of_one_point_is_refused(tmp_path: Path) -> None:
    table = long_table()
    assert "width has one point" in error(saved(tmp_path, table[table.width == 4]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"seed,width,test_error\n", "the table has no rows"),
        (b"\xff\xfe\x00\x01", "is not UTF-8 text"),
        (b"[1, 2", "is no table"),
        (b"a,b,c\n1,2,3\n1,2,4\n", "which column"),
    ],
)
def test_a_file_that_is_no_such_table_is_one_line(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_bytes(content)
    assert said in error(str(tmp_path / "results.csv"))


def test_parquet_is_read_where_pandas_can(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "results.parquet"
    try:
        long_table().to_parquet(path)
    except ImportError:
        path.write_bytes(b"PAR1")
        assert "results.parquet cannot be read here" in error(str(path))
    else:
        assert judged(capsys, str(path))[0]["answer"] == "yes"


def test_columns_that_do_not_look_like_runs_are_not_taken_for_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.DataFrame({"width": WIDTHS, "train": PEAK / 2, "held out": PEAK})
    assert "which column holds the error?" in error(saved(tmp_path, table))
    assert judged(capsys, saved(tmp_path, table), "--error", "held out")[0]["runs"] == 1


def test_a_missing_file_ends_in_one_line_and_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "stages.commands.judge", str(tmp_path / "none.csv")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1
    assert "No such file" in done.stderr
    loaded = "import sys, stages.commands.judge; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {"torch", "matplotlib", "sklearn", "dask", "dvc"} & set(done.stdout.split()) == set()


def test_words_are_in_the_order_of_every_runs_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the first run lacks a word, that word still stands between its neighbours."""
    sizes = ["xs", "s", "m", "l", "xl", "xxl", "huge"]
    table = long_table(np.linspace(0.5, 0.1, len(WIDTHS)))
    table["width"] = table.width.map(dict(zip(WIDTHS, [*sizes, "vast"], strict=True)))
    table = table[~((table.seed == 0) & (table.width == "m"))]
    (found,) = judged(capsys, saved(tmp_path, table))
    assert found["answer"] == "no"
    backwards = pd.concat([table[table.seed == 0], table[table.seed > 0][::-1]])
    assert "before" in error(saved(tmp_path, backwards))


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [("test_error", [0.1], "row 3: test_error holds a list"), ("seed", None, "row 3: seed is empty")],
)
def test_a_value_that_is_none_is_named(column: str, value: Any, said: str, tmp_path: Path) -> None:
    rows = long_table().to_dict("records")
    rows[2][column] = value
    path = tmp_path / "results.json"
    path.write_text(json.dumps(rows))
    assert said in error(str(path))


def test_names_that_other_libraries_would_read_as_markup_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pd.concat([long_table(act="[/b]"), long_table(act="a$b$ $x^{$")])
    file = saved(tmp_path, table)
    call(judge.main, file, "--by", "act", "--plot", str(tmp_path / "figure.png"))
    assert "[/b]" in capsys.readouterr().out


def test_what_pandas_writes_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table().reset_index(drop=True)
    with_index, by_column = tmp_path / "index.csv", tmp_path / "columns.json"
    table.pivot(index="width", columns="seed", values="test_error").add_prefix("seed_").reset_index().to_csv(with_index)
    table.to_json(by_column)
    assert [judged(capsys, str(path))[0]["answer"] for path in (with_index, by_column)] == ["yes", "yes"]


def test_a_column_of_accuracies_is_known_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table()
    accuracies = table.assign(test_accuracy=1 - table.test_error).drop(columns="test_error")
    found = judged(capsys, saved(tmp_path, accuracies), "--error", "test_accuracy")
    assert found[0]["D"] == pytest.approx(judged(capsys, saved(tmp_path, table))[0]["D"])


@pytest.mark.parametrize(
    ("name", "told", "asked"),
    [
        ("Acc. [%]", [], "--accuracy --percent"),
        ("accuracy (%)", ["--percent"], "--accuracy"),
        ("top1Acc", [], "--accuracy"),
        ("test error (%)", [], "--percent"),
        ("test_error_percent", [], "--percent"),
    ],
)
def test_a_name_that_speaks_of_accuracy_or_percent_asks_for_the_option(
    name: str, told: list[str], asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = saved(tmp_path, long_table().rename(columns={"test_error": name}))
    assert f": say {asked}, or give the column another name" in error(file, "--error", name, *told)
    assert judged(capsys, file, "--error", name, *told, *asked.split())[0]["runs"] == 5


def test_a_wide_table_of_accuracies_asks_for_the_option(tmp_path: Path) -> None:
    wide = long_table().pivot(index="width", columns="seed", values="test_error").add_prefix("acc ").reset_index()
    assert "column acc 0 seems to hold accuracies: say --accuracy, " in error(saved(tmp_path, wide))


def test_an_error_of_accuracy_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = long_table().rename(columns={"test_error": "accuracy loss"})
    assert judged(capsys, saved(tmp_path, table), "--error", "accuracy loss")[0]["peak"] == 32


def test_values_that_are_missing_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = saved(tmp_path, long_table().drop(index=[3, 17]))
    assert judged(capsys, file)[0]["missing"] == 2
    call(judge.main, file)
    assert " Of 40 values, one for each run at each width, 2 are missing.\n" in capsys.readouterr().out
    call(judge.main, saved(tmp_path, long_table()))
    assert "are missing" not in capsys.readouterr().out
