"""The scenario restart end to end, against a server that it starts, stops and starts again. Counts are asserted."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.process import free_port
from tests.loadtest.runs import UNHURRIED, master_port, run, summary

USERS = 6
RESTART = ("--scenario", "restart", "--users", str(USERS), "--spawn-rate", "100", "--settle", "0.1", "--grace", "20")
BRIEF = ("--before", "1", "--after", "1", "--rate", "20", "--backoff", "0.2", "--backoff-most", "1")


def restart(path: Path, *options: str) -> Any:
    return run(free_port(), *RESTART, *BRIEF, *UNHURRIED, "--under-load", "1", "--report", str(path), *options)


@pytest.mark.parametrize("options", [(), ("--kill",)])
def test_who_comes_back_finds_all_that_was_said(tmp_path: Path, options: tuple[str, ...]) -> None:
    done = restart(tmp_path, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    report = summary(tmp_path)
    account = report["history"]
    assert account["messages"] > 10
    wrong = {name: account[name] for name in ("readers", "unanswered", "missed", "doubled", "reordered")}
    assert wrong == {"readers": USERS, "unanswered": 0, "missed": 0, "doubled": 0, "reordered": 0}
    assert bool(account["excused"]) <= bool(options)


def keeps(log: Path, port: int) -> str:
    words = [sys.executable, "-m", "chat.cli", "serve", "--listen", f"irc://127.0.0.1:{port}", "--rate-limit", "off"]
    return shlex.join([*words, "--log", f"sqlite:{log}/log.sqlite", "--durability", "strict"])


@pytest.mark.parametrize("how", [(), ("--kill", "--safe-after", "0")], ids=["SIGTERM", "SIGKILL"])
def test_with_strict_durability_several_processes_find_all_that_anybody_had_seen(
    tmp_path: Path, how: tuple[str, ...]
) -> None:
    port = free_port()
    several = ("--processes", "2", *master_port(), "--announcers", "4", "--under-load", "1")
    command = ("--server-command", keeps(tmp_path, port), "--report", str(tmp_path / "report"))
    done = run(port, *RESTART, *BRIEF, *UNHURRIED, *several, *how, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    history = summary(tmp_path / "report")["history"]
    assert history["messages"] > 10
    nothing = dict.fromkeys(("unanswered", "not_offered", "missed", "doubled", "reordered", "excused"), 0)
    assert history == {"messages": history["messages"], "readers": USERS, **nothing, "reasons": {}}


def test_a_server_that_forgets_fails_the_run(tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    serve = f"{sys.executable} -m chat.cli serve --log sqlite:{log}/log.sqlite --rate-limit off"
    forgets = f"rm -rf {log}; mkdir {log}; exec {serve} --listen irc://127.0.0.1:{port}"
    words = ("--server-command", shlex.join(["sh", "-c", forgets]), "--report", str(tmp_path / "report"))
    done = run(port, *RESTART, *BRIEF, *UNHURRIED, "--under-load", "1", *words)
    assert done.returncode == 1, done.stdout + done.stderr
    assert summary(tmp_path / "report")["history"]["missed"] >= USERS
