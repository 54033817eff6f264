"""The pruning study, end to end on a tiny network: real dvc, real Dask."""

from pathlib import Path

import pandas as pd
import pytest

from tests.test_sweep import SWEEP, trained
from tests.workspace import Workspace, ran

CELLS = {"prune/dvc.yaml:prune@magnitude-finetune", "prune/dvc.yaml:prune@magnitude-rewind"}


@pytest.mark.slow
def test_the_study_runs_by_one_command_and_a_plain_repro_leaves_it_alone(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, prune=True)
    output = workspace.run(*SWEEP, "--study", "prune")
    assert trained(output) == 2
    assert ran(output) == {"prune/dvc.yaml:prune_report"}
    table = pd.read_csv(tmp_path / "metrics/prune.csv")
    assert len(table) == 2 * 2 * 3  # cells, seeds, rounds
    assert set(table.dataset) == {"digits"}
    assert workspace.read("metrics/prune.md").startswith("Pruned with 20.0 % of the labels wrong, magnitude finetune:")
    assert workspace.repro("prune/dvc.yaml") == set()

    swept = {path.name: path.read_bytes() for path in (tmp_path / "data/pruned").iterdir()}
    assert ran(workspace.dvc("repro", "--force", "--single-item", *CELLS)) == CELLS
    assert {path.name: path.read_bytes() for path in (tmp_path / "data/pruned").iterdir()} == swept

    assert not any("prune" in stage for stage in workspace.repro())
    workspace.change({"data": {"label_noise": 0.2}})
    output = workspace.run(*SWEEP, "--study", "prune", ok=False)
    assert "the prepared data have noisy labels already" in output
