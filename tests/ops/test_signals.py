"""Signals to a real process: any kind, any number, at any moment; the process ends well and everybody is told."""

import os
import signal
import sys
from itertools import cycle, islice
from pathlib import Path
from signal import Signals

import pytest

from chat.server.ops.signals import handled
from tests.ops.serving import IRC, client_of, serving
from tests.support import running_server

SHUT_DOWN = "ERROR :Closing link: Server is shutting down"
KINDS = (Signals.SIGTERM, Signals.SIGINT, Signals.SIGQUIT, Signals.SIGHUP, Signals.SIGUSR1, Signals.SIGUSR2)
ENDING = KINDS[:3]

# Sends itself a signal at the n-th call of a Python function after it has blocked the signals.
SIGNALLED = """
import os, signal, sys
from chat.cli import main
calls, number = int(sys.argv.pop(1)), int(sys.argv.pop(1))
blocked = False
def profile(frame, event, arg):
    global blocked, calls
    if event == "c_return" and arg is signal.pthread_sigmask:
        blocked = True
    elif blocked and event == "call":
        calls -= 1
        if not calls:
            sys.setprofile(None)
            os.kill(os.getpid(), number)
sys.setprofile(profile)
sys.exit(main())
"""


@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("calls", [1, 3, 10, 30, 100, 300, 1000, 1500, 2000, 2200, 2400])
def test_a_signal_at_any_moment_of_the_start_ends_with_status_0(calls: int, number: Signals) -> None:
    command = (sys.executable, "-c", SIGNALLED, str(calls), str(number.value), "serve")
    with serving(*IRC, command=command) as server:
        if server.port():  # it had started by then, or the moment did not come
            server.signal(Signals.SIGTERM)
        assert server.end() == (0, "")


@pytest.mark.parametrize("number", ENDING)
def test_each_ending_signal_tells_everybody_and_ends_with_status_0(number: Signals) -> None:
    with serving(*IRC) as server:
        client = client_of(server.port())
        client.register("ana")
        server.signal(number)
        assert client.rest() == [SHUT_DOWN]
        client.sock.close()
        assert server.end() == (0, "")


@pytest.mark.parametrize("first", range(len(KINDS)))
def test_three_hundred_signals_in_a_row_end_well(first: int) -> None:
    with serving(*IRC, "--drain", "600") as server:
        client = client_of(server.port())
        client.register("ana")
        server.signal(*islice(cycle(KINDS[first:] + KINDS[:first]), 300))
        assert client.rest() == [SHUT_DOWN]
        client.sock.close()
        status, errors = server.end()
        assert status == 0
        assert "Traceback" not in errors


def test_a_second_signal_ends_the_drain_and_so_does_one_sigquit() -> None:
    """Two of the same kind may reach a process as one: the kernel does not queue them."""
    for numbers in ((Signals.SIGTERM, Signals.SIGINT), (Signals.SIGINT, Signals.SIGTERM), (Signals.SIGQUIT,)):
        with serving(*IRC, "--drain", "6000") as server:
            port = server.port()
            clients = [client_of(port) for _ in range(5)]
            for number, client in enumerate(clients):
                client.register(f"user{number}")
            server.signal(*numbers)
            for client in clients:
                assert client.rest()[-1] == SHUT_DOWN
                client.sock.close()
            assert server.end() == (0, "")


def test_two_ends_before_the_stop_has_begun_leave_no_drain() -> None:
    with running_server(drain=6000.0) as server:
        clients = [server.irc(f"user{number}") for number in range(3)]
        server.server.end()
        server.server.end()
        assert server.server.wait()
        for client in clients:
            client.sock.close()
        server.server.stop()


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (Signals.SIGHUP, "INFO configuration read again: no setting has changed"),
        (Signals.SIGUSR1, " s, connections 1 of "),
        (Signals.SIGUSR2, "INFO stack of acceptor:"),
    ],
)
def test_the_other_signals_are_a_line_in_the_log_and_the_server_goes_on(number: Signals, line: str) -> None:
    with serving(*IRC) as server:
        client = client_of(server.port())
        client.register("ana")
        server.signal(number)
        assert line in server.log_line(line)
        client.sync()
        client.sock.close()
        server.signal(Signals.SIGTERM)
        assert server.end()[0] == 0


@pytest.mark.parametrize("number", ENDING)
def test_a_configuration_that_does_not_come_does_not_make_signals_void(number: Signals, tmp_path: Path) -> None:
    fifo = tmp_path / "fanfare.toml"
    os.mkfifo(fifo)
    with serving("--config", str(fifo)) as server, open(fifo, "w"):  # opened once the server reads it
        server.signal(number)
        assert server.end() == (0, "")


def test_after_a_failed_start_signals_are_as_they_were() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with pytest.raises(KeyError), handled({Signals.SIGUSR1: lambda: None}):
        raise KeyError
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
