import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from rich.console import Console

from stages.base.files import UserError
from stages.commands.show import as_lines, for_terminal, made_with
from stages.statistic.results import read_results
from tests.workspace import ROOT, Workspace


def test_a_line_a_width_is_printed_from_the_committed_results() -> None:
    table = Workspace(ROOT).run("python", "-m", "stages.commands.show", "--markdown")
    widths = [line.split("|")[1].strip() for line in table.splitlines()[2:] if line.startswith("|")]
    verdict = json.loads((ROOT / "metrics/verdict.json").read_text())["mnist"]
    assert [f"width_{w}" for w in widths] == [key for key in verdict if key.startswith("width_")]


def test_a_folder_without_results_gets_one_line(tmp_path: Path) -> None:
    output = Workspace(ROOT).run("python", "-m", "stages.commands.show", str(tmp_path), ok=False)
    assert output == f"error: {tmp_path}/cells.csv is missing; to make it: dvc repro\n"


@pytest.mark.parametrize("name", ["cells.csv", "paper.csv", "verdict.json"])
@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n\x00", b"{}", b"[1, 2]", b'"a,b\n1,2,3\n'])
def test_a_damaged_table_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    (tmp_path / "metrics" / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"^\S+/{name} [^\n]+; to make it anew: dvc repro$"):
        read_results(tmp_path / "metrics")


def test_a_run_that_stands_twice_is_named(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    cells = tmp_path / "metrics/cells.csv"
    cells.write_text(cells.read_text() + cells.read_text().splitlines()[1] + "\n")
    with pytest.raises(UserError, match=r"cells.csv holds a run twice, width 5, alpha 0.0, seed 0; to make it anew"):
        read_results(tmp_path / "metrics")
    output = Workspace(ROOT).run(
        *("python", "-m", "stages.verdict", "--cells", str(cells), "--data", "data", "--out", str(tmp_path)), ok=False
    )
    assert output.startswith("error: ")


def shown(**environment: str) -> list[str]:
    """What stands above the line that says what the committed results were made with."""
    output = Workspace(ROOT).run("python", "-m", "stages.commands.show", ok=True, **environment)
    return output.partition("made with: ")[0].splitlines()


def test_in_a_pipe_the_table_fits_100_columns_and_has_no_colours() -> None:
    lines = shown(COLUMNS="60")
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in "".join(lines)
    assert any(line.startswith("100 ") and line.split()[-1] == "0.16" for line in lines)


def test_on_a_terminal_the_answers_have_colours_unless_somebody_wants_none() -> None:
    red = "\x1b[31m"
    assert sum(red in line for line in shown(FORCE_COLOR="1", TERM="xterm", COLUMNS="100")) >= 6
    assert not any(red in line for line in shown(FORCE_COLOR="1", TERM="xterm", COLUMNS="100", NO_COLOR="1"))


def test_every_answer_has_a_colour_of_its_own_and_the_other_words_have_none() -> None:
    answers = ["yes", "no: at chance, not sparse", "undecided: about 25 runs"]
    words = pd.DataFrame({"width": ["5", "10", "25"], "D, points [95 %]": ["1.0 [0.5, 2.0]"] * 3, "answer": answers})
    terminal = Console(force_terminal=True, color_system="standard", width=100, no_color=False)
    with terminal.capture() as captured:
        terminal.print(for_terminal(words, "title"))
    coloured = {(code, word.strip()) for code, word in re.findall(r"\x1b\[(3[0-7])m([^\x1b]*)", captured.get())}
    assert coloured == {
        ("32", "yes"),
        *{("31", "no: at chance,"), ("31", "not sparse")},
        *{("33", "undecided:"), ("33", "about 25 runs")},
    }


def test_a_word_of_the_table_is_broken_before_its_place_its_interval_or_else_its_spread() -> None:
    assert as_lines("82.7 ± 1.3 (0.001)") == ["82.7 ± 1.3", "(0.001)"]
    assert as_lines("51.5 ± 15.3") == ["51.5", "± 15.3"]
    assert as_lines("-") == ["-"]


def params(folder: Path, **train: object) -> None:
    whole = yaml.safe_load((ROOT / "params.yaml").read_text())
    whole["train"] |= train
    (folder / "params.yaml").write_text(yaml.safe_dump(whole))


def test_the_table_says_what_it_was_made_with_and_what_of_that_is_not_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ROOT / "metrics", tmp_path / "metrics")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    params(tmp_path, penalty="l2", lr=0.1)
    trained = (
        "made with: mnist, one training set, penalty l2, subgradient, lr 0.1, 30 epochs, 10 seeds "
        "(published: penalty induced_1norm, subgradient, lr 0.001)"
    )
    results = read_results(Path("metrics"))
    assert made_with(results) == [trained]  # there is no git here
    clone = Workspace(tmp_path)
    clone.git("init", "-q")
    assert made_with(results) == [trained]  # nor a commit
    params(tmp_path)
    for name, value in (("user.email", "someone@example.org"), ("user.name", "Someone")):
        clone.git("config", name, value)
    clone.commit("as published")
    assert made_with(results) == [
        trained,
        "not as committed: train.lr = 0.1 (committed: 0.001); train.penalty = l2 (committed: induced_1norm)",
    ]
    assert made_with(read_results(Path("metrics"))) == [
        "made with: mnist, one training set, penalty induced_1norm, subgradient, lr 0.001, 30 epochs, 10 seeds "
        "(as published)"
    ]
