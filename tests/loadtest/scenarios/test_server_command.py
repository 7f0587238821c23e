"""A server that the load test starts is stopped, started again and ended, whatever it does; and it says what it did.

The servers here are a few lines of Python each, which note their process in a file.
"""

import os
import select
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bench.process import free_port
from chat.errors import SetupError
from loadtest.scenarios.stampede.server import NoServer, ServerCommand, split
from tests.support import PATIENCE

HEED = "import signal, sys\nsignal.signal(signal.SIGTERM, {})\n"  # before it listens: SIGTERM may come at once
LISTEN = """
import os, signal, socket, sys
port, pids = int(sys.argv[1]), sys.argv[2]
print(os.getpid(), file=open(pids, "a"), flush=True)
listener = socket.create_server(("127.0.0.1", port))
"""
ACCEPT = "while True: listener.accept()"
HEEDLESS = LISTEN + ACCEPT
SERVE = HEED.format("lambda *_: sys.exit(0)") + HEEDLESS
SOUR = HEED.format("lambda *_: sys.exit(3)") + HEEDLESS
STUBBORN = HEED.format("signal.SIG_IGN") + HEEDLESS
WORDY = HEED.format("lambda *_: sys.exit(0)") + "print('x' * 1_000_000, flush=True)\n" + HEEDLESS
FORK = """
child = os.fork()
while not child: signal.pause()
print(child, file=open(pids, "a"), flush=True)
"""
PARENT = HEED.format("lambda *_: sys.exit(0)") + LISTEN.replace("listener =", FORK + "listener =") + ACCEPT
SHORT = LISTEN + "listener.accept()\nprint('all is lost\\n\\n', flush=True)\nsys.exit(4)"
ONCE = "import os, sys\nif os.path.exists(sys.argv[2]): sys.exit('no licence')\n" + SERVE
DEAF = "import os, signal, sys\nprint(os.getpid(), file=open(sys.argv[2], 'a'), flush=True)\nsignal.pause()"


