"""Who imports whom in a package, read from its source: imports within functions and for the type checker count too."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def modules(package: str) -> dict[str, Path]:
    """The files of a package by their modules' names; a package's own code is `NAME.__init__`."""
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in (ROOT / package).rglob("*.py")}


def import_graph(package: str) -> dict[str, set[str]]:
    """For each module of the package, the others of it that it imports."""
    files = modules(package)
    return {name: _imported(path) & files.keys() - {name} for name, path in files.items()}


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{each.name}" for each in node.names} | {node.module, f"{node.module}.__init__"}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found
