"""Stage `report`: findings, tables, figures, and parameters as one page without outside references.

The page holds no date, no machine and no commit, so that it is the same wherever and whenever it is made.
"""

import base64
from html import escape
from pathlib import Path
from string import Template

from stages.base import files
from stages.base.console import run
from stages.statistic import findings
from stages.statistic.protocol import caption
from stages.statistic.results import read_results

TEMPLATE = Template((Path(__file__).parent / "figures/report.html").read_text(encoding="utf-8"))
FIGURES = {
    "table1": "Test accuracy over the penalty's strength, with the paper's points where the data are the paper's.",
    "settled": "The same where training is settled: a peak that is an effect of the step size does not stand there.",
    "over_sparsity": "Test error against measured sparsity, one point a width and strength.",
    "over_width": "Test and training error over width at the smallest strength.",
    "heat_map": "Mean test error of every width and strength.",
    "over_epochs": "Errors during training.",
    "lasso": "The paper's LASSO regression, and the regime in which a regression can interpolate.",
    "heads": "Other last layers on the trained hidden layers, and on other features.",
}


def image(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def main(metrics: Path, plots: Path) -> None:
    results = read_results(metrics)
    cells, paper, verdict = results.cells, results.paper, results.verdict
    said = [findings.finding(cells, verdict)] + [findings.agreement(paper)] * (len(paper) > 0)
    said += [(metrics / f"{study}.md").read_text(encoding="utf-8").strip() for study in ("lasso", "heads")]
    page = TEMPLATE.substitute(
        title=f"Is the double descent real? {escape(results.dataset)}",
        caption=f"{len(cells):,} networks: {cells.width.nunique()} widths, {cells.alpha.nunique()} strengths of the "
        f"penalty; {escape(caption(cells, results.params))}.",
        findings="\n".join(f"<li>{escape(sentence)}</li>" for sentence in said),
        table=findings.table(cells, paper, verdict).to_html(index=False, border=0),
        figures="\n".join(
            f'<figure><img alt="{escape(text)}" src="{image(plots / f"{stem}.png")}">'
            f"<figcaption>{escape(text)}</figcaption></figure>"
            for stem, text in FIGURES.items()
        ),
        params=escape(Path("params.yaml").read_text(encoding="utf-8")),
    )
    files.write(plots / "report.html", page.encode())


if __name__ == "__main__":
    run(main)
