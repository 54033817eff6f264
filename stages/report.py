"""Stage `report`: all answers, and one panel to ask with, as one page without outside references.

The page holds no date, no machine and no commit, so that it is the same wherever and whenever it is made.
"""

import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from stages.base import files
from stages.base.console import run
from stages.base.studies import Studies, along, points, points_read
from stages.figures import forest
from stages.figures.answers import answers as figure
from stages.figures.page import Others, entry, rendered
from stages.figures.style import save
from stages.statistic import findings, overview, words
from stages.statistic import reading as of_reading
from stages.statistic import study as of_study
from stages.statistic.findings import ALL, Verdict, of_widths
from stages.statistic.protocol import caption, studied
from stages.statistic.results import CURVES, Results, read_results

PAPER = "Ya Shi Zhang's run (arXiv 2401.10686)"
PEERS = {  # of a study, what others published beside it: the group, whose runs, and their table
    "weight-reuse": ("reuse_up_to 50", "J. Scherer, 4,000 images, 5 runs", "scherer2023-squared-loss-weight-reuse.csv"),
    "width-noise": (ALL, "Y. Gu et al. (arXiv 2310.13572), 18 % wrong labels, 3 runs", "gu2023-width-noise.csv"),
}
Entries = dict[str, dict[str, Any]]


def sentence(path: Path) -> str:
    return path.read_text(encoding="utf-8").strip()


