import yaml

from stages.commands.dag import lines
from tests.workspace import ROOT, Workspace

DOT = """strict digraph {
"check";
"train@5";
"train@10";
"evaluate";
"studies/dvc.yaml:study@one";
"studies/dvc.yaml:judge@one";
"check" -> "train@5";
"check" -> "train@10";
"check" -> "evaluate";
"train@5" -> "evaluate";
"train@10" -> "evaluate";
"studies/dvc.yaml:study@one" -> "studies/dvc.yaml:judge@one";
}
"""


def test_a_definition_is_one_line_and_what_follows_from_another_need_is_left_out() -> None:
    assert lines(DOT) == [
        "dvc.yaml",
        "  check",
        "  train@5 and 1 more  after check",
        "  evaluate            after train",
        "studies/dvc.yaml",
        "  study@one",
        "  judge@one           after study",
    ]


def test_every_definition_of_both_pipelines_has_a_line() -> None:
    printed = Workspace(ROOT).run("python", "-m", "stages.commands.dag").splitlines()
    defined = []
    for pipeline in ("dvc.yaml", "studies/dvc.yaml"):
        defined += [pipeline, *yaml.safe_load((ROOT / pipeline).read_text())["stages"]]
    assert [line.split()[0].split("@")[0] for line in printed] == defined
    assert max(map(len, printed)) <= 100
