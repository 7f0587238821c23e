"""The load test's shape: no circle, everything in its place, and nothing that a light program need not load."""

import ast
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.loadtest.runs import ROOT

CODE = ROOT / "loadtest"
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in CODE.rglob("*.py")}


def imported(path: Path) -> set[str]:
    """The modules of the load test that one imports, anywhere in it: for the type checker alone counts too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("loadtest"):
            found |= {f"{node.module}.{each.name}" for each in node.names} | {node.module, f"{node.module}.__init__"}
        elif isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return found & MODULES.keys()


def test_no_module_imports_itself_by_way_of_others_not_even_for_its_types() -> None:
    graph = {name: imported(path) - {name} for name, path in MODULES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)


def test_the_page_about_it_names_every_file_and_no_other() -> None:
    page = (ROOT / "docs" / "inside.md").read_text().partition("## Files")[2]
    named = set()
    for package, files in re.findall(r"^- (`\w+/`|beside them): ((?:.|\n  )+)", page, re.M):
        prefix = package.strip("`") if "/" in package else ""
        named |= {prefix + each for each in re.findall(r"`([\w/]+)`", files)}
    there = {str(path.relative_to(CODE).with_suffix("")) for path in MODULES.values() if path.name != "__init__.py"}
    assert named == there


@pytest.mark.parametrize(
    "program", ["scenarios.deaths.program", "scenarios.stampede.keeper", "scenarios.selfcheck.server"]
)
def test_a_program_beside_a_scenario_loads_neither_locust_nor_gevent(program: str) -> None:
    words = f"import sys, loadtest.{program}; print([m for m in ('locust', 'gevent', 'plotly') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
