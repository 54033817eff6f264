"""`make` as a newcomer types it: with and without network, without a git identity, without a home."""

import sys
from pathlib import Path

import pytest

from tests.official import OFFICIAL, needs_official
from tests.workspace import TINY, Workspace

pytestmark = pytest.mark.slow
DEAD = "http://127.0.0.1:9"  # nobody listens there
OFFLINE = {"HTTP_PROXY": DEAD, "HTTPS_PROXY": DEAD, "ALL_PROXY": DEAD, "NO_PROXY": "", "MNIST_MIRROR": ""}
NOBODY = {"HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, str]:
    """A small grid on MNIST, made where there is no network, no identity and no home; and what `make` said."""
    workspace = Workspace.create(tmp_path_factory.mktemp("offline"), TINY | {"data": {"name": "mnist"}}, studies=True)
    for key in ("user.name", "user.email"):
        workspace.git("config", "--unset", key)
    (workspace.path / ".venv").symlink_to(sys.prefix)
    return workspace, workspace.run("make", ok=True, **OFFLINE, **NOBODY)


def made(workspace: Workspace) -> dict[str, bytes]:
    """Every data, table and figure file."""
    folders = ("data/raw", "data/prepared", "data/models", "metrics", "plots")
    paths = [path for folder in folders for path in (workspace.path / folder).rglob("*") if path.is_file()]
    return {str(path.relative_to(workspace.path)): path.read_bytes() for path in sorted(paths)}


def test_make_without_network_or_identity_ends_with_the_table(offline: tuple[Workspace, str]) -> None:
    workspace, output = offline
    assert "No mirror gave MNIST, so data/mnist_subset.npz takes its place" in output
    assert "mnist, 2 seeds, from metrics/" in output
    assert "Traceback" not in output
    assert len(made(workspace)) > 20


def test_an_experiment_needs_an_identity_only_where_something_is_not_committed(
    offline: tuple[Workspace, str], tmp_path: Path
) -> None:
    clone = Workspace(tmp_path)
    clone.git("clone", "-q", str(offline[0].path), ".")
    command = ["exp", "run", "-S", "lasso.runs=5", "check"]
    assert "Ran experiment(s): " in clone.dvc(*command, ok=True, **OFFLINE, **NOBODY)
    assert "Git user name and email must be configured" in clone.dvc(*command, ok=False, **OFFLINE, **NOBODY)


@needs_official
def test_make_with_network_gives_the_same_bytes_in_a_clone_and_changes_nothing(
    offline: tuple[Workspace, str], tmp_path: Path
) -> None:
    offline[0].git("add", "-A")
    offline[0].git("-c", "user.name=Someone", "-c", "user.email=someone@example.org", "commit", "-q", "-m", "results")
    offline[0].git("clone", "-q", str(offline[0].path), str(tmp_path))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    clone = Workspace(tmp_path)
    clone.name_author()
    clone.run("make", MNIST_MIRROR=str(OFFICIAL.absolute()))
    assert made(clone) == made(offline[0])
    assert clone.git("status", "--porcelain") == ""
    clone.dvc("exp", "run", "--temp", "--name", "other", "-S", "lasso.runs=5", "check")
    clone.dvc("exp", "apply", "other")
    clone.dvc("checkout")  # where the pruning study has never run