def with_groups(groups: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The rows of all groups, each with the name of its own."""
    return pd.concat([rows.assign(group=name) for name, rows in groups.items()], ignore_index=True)


def means(curves: pd.DataFrame, by: list[str]) -> pd.DataFrame | None:
    """A row a cell and epoch, of a study whose runs pass through epochs; None of another."""
    if "epoch" not in curves or curves.empty:
        return None
    return curves.groupby([*by, "epoch"], sort=False, dropna=False).mean(numeric_only=True).reset_index()


def of_studies(
    whole: Studies, folder: Path, verdicts: dict[str, dict[str, Verdict]], peers: Path
) -> Iterator[dict[str, Any]]:
    for name, study in whole.studies.items():
        if name not in verdicts:
            continue
        cells, curves = (files.read_table(folder / name / file) for file in ("cells.csv", "curves.csv"))
        groups = of_study.groups(curves if study.within_a_run else cells, study.by)
        about = {
            "kind": "study",
            "asks": study.asks,
            "said": sentence(folder / name / "finding.md"),
            "how": studied(points(whole, name)[0]),
            "command": f"dvc repro studies/dvc.yaml:judge@{name} && dvc repro report",
        }
        epochs = None if study.within_a_run else means(curves, [*study.by, study.over])
        yield entry(name, about, study.over, study.by, verdicts[name], with_groups(groups), epochs, others(name, peers))


def others(name: str, peers: Path) -> list[Others]:
    if name not in PEERS:
        return []
    group, who, file = PEERS[name]
    table = files.read_table(peers / file, "test_error")
    return [Others(who, group, table.groupby("width").test_error.mean())]


def of_readings(whole: Studies, folder: Path, verdicts: dict[str, dict[str, Verdict]]) -> Iterator[dict[str, Any]]:
    for name, reading in whole.readings.items():
        if name not in verdicts:
            continue
        answers, axis = files.read_table(folder / name / "answers.csv", "value"), along(whole, name)
        column = of_reading.column_of(answers)
        rows = with_groups(of_reading.groups(answers, axis, column)).rename(columns={"test_error": "answer"})
        about = {
            "kind": "reading",
            "asks": reading.asks,
            "said": sentence(folder / name / "finding.md"),
            "how": f"{studied(points_read(whole, name)[0])}; asked: {rows.seed.nunique()} runs of {reading.reads}",
            "command": f"dvc repro studies/dvc.yaml:conclude@{name} && dvc repro report",
        }
        yield entry(name, about, axis.over, [*axis.by, column], verdicts[name], rows, answers=column)


def verdicts_of_grid(results: Results) -> dict[str, dict[str, Verdict]]:
    """The verdicts on the two questions to the grid of params.yaml, by the name of each that was judged."""
    cells, over_width = results.cells, results.verdict["over_width"]
    found: dict[str, dict[str, Verdict]] = {}
    if cells.alpha.nunique() > 1:
        found["grid"] = of_widths(results.verdict)
    if cells.width.nunique() > 1 and "answer" in over_width:
        found["grid-width"] = {ALL: over_width}
    return found


def of_grid(
    results: Results, curves: pd.DataFrame, verdicts: dict[str, dict[str, Verdict]]
) -> Iterator[dict[str, Any]]:
    """The grid of params.yaml over alpha, where it has several, and over width at the smallest alpha."""
    cells, verdict, paper = results.cells, results.verdict, results.paper
    about = {"kind": "grid", "how": caption(cells, results.params), "command": "dvc repro"}
    if cells.alpha.nunique() > 1:
        rows = with_groups({f"width {width}": rows for width, rows in cells.groupby("width", sort=False)})
        said = {"asks": "Is there a sparse double descent over alpha?", "said": findings.finding(cells, verdict)}
        published = [
            Others(PAPER, f"width {width}", 1 - of_width.set_index("alpha").paper_accuracy / 100)
            for width, of_width in paper.groupby("width", sort=False)
        ]
        yield entry(
            "grid",
            about | said,
            "alpha",
            ["width"],
            verdicts["grid"],
            rows,
            means(curves, ["width", "alpha"]),
            published,
        )
    if cells.width.nunique() > 1:
        least = cells.alpha.min()
        rows = cells[cells.alpha == least].assign(group=ALL)
        said = {
            "asks": "Is there a double descent over width?",
            "said": findings.finding_over_width(verdict["over_width"]),
        }
        yield entry("grid-width", about | said, "width", [], verdicts.get("grid-width", {}), rows)


def of_regressions(metrics: Path) -> Iterator[dict[str, Any]]:
    """What the stages `lasso` and `heads` measured."""
    rows = files.read_table(metrics / "interpolation.csv", "method").rename(columns={"run": "seed"})
    rows = rows.assign(group=rows.method)
    about = {
        "kind": "regression",
        "asks": "Does the error of regressions peak over features?",
        "said": sentence(metrics / "lasso.md"),
        "how": f"{rows.seed.nunique()} runs, each with data of its own",
        "command": "dvc repro report",
    }
    yield entry("lasso", about, "features", ["method"], {}, rows)
    rows = files.read_table(metrics / "heads.csv")
    rows = rows[rows["head"] != "own"]  # which has no strength
    largest = rows.groupby("features").dimension.transform("max")
    rows = rows[rows.dimension == largest]
    rows = rows.assign(group=rows["features"] + " features, " + rows["head"])
    about = {
        "kind": "regression",
        "asks": "How well do other last layers do on other features?",
        "said": sentence(metrics / "heads.md"),
        "how": f"hidden layers of the grid's widest networks, {rows.seed.nunique()} runs",
        "command": "dvc repro report",
    }
    yield entry("heads", about, "strength", ["features", "head"], {}, rows)


def sections(entries: Entries, verdicts: dict[str, dict[str, Verdict]]) -> Iterator[forest.Section]:
    """The rows of the first table: the paper's grid, then the studies by the axis along which they are judged."""

    def rows(names: list[str]) -> list[forest.Row]:
        return [forest.Row(name, entries[name]["asks"], overview.lines(verdicts[name])) for name in names]

    judged = {name: found for name, found in entries.items() if name in verdicts}
    grid = [name for name, found in judged.items() if found["kind"] == "grid"]
    if grid:
        yield forest.Section("The paper's grid", rows(grid))
    studies = {name: found for name, found in judged.items() if found["kind"] == "study"}
    axes = {name: overview.axis_in_words(found["over"]) for name, found in studies.items()}
    for axis in dict.fromkeys(axes.values()):
        yield forest.Section(f"Over {axis}", rows([name for name in axes if axes[name] == axis]))


def main(metrics: Path, studies: Path, peers: Path, out: Path) -> None:
    results, whole = read_results(metrics), files.read_studies()
    judged = {name: studies / f"verdicts/{name}.json" for name in [*whole.studies, *whole.readings]}
    verdicts = {name: files.read_verdict(path, name) for name, path in judged.items() if path.exists()}
    asked = verdicts_of_grid(results)
    found: list[dict[str, Any]] = [*of_grid(results, files.read_table(metrics / CURVES), asked)]
    found += [*of_studies(whole, studies, verdicts, peers), *of_readings(whole, studies, verdicts)]
    entries = {one["name"]: one for one in [*found, *of_regressions(metrics)]}
    of_all = {name: verdicts[name] for name in whole.studies if name in verdicts}
    said = [findings.finding(results.cells, results.verdict)]
    said += [findings.agreement(results.paper)] * (len(results.paper) > 0)
    readings = {name: verdicts[name] for name in whole.readings if name in verdicts}
    why = of_reading.summary({name: whole.readings[name].asks for name in readings}, readings)
    answered = [*sections(entries, verdicts | asked)]
    in_short = overview.sentence(of_all, {name: whole.studies[name].over for name in of_all}) if of_all else ""
    page = rendered(
        [*entries.values()],
        overview=escape(in_short),
        grid=escape(overview.sentence_of_grid(of_widths(results.verdict), results.paper)),
        answers=forest.table(answered),
        why=linked([*readings], why),
        terms=explained(words.TERMS),
        meanings=explained(words.ANSWERS),
        caption=f"{len(results.cells):,} networks, {escape(caption(results.cells, results.params))}.",
        found="\n".join(f"<p>{emphasised(one)}</p>" for one in said),
        table=labelled(findings.table(results.cells, results.paper, results.verdict).map(escape)),
        beside="\n".join(f"<p>{emphasised(entries[name]['said'])}</p>" for name in ("lasso", "heads")),
        params=escape(Path("params.yaml").read_text(encoding="utf-8")),
    )
    files.write(out / "report.html", page)
    save(out / "answers.png", figure(answered, in_short))


def emphasised(text: str) -> str:
    """The text as HTML, with what stands between stars emphasised."""
    return re.sub(r"\*(\w+)\*", r"<em>\1</em>", escape(text))


def explained(meanings: dict[str, str]) -> str:
    """Words with their meanings, as a list in HTML."""
    return f"<dl>{''.join(f'<dt>{escape(word)}</dt><dd>{escape(said)}</dd>' for word, said in meanings.items())}</dl>"


def linked(names: list[str], table: pd.DataFrame) -> str:
    """The readings' table, whose questions open in the panel."""
    questions = [
        f'<a href="#study={name}">{escape(asks)}</a> <small>{name}</small>'
        for name, asks in zip(names, table.question, strict=True)
    ]
    return labelled(table.drop(columns="reading").map(escape).assign(question=questions))


def labelled(table: pd.DataFrame) -> str:
    """A table of HTML as HTML, with a column's name at each of its cells, for a screen too narrow for its head."""
    names = [escape(str(name)) for name in table]
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = [
        "".join(f'<td data-label="{name}"><div>{text}</div></td>' for name, text in zip(names, row, strict=True))
        for row in table.itertuples(index=False)
    ]
    body = "".join(f"<tr>{cells}</tr>" for cells in rows)
    return f'<table class="labelled"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


if __name__ == "__main__":
    run(main)
