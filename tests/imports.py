"""Who imports whom in a package, read from its source: imports within functions and for the type checker count too."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]


def modules(package: str) -> dict[str, Path]:
    """The files of a package, by the names under which they are imported."""
    files = (ROOT / package).rglob("*.py")
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def import_graph(package: str) -> dict[str, set[str]]:
    """For each module of the package, the others of it that it imports; not the packages that those are in."""
    files = modules(package)
    return {name: _imported(path, files) - {name} for name, path in files.items()}


def _imported(path: Path, files: dict[str, Path]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                module = f"{node.module}.{each.name}"
                found.add(module if module in files else node.module)
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found & files.keys()
