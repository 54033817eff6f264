"""The pruning study, end to end on a tiny network, with real dvc."""

import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages import prune
from stages.cells import pool
from stages.prune_report import finding, verdicts
from tests.cells.project import DATA, Project
from tests.workspace import ROOT, Workspace, ran

STAGE = ["python", "-m", "stages.prune", "--data", DATA, "--out", "data/pruned"]


def cell(test_error: list[float], train_error: list[float], seeds: int = 6) -> pd.DataFrame:
    """One cell's rows with these errors over rounds that prune half of what is left, and a little noise."""
    rows = [
        {
            "round": i,
            "seed": seed,
            "sparsity": 1 - 0.5**i,
            "test_error": error + 0.001 * (seed % 3),
            "train_error": train_error[i],
        }
        for i, error in enumerate(test_error)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_a_peak_over_sparsity_is_a_double_descent_with_its_places() -> None:
    one = cell([0.18, 0.2, 0.29, 0.2, 0.3], [0.0, 0.0, 0.03, 0.2, 0.3])
    found = verdicts(one.assign(method="magnitude", retraining="rewind"))["magnitude_rewind"]
    assert found["double_descent"] is True
    assert (found["peak_sparsity"], found["best_sparsity"], found["unfitted_sparsity"]) == (0.75, 0.875, 0.75)
    assert found["D_low"] <= 0.09 <= found["D_high"] + 1e-9
    sentence = finding({"magnitude_rewind": found}, 0.2)
    assert "Pruned with 20.0 % of the labels wrong, magnitude rewind: a double descent, D = 9.0" in sentence
    assert "training error leaves zero at 75.0 %" in sentence


def test_one_rise_is_none_and_a_network_that_always_fits_has_no_place_where_it_does_not() -> None:
    one = cell([0.18, 0.2, 0.29, 0.3, 0.4], [0.0] * 5)
    found = verdicts(one.assign(method="magnitude", retraining="rewind"))["magnitude_rewind"]
    assert found["double_descent"] is False
    assert "unfitted_sparsity" not in found
    assert "no double descent" in finding({"magnitude_rewind": found}, 0.2)


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

    workspace.change({"data": {"label_noise": 0.2}})
    output = workspace.run(*STAGE, ok=False)
    assert output == ("error: params.yaml: data.label_noise must be 0 for pruning, which adds wrong labels itself\n")


def test_a_method_that_is_added_trains_its_own_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    pool.start_server()
    project = Project.of(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", STAGE[2:])

    def trained_with(method: list[str], retraining: list[str]) -> str:
        path = tmp_path / "prune/params.yaml"
        params = yaml.safe_load(path.read_text())
        path.write_text(yaml.safe_dump(params | {"grid": {"method": method, "retraining": retraining}}))
        capsys.readouterr()
        prune.main()
        return capsys.readouterr().err

    both = ["magnitude", "random"]
    assert trained_with(["magnitude"], ["rewind"]) == "pruning: 1 cell trained, 0 from the store\n"
    assert trained_with(both, ["scratch", "rewind"]) == "pruning: 3 cells trained, 1 from the store\n"
    assert trained_with(["magnitude"], ["scratch"]) == "pruning: 0 cells trained, 1 from the store\n"
    assert len(project.kept()) == 4
