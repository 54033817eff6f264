"""Stage `conclude@NAME`: the answers of a study's networks judged along its axis, and what they say in a sentence."""

from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.base.studies import along, points_read
from stages.figures.study import study as figure
from stages.figures.style import save
from stages.statistic import reading as statistic
from stages.statistic import study as of_study
from stages.statistic.protocol import studied
from stages.statistic.tables import to_json, to_records
from stages.statistic.verdict import judged


def main(name: str, answers: Path, study: Path, verdicts: Path, out: Path) -> None:
    studies = files.read_studies()
    reading = studies.readings[name]
    axis, first = along(studies, name), points_read(studies, name)[0]
    within = studies.studies[reading.reads].within_a_run
    table = files.read_table(answers, "value")
    runs = files.read_table(study / ("curves.csv" if within else "cells.csv"), "test_error")
    own = files.read_verdict(verdicts / f"{reading.reads}.json", reading.reads)
    column = statistic.column_of(table)
    groups = statistic.groups(table, axis, column)
    if not groups:
        raise files.UserError(f"{answers} holds no answer at three points of {axis.over}, so no peak can be judged")
    cases = judged(groups, axis.over, statistic.guards_not_asked(reading, groups), scale=statistic.scale_of(groups))
    found = {group: statistic.described(case, axis, own, runs, column) for group, case in cases.items()}
    sentence = statistic.finding(reading, axis, found, statistic.references(table, column))
    caption = f"{studied(first)}; asked: {table.seed.nunique()} runs of {reading.reads}"
    labels = {group: statistic.SAID[verdict["unit"]] for group, verdict in found.items()}
    files.write(out / "finding.md", f"{sentence}\n".encode())
    files.write(out / "headline.json", to_json({f"reading {name}": statistic.headline(found)}))
    files.write(out / "points.json", to_records(of_study.points(cases, name, caption)))
    files.write(verdicts / f"{name}.json", to_json({name: found}))
    names = {group: statistic.plain(group) for group in cases}
    save(out / "figure.png", figure(cases, found, reading.asks, caption, labels, names))
    console.print(sentence)


if __name__ == "__main__":
    run(main)
