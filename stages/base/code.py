"""Which of the project's files a module imports, read from its source: nothing is imported for it."""

import ast
from collections.abc import Iterator
from pathlib import Path

OTHERS = (".css", ".html", ".js", ".mplstyle")  # what modules read of the project's own besides code


def imported(module: str, root: Path = Path()) -> set[str]:
    """The project's files that a module imports, relative to the project's folder `root`.

    Itself and what its imports import are included, and so are files that these name by their place beside or below
    them, such as templates and styles.
    """
    found: set[str] = set()
    todo = [module]
    while todo:
        path = Path(todo.pop().replace(".", "/"))
        path = path / "__init__.py" if (root / path).is_dir() else path.with_suffix(".py")
        if not (root / path).exists() or str(path) in found:
            continue
        found.add(str(path))
        packages = [parent for parent in path.parents if parent != Path()]  # which run before it
        todo += [str(package).replace("/", ".") for package in packages]
        tree = ast.parse((root / path).read_text(encoding="utf-8"))
        todo += [name for name in imports(tree) if name.startswith("stages")]
        texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        named = [path.parent / text for text in texts if isinstance(text, str) and text.endswith(OTHERS)]
        found |= {str(file) for file in named if (root / file).is_file()}
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "imports are absolute here"
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
