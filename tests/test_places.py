"""Where the project may stand, and what it takes: git in all its forms, any path, a user with a name and a home."""

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.workspace import Workspace, some

pytestmark = pytest.mark.slow
ODD = """größer «als» $HOME, 'it' is "so" """
NOBODY = shlex.split("unshare --user --map-user=54321 --map-group=54321 env -u USER -u LOGNAME -u LNAME -u USERNAME")


def in_a_bigger_repository(tmp_path: Path) -> Workspace:
    workspace = Workspace.built(tmp_path / "bigger/project")
    shutil.rmtree(workspace.path / ".git")
    outer = Workspace(tmp_path / "bigger")
    outer.git("init", "-q")
    outer.name_author()
    outer.commit("a project in a subfolder")
    return workspace


def in_a_path_of_odd_letters(tmp_path: Path) -> Workspace:
    return Workspace.built(tmp_path / ODD)


def in_a_worktree(tmp_path: Path) -> Workspace:
    Workspace.built(tmp_path / "main").git("worktree", "add", "-q", "../tree")
    return Workspace(tmp_path / "tree")


def in_a_shallow_clone(tmp_path: Path) -> Workspace:
    origin, clone = Workspace.built(tmp_path / "origin"), Workspace(tmp_path / "clone")
    origin.git("clone", "-q", "--depth", "1", f"file://{origin.path}", str(clone.path))
    return clone


def with_hooks_that_fail(tmp_path: Path) -> Workspace:
    workspace = Workspace.built(tmp_path)
    for name in ("pre-commit", "commit-msg", "post-commit", "post-checkout", "pre-push"):
        hook = tmp_path / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    return workspace


PLACES = [in_a_bigger_repository, in_a_path_of_odd_letters, in_a_worktree, in_a_shallow_clone, with_hooks_that_fail]

# DVC fails at --temp there, or seems not to
NOT_APART: list[Callable[[Path], Workspace]] = [in_a_path_of_odd_letters, in_a_shallow_clone]


@pytest.mark.parametrize("place", some(PLACES, 2), ids=lambda place: place.__name__)
def test_stages_and_experiments_run_and_leave_the_checkout_clean(
    tmp_path: Path, place: Callable[[Path], Workspace]
) -> None:
    workspace = place(tmp_path)
    workspace.run("python", "-m", "stages.commands.repair")
    workspace.repro("train@2")
    assert workspace.git("status", "--porcelain") == ""
    temp = ["--temp"] if place not in NOT_APART else []
    output = workspace.dvc("exp", "run", *temp, "--name", "other", "-S", "lasso.runs=5", "check")
    assert "Ran experiment(s): other" in output
    assert "other" in workspace.git("for-each-ref", "refs/exps")
    assert (workspace.git("status", "--porcelain") == "") == bool(temp)


@pytest.mark.skipif(
    not shutil.which("unshare") or subprocess.run([*NOBODY, "true"], capture_output=True).returncode != 0,
    reason="nobody here may become another user",
)
def test_a_user_without_a_name_or_a_home_is_told_what_to_set(tmp_path: Path) -> None:
    workspace = Workspace.built(tmp_path)
    for command in ("stages.commands.repair", "stages.commands.pages"):
        output = workspace.run(*NOBODY, "python", "-m", command, ok=False)
        assert output == "error: this system has no name for its user, and DVC needs one: export USER=me\n"
        output = workspace.run(*NOBODY, "-u", "HOME", "USER=me", "python", "-m", command, ok=False)
        assert output == "error: this system has no home for its user, and DVC needs one: export HOME=/tmp\n"
    # what they are told is enough
    told = ["USER=me", f"HOME={tmp_path.parent}"]
    workspace.run(*NOBODY, *told, "python", "-m", "stages.commands.repair")
    assert "Running stage 'check'" in workspace.run(*NOBODY, *told, "dvc", "repro", "-f", "check")
    assert workspace.git("status", "--porcelain") == ""


def test_a_user_with_a_name_needs_no_home(tmp_path: Path) -> None:
    workspace = Workspace.built(tmp_path)
    workspace.run("env", "-u", "HOME", "python", "-m", "stages.commands.repair")
    assert "Running stage 'plot'" in workspace.run("env", "-u", "HOME", "dvc", "repro", "-sf", "plot", SDD_VECTOR="pdf")
    assert (tmp_path / "plots/table1.pdf").read_bytes().startswith(b"%PDF")
    assert workspace.git("status", "--porcelain") == ""


def test_a_copy_without_git_gets_one_line_before_anything_is_installed(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    shutil.rmtree(tmp_path / ".git")
    for target in ("run", "test", "studies"):
        output = workspace.run("make", target, ok=False, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
        assert output.splitlines()[0] == (
            "error: this folder is no git checkout, and DVC needs one: git init, or git clone the repository"
        )
        assert not (tmp_path / ".venv").exists()
