"""The pruning study, end to end on a tiny network, with real dvc."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages import prune
from stages.base.console import call
from stages.cells import pool
from tests.cells.project import DATA, Project
from tests.workspace import ROOT, Workspace, ran

STAGE = ["python", "-m", "stages.prune", "--data", DATA, "--out", "data/pruned"]


@pytest.mark.slow
def test_the_study_runs_by_one_command_and_a_plain_repro_leaves_it_alone(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, prune=True)
    assert not any("prune" in stage for stage in workspace.repro("prepare"))
    output = workspace.dvc("repro", "prune/dvc.yaml")
    assert ran(output) == {"prune/dvc.yaml:prune", "prune/dvc.yaml:prune_report"}
    assert "pruning: 2 cells trained, 0 from the store\n" in output
    table = pd.read_csv(tmp_path / "metrics/prune.csv")
    assert len(table) == 2 * 2 * 3  # cells, seeds, rounds
    assert set(table.dataset) == {"digits"}
    assert workspace.read("metrics/prune.md").startswith("Pruned with 20.0 % of the labels wrong, magnitude finetune:")
    assert workspace.repro("prune/dvc.yaml") == set()


def test_a_method_that_is_added_trains_its_own_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    pool.start_server()
    project = Project.of(tmp_path)
    monkeypatch.chdir(tmp_path)

    def trained_with(method: list[str], retraining: list[str]) -> str:
        path = tmp_path / "prune/params.yaml"
        params = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump(params | {"grid": {"method": method, "retraining": retraining}}))
        capsys.readouterr()
        call(prune.main, *STAGE[3:])
        return capsys.readouterr().err

    both = ["magnitude", "random"]
    assert trained_with(["magnitude"], ["rewind"]) == "pruning: 1 cell trained, 0 from the store\n"
    assert trained_with(both, ["scratch", "rewind"]) == "pruning: 3 cells trained, 1 from the store\n"
    assert trained_with(["magnitude"], ["scratch"]) == "pruning: 0 cells trained, 1 from the store\n"
    assert len(project.kept()) == 4
