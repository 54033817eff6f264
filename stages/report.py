"""Stage `report`: findings, tables, figures, parameters and what made them, as one page without outside references."""

import argparse
import base64
import platform
import subprocess
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from string import Template

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.machine import cores, memory
from stages.statistic import findings

PACKAGES = ["dvc", "torch", "numpy", "pandas", "scikit-learn", "scipy", "matplotlib"]
FIGURES = {
    "table1": "Test accuracy over the penalty's strength, with the paper's points where the data are the paper's.",
    "by_parity": "The same at the last odd and the last even epoch: a state that flips every epoch shows both.",
    "over_sparsity": "Test error against measured sparsity, one point a width and strength.",
    "over_width": "Test and training error over width at the smallest strength.",
    "heat_map": "Mean test error of every width and strength.",
    "over_epochs": "Errors during training.",
    "lasso": "The paper's LASSO regression, and the regime in which a regression can interpolate.",
    "heads": "Other last layers on the trained hidden layers, and on other features.",
}


def machine() -> str:
    """Processor, cores that this process may use, memory in GiB."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        cpu = platform.processor() or platform.machine()
    return f"{cpu}, {cores()} cores, {memory() / 2**30:.0f} GiB, {platform.system()} {platform.machine()}"


def commit() -> str:
    """The commit that is checked out, and whether code or parameters have changed since."""
    try:
        head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        sources = ["stages", "params.yaml", "dvc.yaml"]
        changes = subprocess.run(["git", "status", "--porcelain", "--", *sources], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "not under git"
    return head.stdout.strip() + " and changes to it" * bool(changes.stdout)


def image(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", required=True)
    parser.add_argument("--plots", required=True)
    args = parser.parse_args()
    metrics, plots = Path(args.metrics), Path(args.plots)
    cells, paper = (files.read_table(metrics / f"{name}.csv") for name in ("cells", "paper"))
    name = cells.dataset.iloc[0]
    verdict = files.read_verdict(metrics / "verdict.json", name)
    said = [findings.finding(cells, verdict)] + [findings.agreement(paper)] * (len(paper) > 0)
    said += [(metrics / f"{stage}.md").read_text(encoding="utf-8").strip() for stage in ("lasso", "heads")]
    made = {
        "commit": commit(),
        "time": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": machine(),
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }
    train = files.read_params().train
    page = Template((Path(__file__).parent / "figures/report.html").read_text(encoding="utf-8")).substitute(
        title=f"Is the double descent real? {escape(name)}",
        caption=f"{len(cells):,} networks: {cells.width.nunique()} widths, {cells.alpha.nunique()} strengths of the "
        f"penalty {train.penalty} ({train.solver}), {cells.seed.nunique()} seeds.",
        findings="\n".join(f"<li>{escape(sentence)}</li>" for sentence in said),
        table=findings.table(cells, paper, verdict).to_html(index=False, border=0),
        figures="\n".join(
            f'<figure><img alt="{escape(text)}" src="{image(plots / f"{stem}.png")}">'
            f"<figcaption>{escape(text)}</figcaption></figure>"
            for stem, text in FIGURES.items()
        ),
        params=escape(Path("params.yaml").read_text(encoding="utf-8")),
        made=pd.DataFrame(made.items()).to_html(index=False, header=False, border=0),
    )
    files.write(plots / "report.html", page.encode())


if __name__ == "__main__":
    run(main)
