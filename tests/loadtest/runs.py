"""Runs of Locust as a person starts them, against the server of this repository."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from tests.support import running_server

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150.0  # s for a run; a bound that only a fault reaches
UNHURRIED = (
    *("--max-send-lateness-ms", "60000", "--max-loop-lag-ms", "60000", "--max-receive-backlog-ms", "60000"),
    *("--max-cpu-percent", "1000", "--late-after", "60"),
)
QUICK = (
    "--users",
    "20",
    "--spawn-rate",
    "100",
    "--settle",
    "0.1",
    "--grace",
    "20",
    "--linger",
    "0.1",
    "--duration",
    "1",
)
LOSING = ("--grace", "10")  # s: a run waits as long in vain for what is lost, and all else must be there by then


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with running_server() as server:
        yield server.ports["irc"]


# Locust takes a process for gone that says nothing for 3 s, as one on a busy machine may. Here only a fault lasts 50.
_PATIENTLY = "from locust import main, runners; runners.HEARTBEAT_LIVENESS = {}; sys.argv[0] = 'locust'; main.main()"


def command(*options: str, locustfile: Path = ROOT / "loadtest" / "locustfile.py", liveness: int = 50) -> list[str]:
    """`liveness` is in seconds; less is for tests of processes that vanish."""
    leads = "--processes" in options or "--master" in options
    patient = ("-c", f"import sys; {_PATIENTLY.format(liveness)}")
    locust = (sys.executable, *(patient if leads else ("-m", "locust")))
    return [*locust, "-f", str(locustfile), "--skip-log", "--only-summary", *options]


def run(
    port: int, *options: str, environment: dict[str, str] | None = None, **place: Any
) -> subprocess.CompletedProcess[str]:
    host = () if {"--worker", "--host"} & {*options} else ("--host", f"irc://127.0.0.1:{port}")
    return subprocess.run(
        command(*host, "--headless", *options, **place),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def started(*options: str, liveness: int = 50) -> Iterator[subprocess.Popen[str]]:
    """A Locust process, ended with the test."""
    words = command(*options, liveness=liveness)
    words = [word for word in words if word != "--skip-log" or "--loglevel" not in options]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def master_port() -> tuple[str, ...]:
    """Options for a master and its workers; the default port may be taken, and then workers join a stranger's run."""
    port = str(free_port())
    return ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port)


def summary(directory: Path) -> Any:
    return json.loads((directory / "summary.json").read_text())
