"""What will not fit is refused before it trains, and the estimate is right."""

import subprocess
import sys

import pytest

from stages.core.memory import needed
from stages.files import UserError, read_params
from stages.memory import refuse_too_large
from tests.workspace import Workspace

MEASURE = """
import sys, torch
from stages.core import tensors
from stages.core.cell import train_cells
from stages.files import read_params
width, seeds, batch = map(int, sys.argv[1:])
images = {f"{part}_{what}": value for part in ("train", "test") for what, value in
          (("pixels", torch.rand(5000, 784)), ("labels", torch.arange(5000) % 10))}
config = read_params().train.model_copy(update={"seeds": seeds, "epochs": 1, "batch_size": batch})
train_cells(tensors.to_bytes({"dataset": "noise", **images}), [{"width": width, "alpha": 1.0}], config)
print(next(int(line.split()[1]) * 1024 for line in open('/proc/self/status') if line.startswith('VmHWM')))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("width", "seeds", "batch"), [(5, 10, 32), (3000, 10, 32), (100, 100, 32), (100, 10, 5000)])
def test_the_estimate_is_within_a_quarter_of_the_peak(width: int, seeds: int, batch: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(width), str(seeds), str(batch)], capture_output=True, text=True, check=True
    )
    assert needed(784, width, seeds, batch) == pytest.approx(int(done.stdout), rel=0.25)


def test_more_than_the_machine_has_is_refused_in_one_line() -> None:
    params, data = read_params(), bytes(40 * 1000 * 784)
    refuse_too_large(params, [100, 100], data)
    with pytest.raises(UserError, match=r"width 100000000: 10 seeds need about \d+\.\d GiB, [\d.]+ GiB are here; narr"):
        refuse_too_large(params, [10**8], data)
    with pytest.raises(UserError, match="2 cells side by side"):
        refuse_too_large(params, [10**8, 10**8], data)


@pytest.mark.slow
def test_a_sweep_and_a_stage_refuse_it_and_leave_no_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    workspace = Workspace.create(tmp_path_factory.mktemp("large"))
    workspace.change({"grid": {"width": [10**9]}})
    told = "width 1000000000: 2 seeds need about"
    output = workspace.run("python", "-m", "stages.sweep", ok=False)
    assert told in output.replace("2 cells side by side, widths [1000000000, 1000000000]", "width 1000000000")
    assert "Traceback" not in output
    assert told in workspace.dvc("repro", "train", ok=False)
    assert list((workspace.path / "data/models").glob("*")) == []
