"""Write into every dvc.yaml which source files its stages import: `python -m stages.commands.deps [--check]`.

DVC does not see imports. The stages that train cells depend on the sealed folder `stages/training` alone: what else
they import cannot change a byte of what they make. With --check nothing is written, and what differs is an error.
"""

from pathlib import Path

from ruamel.yaml import YAML

from stages.base import files
from stages.base.code import imported
from stages.base.console import console, run

PIPELINES = ("dvc.yaml", "studies/dvc.yaml")
SEALED = "stages/training"


def sources(deps: list[str], cmd: str) -> list[str]:
    """The source files that the stage of that command depends on; empty packages are left out."""
    if SEALED in deps:
        return [SEALED]
    module = cmd.split()[2]  # python -m MODULE
    return sorted(path for path in imported(module) if Path(path).stat().st_size)


def main(check: bool = False) -> None:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    for name in PIPELINES:
        pipeline = yaml.load(Path(name).read_text(encoding="utf-8"))
        changed = []
        for stage, definition in pipeline["stages"].items():
            entry = definition.get("do", definition)
            data = [dep for dep in entry["deps"] if not dep.startswith("stages/")]
            deps = [*sorted(data), *sources(list(entry["deps"]), entry["cmd"])]
            if deps != list(entry["deps"]):
                changed.append(stage)
                entry["deps"][:] = deps
        if changed and check:
            raise files.UserError(f"{name}: the deps of {', '.join(changed)} differ; to write them: make deps")
        if changed:
            with open(name, "w", encoding="utf-8") as file:
                yaml.dump(pipeline, file)
            console.print(f"{name}: deps of {', '.join(changed)} written")


if __name__ == "__main__":
    run(main)