def has_ended(pid: int) -> bool:
    """Wait for its end; False when it does not come."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], PATIENCE)[0])
    finally:
        os.close(process)


class Place:
    """A free port, and the processes of the servers that were started for it."""

    def __init__(self, path: Path) -> None:
        self.port = free_port()
        self._pids = path / "pids"

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self._pids.read_text().splitlines()] if self._pids.exists() else []

    def words(self, program: str) -> list[str]:
        return [sys.executable, "-c", program, str(self.port), str(self._pids)]

    @contextmanager
    def command(self, program: str) -> Iterator[ServerCommand]:
        server = ServerCommand(shlex.join(self.words(program)), f"irc://127.0.0.1:{self.port}")
        try:
            yield server
        finally:
            server.end()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield (place := Place(tmp_path))
    for pid in place.pids:  # where a test has failed
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_server_that_started_accepts_connections_and_is_gone_at_the_end(place: Place) -> None:
    with place.command(SERVE) as server:
        server.start(PATIENCE)
        socket.create_connection(("127.0.0.1", place.port), PATIENCE).close()
        assert (server.look().ended, len(place.pids)) == ("", 1)
    assert has_ended(place.pids[0])


def test_a_restart_stops_one_process_and_starts_another(place: Place) -> None:
    with place.command(SERVE) as server:
        server.start(PATIENCE)
        restart = server.restart(PATIENCE, PATIENCE)
        first, second = place.pids
        assert has_ended(first)
        assert (restart.status, restart.killed, restart.fault) == (0, False, "")
        assert restart.accepted_ns
        assert restart.look
        assert restart.look.reading
        assert restart.signalled_ns < restart.ended_ns < restart.accepted_ns <= restart.look.at_ns
        socket.create_connection(("127.0.0.1", place.port), PATIENCE).close()
        reading = server.look().reading
        assert reading
        assert reading["cpu_s"] >= restart.look.reading["cpu_s"]
    assert has_ended(second)


@pytest.mark.parametrize(
    ("program", "within_s", "status", "killed"),
    [(SOUR, PATIENCE, 3, False), (HEEDLESS, PATIENCE, -signal.SIGTERM, False), (STUBBORN, 0.2, -signal.SIGKILL, True)],
)
def test_how_a_server_takes_sigterm_is_told_and_it_comes_back_all_the_same(
    place: Place, program: str, within_s: float, status: int, killed: bool
) -> None:
    with place.command(program) as server:
        server.start(PATIENCE)
        restart = server.restart(within_s, PATIENCE)
        assert (restart.status, restart.killed, restart.fault) == (status, killed, "")
        assert len(place.pids) == 2
        assert has_ended(place.pids[0])
        os.kill(place.pids[1], signal.SIGKILL)  # the stubborn one would have 2 s to end in


def test_what_a_server_has_started_ends_with_it(place: Place) -> None:
    with place.command(PARENT) as server:
        server.start(PATIENCE)
        server.restart(PATIENCE, PATIENCE)
    assert len(place.pids) == 4
    assert all(has_ended(pid) for pid in place.pids)


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import sys; print('dear me'); sys.exit('no such option')", "it ended with status 1 .*: no such option"),
        ("import os; os.abort()", "it was ended by SIGABRT before it accepted connections"),
        (DEAF, r"it did not accept connections within 0\.3 s"),
    ],
)
def test_a_server_that_does_not_start_is_one_clear_line_and_leaves_nothing(
    place: Place, program: str, why: str
) -> None:
    with place.command(program) as server:
        with pytest.raises(SetupError, match=why):
            server.start(0.3 if program == DEAF else PATIENCE)
        assert all(has_ended(pid) for pid in place.pids)


def test_a_port_that_is_taken_is_not_taken_for_the_server(place: Place) -> None:
    with socket.create_server(("127.0.0.1", place.port)), place.command(SERVE) as server:
        with pytest.raises(SetupError, match="something else accepts connections there already"):
            server.start(PATIENCE)
        assert place.pids == []


def test_a_server_that_does_not_come_back_says_why(place: Place) -> None:
    with place.command(ONCE) as server:
        server.start(PATIENCE)
        restart = server.restart(PATIENCE, PATIENCE)
        assert (restart.status, restart.accepted_ns, restart.look) == (0, None, None)
        assert restart.fault == "it ended with status 1 before it accepted connections: no licence"
        assert server.look().ended == "ended with status 1: no licence"


def test_a_server_that_has_ended_by_itself_cannot_be_stopped(place: Place) -> None:
    with place.command(SHORT) as server:
        server.start(PATIENCE)  # its only connection is the look whether it accepts
        assert has_ended(place.pids[0])
        with pytest.raises(NoServer, match="it had ended with status 4 before it was told to: all is lost"):
            server.restart(PATIENCE, PATIENCE)


def test_a_server_may_say_more_than_a_pipe_holds(place: Place) -> None:
    with place.command(WORDY) as server:
        server.start(PATIENCE)
        assert server.restart(PATIENCE, PATIENCE).status == 0


STARTER = """
import sys
from loadtest.scenarios.stampede.server import ServerCommand
server = ServerCommand(sys.argv[1], sys.argv[2])
server.start()
print("up", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [subprocess.Popen.kill, subprocess.Popen.terminate])
def test_a_server_does_not_outlive_who_started_it(place: Place, end: Callable[["subprocess.Popen[str]"], None]) -> None:
    words = [sys.executable, "-c", STARTER, shlex.join(place.words(STUBBORN)), f"irc://127.0.0.1:{place.port}"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        assert starter.stdout.readline() == "up\n"
        [pid] = place.pids
        end(starter)
    assert has_ended(pid)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("", "--server-command is missing"),
        ("  ", "--server-command is missing"),
        ("serve 'it", "No closing quotation"),
        ("no-such-server --fast", "there is no program 'no-such-server'"),
    ],
)
def test_what_is_no_command_is_refused(command: str, why: str) -> None:
    with pytest.raises(SetupError, match=why):
        split(command)


def test_a_command_is_split_as_a_shell_would_but_no_shell_sees_it() -> None:
    assert split("sh -c 'exit  $X; true' a\\ b") == ["sh", "-c", "exit  $X; true", "a b"]


def test_a_backslash_at_the_end_of_a_line_goes_on_in_the_next_as_the_guide_prints_it() -> None:
    assert split("sh --rate-limit off \\\n    --drain 0") == ["sh", "--rate-limit", "off", "--drain", "0"]
