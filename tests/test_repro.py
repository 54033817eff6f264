"""`dvc repro` and `dvc exp run` train what is missing, and nothing else."""

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.workspace import TINY, Workspace


def trained(output: str) -> dict[int, tuple[int, int]]:
    """By width, how many cells were trained and how many came from the store."""
    lines = re.findall(r"^width (\d+): (\d+) cells? trained, (\d+) from the store$", output, re.MULTILINE)
    return {int(width): (int(count), int(kept)) for width, count, kept in lines}


@pytest.mark.slow
def test_the_grid_may_grow_and_shrink_and_experiments_share_the_store(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path, TINY)
    assert trained(workspace.dvc("repro", "evaluate")) == {2: (2, 0), 3: (2, 0)}
    workspace.commit("results")
    assert workspace.repro("evaluate") == set()
    before = table(workspace)

    workspace.change({"grid": {"width": [2], "alpha": [0.0, 0.1, 0.7]}})
    assert trained(workspace.dvc("repro", "evaluate")) == {2: (1, 2)}
    now = table(workspace)
    assert set(now.index.unique("width")) == {2}
    pd.testing.assert_frame_equal(now.drop(0.7, level="alpha"), before.loc[[2]], check_dtype=False)

    workspace.change({"grid": {"width": [2, 3], "alpha": [0.0, 0.1]}})
    assert trained(workspace.dvc("repro", "evaluate")) == {}  # DVC's run-cache has both widths
    pd.testing.assert_frame_equal(table(workspace), before)

    output = workspace.dvc("exp", "run", "--temp", "-n", "more", "-S", "grid.alpha=[0.0,0.1,0.7,0.9]", "evaluate")
    assert trained(output) == {2: (1, 3), 3: (2, 2)}


def table(workspace: Workspace) -> pd.DataFrame:
    return pd.read_csv(workspace.path / "metrics/cells.csv").set_index(["width", "alpha", "seed"]).sort_index()
