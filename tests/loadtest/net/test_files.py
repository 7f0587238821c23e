"""A process that may not open as many files as it has users says so before anybody connects."""

import re
import resource
import subprocess
from pathlib import Path

import pytest

from chat.errors import SetupError
from loadtest.net import limits
from tests.loadtest.runs import PATIENCE, QUICK, ROOT, UNHURRIED, command, master_port, summary
from tests.support import running_server

GREEDY = """
import gevent
from locust import events

from loadtest.locustfile import Member

held = []

@events.test_start.add_listener
def take_files_as_users_come(**_):
    gevent.spawn_later(0, lambda: held.extend(open("/dev/null") for _ in range(100)))
"""
Done = subprocess.CompletedProcess[str]


def run_with(files: int, port: int, *options: str, locustfile: Path = ROOT / "loadtest" / "locustfile.py") -> Done:
    """Run a load test whose processes may open so many files."""
    words = command(
        "--headless", "--host", f"irc://127.0.0.1:{port}", *QUICK, *UNHURRIED, *options, locustfile=locustfile
    )
    limited = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *words]
    return subprocess.run(limited, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_the_number_of_processes_named_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "_open_files", lambda: 18)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (100, 20_000))
    limits.check(19_950, 19_950)
    with pytest.raises(SetupError) as refusal:
        limits.check(30_000, 30_000)
    assert str(refusal.value) == (
        "30,000 users need 30,050 open files in this process, the hard limit is 20,000: "
        "use --processes 2, or raise `ulimit -n`"
    )


@pytest.mark.parametrize(
    "options",
    [
        ("--users", "300"),
        ("--users", "600", "--processes", "2"),
        ("--users", "310", "--scenario", "crash", "--victims", "300"),
    ],
)
def test_too_few_open_files_are_one_line_before_anybody_connects(options: tuple[str, ...]) -> None:
    with running_server() as server:
        link = master_port() if "--processes" in options else ()
        done = run_with(200, server.ports["irc"], *options, *link)
    assert done.returncode == 2, done.stdout + done.stderr
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()]
    assert len(lines) == 1, done.stderr
    assert re.fullmatch(
        r"locust: error: 300 users need 3\d\d open files in this process, the hard limit is 200: "
        r"use --processes [2-6], or raise `ulimit -n`",
        lines[0],
    )
    assert "Traceback" not in done.stderr
    assert "connect" not in done.stdout


def test_running_out_of_files_on_the_way_is_one_reason_and_invalid(tmp_path: Path) -> None:
    greedy = tmp_path / "greedy.py"
    greedy.write_text(GREEDY)
    with running_server() as server:
        done = run_with(220, server.ports["irc"], "--users", "150", "--report", str(tmp_path), locustfile=greedy)
    assert done.returncode == 3, done.stdout + done.stderr
    (reason,) = summary(tmp_path)["reasons"]
    assert re.match(r"only \d+ of 150 users were in: connect: \[Errno 24\] .*\(ulimit -n\), or use more", reason)
