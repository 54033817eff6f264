"""Write into every dvc.yaml which source files its stages import: `python -m stages.commands.deps [--check]`.

DVC does not see imports. The stages that train cells depend on the sealed folder `stages/training` alone: what else
they import cannot change a byte of what they make. With --check nothing is written, and what differs is an error.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from ruamel.yaml import YAML

from stages.base import files
from stages.base.console import console, run

PIPELINES = ("dvc.yaml", "prune/dvc.yaml")
SEALED = "stages/training"


def imported(module: str) -> set[str]:
    """The project's files that a module imports, itself and what its imports import included."""
    found: set[str] = set()
    todo = [module]
    while todo:
        path = Path(todo.pop().replace(".", "/"))
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        if not path.exists() or str(path) in found:
            continue
        found.add(str(path))
        todo += [name for name in _imports(path) if name.startswith("stages")]
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def sources(deps: list[str], cmd: str) -> list[str]:
    """The source files that the stage of that command depends on; empty packages are left out."""
    if SEALED in deps:
        return [SEALED]
    module = cmd.split()[2]  # python -m MODULE
    code = {path for path in imported(module) if Path(path).stat().st_size}
    others = {dep for dep in deps if dep.startswith("stages/") and not dep.endswith(".py")}  # templates and styles
    return sorted(code | others)


def main(check: bool = False) -> None:
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    for name in PIPELINES:
        pipeline = yaml.load(Path(name).read_text(encoding="utf-8"))
        changed = []
        for stage, entry in pipeline["stages"].items():
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
