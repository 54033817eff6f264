"""Every command in README.md, GUIDE.md and METHODS.md works: run here as it stands, or by the test named here."""

import csv
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.workspace import ROOT, Workspace

README = (ROOT / "README.md").read_text()
METHODS = (ROOT / "METHODS.md").read_text()
GUIDE = (ROOT / "GUIDE.md").read_text()


def blocks(page: str) -> list[list[str]]:
    """The commands of each block that is indented, without what is said of them."""
    unfenced = re.sub(r"^```.+?^```", "", page, flags=re.MULTILINE | re.DOTALL)
    found = re.findall(r"(?:^ {4}\S.*\n)+", unfenced, re.MULTILINE)
    return [[re.split(r"\s+#", line)[0].strip() for line in block.splitlines()] for block in found]


SETUP, JUDGE, EXPERIMENT, A_STUDY, CLUSTER = blocks(README)
QUESTION, STUDY, OWN = blocks(GUIDE)
HEADLINE = "metrics/headline.json"
TITLES = ("test error over alpha", "test error against sparsity", "training curves")
SHARED = "test_two_who_train_push_and_pull_at_once_share_all_that_they_trained"
RUN_BY = {
    "make": "test_make_without_network_or_identity_ends_with_the_table",
    "make setup": "test_the_commands_for_more_machines",  # which `make test` has done
    "make help": "test_make_help_names_every_target",
    "make test-all": "test_a_fresh_clone_has_nothing_to_run_again",
    "make test": "test_a_fresh_clone_has_nothing_to_run_again",  # any test: `make test` is what runs them
    "make studies": "test_the_studies_ran_and_a_plain_repro_leaves_them_alone",
    "python -m tests.benchmarks.statistic": "test_the_statistics_benchmarks_run_on_few_curves",
    "python -m stages.commands.repair": "test_dvcs_file_of_locks_is_removed_if_a_kill_left_it_half_written",
    "make dag": "test_every_definition_of_both_pipelines_has_a_line",
    "python -m stages.commands.pages": "test_every_chart_of_a_comparison_is_drawn",
    "dvc repro report": "test_the_commands_for_a_study",
    "dvc status": "test_a_fresh_clone_has_nothing_to_run_again",
    "dask scheduler --port 8800": "test_the_commands_for_more_machines",  # with the port as it is
    "dvc repro": "test_every_stage_has_run_and_none_runs_twice_and_what_is_committed_stays_so",
    "dvc repro train@25": "test_stages_and_experiments_run_and_leave_the_checkout_clean",
    "dvc exp run": "test_the_commands_for_ones_own_question_in_their_order",
    "dvc exp show": "test_the_commands_for_ones_own_question_in_their_order",
    "dvc exp list -A": "test_the_commands_for_a_study",
    "dvc exp remove NAME": "test_the_commands_for_a_study",
    "dvc metrics diff": "test_the_commands_for_ones_own_question_in_their_order",
    "dvc plots": "test_every_chart_of_a_comparison_is_drawn",
    "dvc remote add --default store FOLDER-OR-URL": SHARED,
    "dvc push --run-cache": SHARED,
    "dvc repro --pull": SHARED,
    "SDD_VECTOR=pdf dvc repro -sf plot": "test_a_user_with_a_name_needs_no_home",
}


def test_every_command_is_run_by_a_test() -> None:
    pages = README + GUIDE + METHODS
    inline = set(re.findall(r"`((?:make|python|dvc|dask|SDD_VECTOR=\S+)(?: [^`]*)?)`", pages))
    tests = "".join(path.read_text() for path in Path(ROOT / "tests").rglob("test_*.py"))
    assert (inline | set(SETUP)) - set(OWN) == set(RUN_BY) - set(OWN)
    assert [test for test in RUN_BY.values() if f"def {test}(" not in tests] == []


def test_the_readmes_experiment_and_study_are_the_guides_too_whose_commands_run_below() -> None:
    assert set(EXPERIMENT) < set(QUESTION)
    assert set(A_STUDY) < set(STUDY)


def test_the_study_that_is_shown_is_one() -> None:
    (shown,) = re.findall(r"^```yaml\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
    studies = yaml.safe_load((ROOT / "studies/params.yaml").read_text())["studies"]
    assert yaml.safe_load(shown) == {"width-noise": studies["width-noise"]}


def test_every_file_that_a_promise_names_is_there() -> None:
    table = METHODS[METHODS.index("| promise |") :]
    files = re.findall(r"`([\w/]+\.(?:py|json))`", table)
    assert len(files) > 12
    assert [file for file in files if not (ROOT / "tests" / file).exists()] == []


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in found}


def test_every_link_to_a_page_of_ours_leads_to_a_file_and_a_heading() -> None:
    missing = []
    for name in ("README.md", "GUIDE.md", "METHODS.md", "RESULTS.md", "COSTS.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)\s]+)\)", (ROOT / name).read_text()):
            path, _, anchor = link.partition("#")
            if path.startswith("http"):
                continue
            page = ROOT / (path or name)
            if not page.exists() or (anchor and anchor not in headings(page)):
                missing.append((name, link))
    assert missing == []


