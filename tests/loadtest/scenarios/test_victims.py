"""The program that holds users who are to die, against a real server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import IrcClient, RunningServer, running_server

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = "loadtest.scenarios.deaths.program"
NICKS = [f"v{number}" for number in range(7)]


def going_to(port: int) -> list[Any]:
    return [[nick, 2, ["127.0.0.1", port]] for nick in NICKS]


@contextmanager
def victims(server: RunningServer, **orders: Any) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            tell(
                process,
                **{
                    "victims": going_to(server.ports["irc"]),
                    "room": "#load",
                    "connecting": 3,
                    "patience": 20.0,
                    "receive_bytes": 0,
                    **orders,
                },
            )
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str], **words: Any) -> None:
    assert process.stdin
    process.stdin.write(json.dumps(words) + "\n")
    process.stdin.flush()


def answer(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    return json.loads(process.stdout.readline())


def ends(observer: IrcClient) -> dict[str, str]:
    """The reason given for each victim's end, once all are told of."""
    reasons: dict[str, str] = {}
    while len(reasons) < len(NICKS):
        message = observer.expect("QUIT")
        assert message.nick
        reasons[message.nick] = message.params[0]
    return reasons


def names(observer: IrcClient) -> set[str]:
    observer.send("NAMES #load")
    return {
        name.lstrip("@") for line in observer.until("366") if line.verb == "353" for name in line.params[-1].split()
    }


def test_it_says_when_all_are_in_and_with_which_ports(server: RunningServer) -> None:
    observer = server.irc("observer", "#load")
    with victims(server) as process:
        ports = answer(process)["ports"]
        assert len(set(ports)) == len(NICKS)
        assert names(observer) == {"observer", *NICKS}


@pytest.mark.parametrize(
    ("how", "reason"),
    [("quit", "Quit: done"), ("fin", "Remote host closed the connection"), ("rst", "Connection reset by peer")],
)
def test_they_die_as_told_and_not_before(server: RunningServer, how: str, reason: str) -> None:
    observer = server.irc("observer", "#load")
    with victims(server) as process:
        answer(process)
        at_ns = time.monotonic_ns() + 50_000_000
        tell(process, how=how, at_ns=at_ns)
        assert answer(process)["dead_ns"] >= at_ns
        assert ends(observer) == dict.fromkeys(NICKS, reason)
        assert names(observer) == {"observer"}


def test_who_closes_with_bytes_unread_still_sends_a_fin(server: RunningServer) -> None:
    """Closing such a socket would be a reset, another way to die."""
    observer = server.irc("observer", "#load")
    with victims(server, receive_bytes=4096) as process:
        answer(process)
        tell(process, how="stall", at_ns=0)
        answer(process)
        observer.say("#load", "unread")
        observer.sync()
        tell(process, how="fin", at_ns=0)
        assert set(ends(observer).values()) == {"Remote host closed the connection"}


def test_they_answer_ping_while_they_live() -> None:
    with running_server(ping_interval=1.0, ping_timeout=10.0) as server:
        observer = server.irc("observer", "#load")
        with victims(server) as process:
            answer(process)
            for _ in range(12):  # a whole time-out and more
                observer.send(f"PONG {observer.expect('PING').params[0]}")
            assert names(observer) == {"observer", *NICKS}


def test_who_stalls_reads_nothing_more_and_is_dropped_for_it() -> None:
    with running_server(lag_limit=20_000, lag_time=0.3) as server:
        observer = server.irc("observer", "#load")
        with victims(server, receive_bytes=4096) as process:
            answer(process)
            tell(process, how="stall", at_ns=0)
            answer(process)
            told: dict[str, str] = {}
            while len(told) < len(NICKS):
                observer.send(*(f"PRIVMSG #load :{'x' * 400}" for _ in range(200)))
                told |= {line.nick or "": line.params[0] for line in observer.sync() if line.verb == "QUIT"}
            assert all(reason.startswith("Slow reader: ") for reason in told.values())


def test_a_server_that_refuses_one_is_quoted() -> None:
    with running_server(max_connections=3, max_per_address=3) as server, victims(server) as process:
        assert "server is full" in answer(process)["fault"]
        assert process.wait(50) == 1


def test_a_server_that_is_not_there_is_named(server: RunningServer) -> None:
    with victims(server, victims=going_to(1)) as process:
        assert answer(process)["fault"] == "connect: Connection refused"


def test_a_name_in_use_is_a_fault(server: RunningServer) -> None:
    server.irc("v3", "#elsewhere")
    with victims(server) as process:
        assert answer(process)["fault"].startswith("433 ")


def test_they_end_with_their_standard_input(server: RunningServer) -> None:
    observer = server.irc("observer", "#load")
    with victims(server) as process:
        answer(process)
        assert process.stdin
        process.stdin.close()
        assert process.wait(50) == 0
        assert set(ends(observer)) == set(NICKS)


def test_they_end_with_their_parent_even_while_they_are_stopped(server: RunningServer) -> None:
    observer = server.irc("observer", "#load")
    orders: dict[str, Any] = {"victims": going_to(server.ports["irc"]), "room": "#load"}
    orders |= {"connecting": 3, "patience": 20.0, "receive_bytes": 0}
    program = f"""
import json, subprocess, sys
program = {PROGRAM!r}
child = subprocess.Popen([sys.executable, "-m", program], stdin=subprocess.PIPE, text=True)
child.stdin.write(json.dumps({orders!r}) + "\\n")
child.stdin.flush()
print(child.pid, flush=True)
child.wait()
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        answer(parent)
        os.kill(child, signal.SIGSTOP)
        parent.kill()
        assert set(ends(observer)) == set(NICKS)
