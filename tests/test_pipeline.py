"""End to end: real dvc on a tiny grid. The tests of a class share one workspace and build on each other in order."""

import json
import shlex
from pathlib import Path

import pandas as pd
import pytest

from tests.test_dependencies import STAGES
from tests.workspace import Workspace, ran

ALL = {
    "check",
    "code",
    "download",
    "prepare",
    "evaluate",
    "verdict",
    "plot",
    "lasso",
    "head@2",
    "head@3",
    "heads",
    "report",
}
CELLS = {"train@2-0.0", "train@2-0.1", "train@3-0.0", "train@3-0.1"}


@pytest.fixture(scope="class")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace.create(tmp_path_factory.mktemp("project"))


def files(workspace: Workspace) -> dict[Path, bytes]:
    """Every result and dvc.lock."""
    folders = [workspace.path / name for name in ("data/models", "data/heads", "metrics", "plots")]
    return {p: p.read_bytes() for p in [workspace.path / "dvc.lock", *(p for f in folders for p in f.iterdir())]}


def cells(workspace: Workspace) -> pd.DataFrame:
    return pd.read_csv(workspace.path / "metrics/cells.csv")


@pytest.mark.slow
class TestTheLifeOfAProject:
    def test_everything_runs_once(self, workspace: Workspace) -> None:
        assert workspace.repro() == ALL | CELLS
        table = cells(workspace)
        assert len(table) == 2 * 2 * 2
        assert set(table.dataset) == {"digits"}
        assert table.test_error.between(0, 1).all()
        workspace.commit("results")

    def test_and_nothing_runs_twice(self, workspace: Workspace) -> None:
        assert workspace.repro() == set()
        assert workspace.git("status", "--porcelain") == ""

    def test_metrics_and_plots_can_be_looked_at(self, workspace: Workspace) -> None:
        assert "best_error" in workspace.dvc("metrics", "show", "--md")
        shown = json.loads(workspace.dvc("plots", "show", "--json"))
        assert "error" not in json.dumps(list(shown))

    @pytest.mark.parametrize(
        ("old", "new", "message", "told_by_dvc_itself"),
        [
            ("lr: 0.001", "lr: '1e-3'", "train.lr: '1e-3' is text to YAML", False),
            ("epochs: 2", f"epochs: {10**20}", f"train.epochs: {10**20} should be less than or equal to", False),
            (
                "name: digits",
                "name: !!python/name:os.system x",
                "not valid YAML: a value with a tag; write it without",
                True,
            ),
            ("epochs: 2", "epochs: !!int ''", "not valid YAML: a value with a tag", True),
            # DVC makes the cells before any stage runs
            ("  width:\n  - 2\n  - 3", "  width: 5", "grid.width: 5 should be a valid list", True),
            ("  width:", "  widht:", "grid.widht: unknown key", True),
            ("grid:", "grid: [", "not valid YAML: ", True),
        ],
    )
    def test_a_bad_parameter_touches_no_result(
        self, workspace: Workspace, old: str, new: str, message: str, told_by_dvc_itself: bool
    ) -> None:
        text, before = workspace.read("params.yaml"), files(workspace)
        assert old in text
        (workspace.path / "params.yaml").write_text(text.replace(old, new))
        try:
            for command in ("python -m stages.check --out data/params.ok", "python -m stages.sweep"):
                output = workspace.run(*command.split(), ok=False)
                assert output.startswith(f"error: params.yaml: {message}")
                assert output.count("\n") == 1
            output = workspace.dvc("repro", ok=False)
            assert "Traceback" not in output
            assert (f"error: params.yaml: {message}" in output) != told_by_dvc_itself
        finally:
            (workspace.path / "params.yaml").write_text(text)
        assert files(workspace) == before

    def test_an_added_alpha_trains_its_own_cells_alone(self, workspace: Workspace) -> None:
        workspace.change({"grid": {"alpha": [0.0, 0.1, 1.0e-5]}})
        assert workspace.repro() == {"check", "train@2-1e-05", "train@3-1e-05", "evaluate", "verdict", "plot", "report"}
        assert set(cells(workspace).alpha) == {0.0, 0.1, 1e-5}

    def test_a_removed_cell_leaves_the_tables(self, workspace: Workspace) -> None:
        workspace.change({"grid": {"alpha": [0.0, 0.1]}})
        # check and report come from DVC's run-cache; stages whose results stay in place while they run are not in it
        assert workspace.repro() == {"evaluate", "verdict", "plot"}
        assert set(cells(workspace).alpha) == {0.0, 0.1}
        assert (workspace.path / "data/models/2-1e-05.pt").exists()  # ... but not the disk: DVC keeps it

    def test_a_changed_parameter_reruns_what_depends_on_it(self, workspace: Workspace) -> None:
        workspace.change({"train": {"lr": 0.01}})
        after = {"check", "evaluate", "verdict", "plot", "head@2", "head@3", "heads", "report"}
        assert workspace.repro() == after | CELLS
        workspace.git("checkout", "-q", ".")
        workspace.dvc("checkout", "-q")

    def test_more_seeds_leave_the_others_as_they_were(self, workspace: Workspace) -> None:
        before = cells(workspace)
        workspace.change({"train": {"seeds": 3}})
        workspace.repro()
        after = cells(workspace)
        pd.testing.assert_frame_equal(before, after[after.seed < 2].reset_index(drop=True))
        workspace.git("checkout", "-q", ".")
        workspace.dvc("checkout", "-q")

    def test_an_experiment_can_be_compared(self, workspace: Workspace, tmp_path: Path) -> None:
        workspace.dvc("exp", "run", "--name", "prox", "-S", "train.penalty=l1", "-S", "train.solver=proximal")
        workspace.git("checkout", "-q", ".")
        difference = json.loads(workspace.dvc("metrics", "diff", "HEAD", "prox", "--json"))
        assert difference["metrics/summary.json"]["digits.width_2.most_zeros"]["new"] > 0
        page = tmp_path / "page"
        workspace.dvc("plots", "diff", "HEAD", "prox", "--out", str(page))
        html = (page / "index.html").read_text()
        for title in ("test error over alpha", "test error against sparsity", "training curves"):
            assert title.replace(" ", "_") in html or title in html
        assert "prox: digits, penalty l1, proximal" in html or '"rev": "prox"' in html
        assert "prox" in workspace.dvc("exp", "show", "--csv")

    def test_a_damaged_cell_is_named_with_its_remedy(self, workspace: Workspace) -> None:
        workspace.git("checkout", "-q", ".")
        workspace.dvc("checkout", "-q", "--force")
        cell = workspace.path / "data/models/3-0.1.pt"
        whole = cell.read_bytes()
        cell.unlink()
        cell.write_bytes(whole[:5000])
        evaluate = shlex.split(STAGES["evaluate"]["cmd"])
        output = workspace.run(*evaluate, ok=False)
        assert "data/models/3-0.1.pt cannot be read" in output
        assert "dvc repro -f train@3-0.1" in output
        assert output.count("\n") == 1
        assert "train@3-0.1" in ran(workspace.dvc("repro", "-f", "train@3-0.1"))
        assert cell.read_bytes() == whole
        cell.unlink()
        output = workspace.run(*evaluate, ok=False)
        assert "data/models/3-0.1.pt is missing; to make it: dvc repro -f train@3-0.1" in output


@pytest.mark.slow
def test_two_cells_and_another_number_of_cores_give_the_same_bytes(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path)
    workspace.repro("prepare")
    command = shlex.split("python -m stages.train --width 30 --alpha 50 --data data/prepared/data.pt --out")
    workspace.run(*command, "one.pt")
    workspace.run(*command, "another.pt", OMP_NUM_THREADS="1")
    workspace.run("taskset", "-c", "0", *command, "pinned.pt")
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "another.pt").read_bytes()
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "pinned.pt").read_bytes()