def test_somebody_elses_runs_are_judged_as_is_said_here() -> None:
    _, command = JUDGE  # after the environment is activated
    done = subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True, check=True)
    (shown,) = re.findall(r"^```text\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
    assert done.stdout == shown


def test_make_help_names_every_target() -> None:
    targets = set(re.findall(r"^([a-z-]+):(?!=).*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\S+)", Workspace(ROOT).run("make", "help"), re.MULTILINE)) == targets


@pytest.mark.slow
def test_the_statistics_benchmarks_run_on_few_curves() -> None:
    own = ["--judgements", "2", "--runs", "3", "--points", "6", "--spread", "0.03"]
    assert "30 on flat, normal 3" in Workspace(ROOT).run("python", "-m", "tests.benchmarks.statistic", *own)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace.built(tmp_path_factory.mktemp("readme"))
    (workspace.path / ".venv").symlink_to(sys.prefix)
    return workspace


@pytest.mark.slow
def test_the_commands_for_ones_own_question_in_their_order(workspace: Workspace) -> None:
    """They run at a width of the small grid."""
    output = workspace.run("bash", "-e", "-c", "\n".join(QUESTION).replace("25", "3"))
    assert "[l1]" in output
    assert "width_2.best_error" in output
    page = workspace.read("dvc_plots/index.html")
    assert '"rev": "l1"' in page
    assert [title for title in TITLES if title not in page and title.replace(" ", "_") not in page] == []
    assert workspace.git("status", "--porcelain") == ""
    table = workspace.run("bash", "-c", next(line for line in QUESTION if "exp show" in line) + " --csv")
    header = next(csv.reader(table.splitlines()))
    changed = {"grid.width", "train.lr", "train.penalty"}
    assert set(header) - changed <= {"Experiment", "rev", "typ", "Created", *json.loads(workspace.read(HEADLINE))}
    assert {*changed, "lowest test error, %"} <= set(header)


@pytest.mark.slow
def test_the_commands_for_a_study(workspace: Workspace) -> None:
    """They run on a small study with three seeds, so that its D has an interval."""
    params = workspace.path / "studies/params.yaml"
    params.write_text(params.read_text().replace("seeds: 2", "seeds: 3"))
    own = [command.replace("width-noise", "over-alpha").replace("-x width", "-x alpha") for command in STUDY]
    keep = own.pop(1)
    judge, vary, show, curves, numbers, beside, back, report = map(shlex.split, own)
    workspace.run(*judge)
    assert (workspace.path / "studies/over-alpha/figure.png").stat().st_size > 1000
    workspace.run("bash", "-e", "-c", keep)
    workspace.run(*vary)
    header = set(next(csv.reader(workspace.run(*show, "--csv").splitlines())))
    found = {f"study over-alpha.{name}" for name in ("double descent", "highest D")}
    assert "study over-alpha.highest D" in header
    assert header - found == {"Experiment", "rev", "typ", "studies.over-alpha.options.lr"}
    assert max(map(len, workspace.run(*show).splitlines())) < 150
    workspace.run(*curves)
    page = workspace.read("dvc_plots/index.html")
    assert [rev in page for rev in ('"rev": "HEAD"', '"rev": "faster"')] == [True, True]
    assert "over-alpha.width 3." in workspace.run(*numbers)
    workspace.run(*beside)
    workspace.run(*back)
    workspace.run(*report)
    assert '"#study=over-alpha"' in workspace.read("plots/report.html")
    workspace.commit("the page")
    workspace.dvc("exp", "remove", "faster")
    assert "faster" not in workspace.dvc("exp", "list", "-A", "--name-only")


@pytest.mark.slow
def test_the_commands_for_ones_own_data(workspace: Workspace) -> None:
    *commands, undo, again = OWN
    output = workspace.run("bash", "-e", "-c", "\n".join(commands))
    assert "data/own/rings.npz: 3,000 rows of 2 features, 3 classes (0 to 2), 1,000 of each\n" in output
    assert "rings, 2 seeds, from metrics/" in output
    assert list(json.loads(workspace.read("metrics/verdict.json"))) == ["rings"]
    assert set(pd.read_csv(workspace.path / "metrics/cells.csv").dataset) == {"rings"}
    assert "rings, one training set, 20 + 10 images a class" in workspace.read("plots/report.html")
    assert len(pd.read_csv(workspace.path / "metrics/paper.csv")) == 0
    workspace.run("bash", "-e", "-c", f"{undo}\n{again}")
    assert workspace.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_the_commands_for_more_machines(workspace: Workspace) -> None:
    start, join, repro = (command.replace("HOST", "127.0.0.1") for command in CLUSTER)
    workspace.change({"train": {"epochs": 3}})
    path = f"{sys.prefix}/bin{os.pathsep}{os.environ['PATH']}"
    servers = [
        subprocess.Popen(["bash", "-c", command], cwd=workspace.path, env={**os.environ, "PATH": path}, process_group=0)
        for command in (start, join)
    ]
    try:
        assert "width 3: 2 cells trained" in workspace.run("bash", "-c", f"{repro} evaluate")
    finally:
        for server in servers:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
