"""The load test's shape: everything in its place, and nothing that a light program need not load."""

import re
import subprocess
import sys

import pytest

from tests.imports import modules
from tests.loadtest.runs import ROOT

CODE = ROOT / "loadtest"


def test_the_page_about_it_names_every_file_and_no_other() -> None:
    page = (ROOT / "docs" / "inside.md").read_text().partition("## Files")[2]
    named = set()
    for package, files in re.findall(r"^- (`\w+/`|beside them): ((?:.|\n  )+)", page, re.M):
        prefix = package.strip("`") if "/" in package else ""
        named |= {prefix + each for each in re.findall(r"`([\w/]+)`", files)}
    there = {
        str(path.relative_to(CODE).with_suffix(""))
        for path in modules("loadtest").values()
        if path.name != "__init__.py"
    }
    assert named == there


@pytest.mark.parametrize(
    "program", ["scenarios.deaths.program", "scenarios.stampede.keeper", "scenarios.selfcheck.server"]
)
def test_a_program_beside_a_scenario_loads_neither_locust_nor_gevent(program: str) -> None:
    words = f"import sys, loadtest.{program}; print([m for m in ('locust', 'gevent', 'jinja2') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_alone_loads_nothing_but_itself() -> None:
    words = "import sys; before = set(sys.modules); import loadtest; "
    words += "print([m for m in sorted(set(sys.modules) - before) if m.split('.')[0] not in sys.stdlib_module_names])"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['loadtest']", "what a locustfile takes from it is loaded when it is asked for"
