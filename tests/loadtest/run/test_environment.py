"""Where a run was made and how: enough to repeat it, and nothing that names host or user."""

import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from loadtest.run.machine import command, environment


def test_the_environment_names_machine_and_programs_but_not_the_host() -> None:
    told = environment()
    assert set(told) == {"kernel", "cpu", "cpus", "memory_bytes", "python", "locust", "gevent", "open_files"}
    assert told["kernel"] == f"{os.uname().sysname} {os.uname().release}"
    assert told["cpus"] >= 1
    assert told["cpu"]
    assert told["python"].endswith(platform.python_version())
    assert platform.node() not in str(told)


@pytest.mark.parametrize("program", ["/somebody/bin/locust", "locust"])
def test_the_command_can_be_pasted(program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["-f", "a file.py", "--server-command", "fanfare serve --listen 'irc://[::1]:0'", "--room", "#load"]
    monkeypatch.setattr(sys, "argv", [program, *words])
    assert shlex.split(command()) == ["locust", *words]


def test_a_module_s_command_has_the_interpreter_s_name_without_its_place() -> None:
    code = "from loadtest.run.machine import command; print(command())"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", code, "x y"], cwd=root, capture_output=True, text=True, check=True)
    assert shlex.split(done.stdout) == [Path(sys.executable).name, "-c", code, "x y"]
