"""Print both pipelines, a line for each stage with what it follows: `python -m stages.commands.dag`.

The stages that DVC makes of one definition, such as train@5 to train@100, are one line with their number. What a stage
needs of a stage that is followed anyway is left out. `dvc dag` draws every stage by itself.
"""

import re
import subprocess
import sys
from collections import defaultdict

from stages.base.console import run
from stages.base.files import UserError


def collapsed(dot: str) -> tuple[dict[str, list[str]], dict[str, set[str]]]:
    """Of a graph as `dvc dag --dot` prints it: the stages of each definition, and which definitions each one needs."""
    stages: dict[str, list[str]] = {}
    needs: dict[str, set[str]] = defaultdict(set)
    for line in dot.splitlines():
        names = re.findall('"([^"]+)"', line)
        definitions = [name.split("@")[0] for name in names]
        if len(names) == 1:
            stages.setdefault(definitions[0], []).append(names[0])
        if len(names) == 2:
            needs[definitions[1]].add(definitions[0])
    return stages, needs


def followed(name: str, needs: dict[str, set[str]]) -> list[str]:
    """What a definition needs, without what one of these needs already."""

    def all_before(one: str) -> set[str]:
        return needs[one].union(*(all_before(other) for other in needs[one]))

    return sorted(one for one in needs[name] if not any(one in all_before(other) for other in needs[name]))


def lines(dot: str) -> list[str]:
    """A line for each pipeline, and one for each definition in it."""
    stages, needs = collapsed(dot)
    rows: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for definition, names in stages.items():
        pipeline = definition.rpartition(":")[0]
        first = names[0].rpartition(":")[2]
        after = ", ".join(other.rpartition(":")[2] for other in followed(definition, needs))
        label = first + f" and {len(names) - 1} more" * (len(names) > 1)
        rows[pipeline or "dvc.yaml"].append((label, after))
    width = max(len(label) for found in rows.values() for label, _ in found)
    said = []
    for pipeline, found in rows.items():
        said.append(pipeline)
        said += [f"  {label:{width}}  {after and 'after ' + after}".rstrip() for label, after in found]
    return said


def main() -> None:
    done = subprocess.run([sys.executable, "-m", "dvc", "dag", "--dot"], capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"dvc dag: {' '.join(done.stderr.split())}")
    print("\n".join(lines(done.stdout)))


if __name__ == "__main__":
    run(main)
