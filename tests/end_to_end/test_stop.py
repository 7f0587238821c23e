"""How the server stops: everyone is told, what was said still arrives, the process ends with 0."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest

from bench.still import still_server
from tests.support import PATIENCE, IrcClient, PlainClient, RunningServer, running_server

SHUT_DOWN = "ERROR :Closing link: Server is shutting down"


@contextmanager
def served(*options: str, prefix: Sequence[str] = ()) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """`fanfare serve` as a process, and the ports it printed. `prefix` stands before its words."""
    command = [*prefix, sys.executable, "-m", "chat.cli", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            ports = [int(process.stdout.readline().rpartition(":")[2]) for option in options if option == "--listen"]
            yield process, ports
        finally:
            process.kill()


def client_of(port: int) -> IrcClient:
    return IrcClient(socket.create_connection(("127.0.0.1", port), PATIENCE))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_tells_everyone_and_ends_with_status_0(number: signal.Signals) -> None:
    with served("--listen", "irc://127.0.0.1:0", "--listen", "tilde://127.0.0.1:0") as (process, ports):
        ana, stranger = client_of(ports[0]), client_of(ports[0])
        ana.register("ana")
        ana.join("#lobby")
        stranger.send("PING x")
        stranger.expect("PONG")
        plain = PlainClient(socket.create_connection(("127.0.0.1", ports[1]), PATIENCE))
        plain.send("ti")
        assert ana.expect("JOIN").nick == "ti"
        process.send_signal(number)
        assert ana.rest() == [SHUT_DOWN]
        assert stranger.rest() == [SHUT_DOWN]
        assert plain.rest().endswith("SERVER~Server is shutting down")
        for sock in (ana.sock, stranger.sock, plain.sock):
            sock.close()
        assert process.wait(50) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def flood(sock: socket.socket) -> None:
    """Send until the server ends the connection, and read nothing."""
    with suppress(OSError):
        while True:
            sock.sendall(b"PRIVMSG #lobby :" + b"x" * 400 + b"\r\n" + b"WHO #lobby\r\n" * 40)


def test_a_signal_under_attack_ends_the_server_with_status_0_all_the_same() -> None:
    """Floods on connections that read nothing, and new connections as fast as they can be made."""
    with served("--listen", "irc://127.0.0.1:0", "--rate-limit", "off") as (process, (port,)):
        ana = client_of(port)
        ana.register("ana")
        ana.join("#lobby")
        attackers = [client_of(port) for _ in range(10)]
        for number, attacker in enumerate(attackers):
            attacker.register(f"bad{number}")
            attacker.join("#lobby")
            attacker.sock.settimeout(None)
        threads = [threading.Thread(target=flood, args=(attacker.sock,)) for attacker in attackers]
        threads.append(threading.Thread(target=knock, args=(port,)))
        for thread in threads:
            thread.start()
        ana.expect("PRIVMSG")
        process.send_signal(signal.SIGTERM)
        assert ana.rest()[-1] == SHUT_DOWN
        ana.sock.close()
        assert process.wait(PATIENCE) == 0
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        for attacker in attackers:
            attacker.sock.close()


def knock(port: int) -> None:
    """Connect again and again, until nobody accepts."""
    with suppress(OSError):
        while True:
            socket.create_connection(("127.0.0.1", port), PATIENCE).close()


@contextmanager
def stopping(server: RunningServer) -> Iterator[None]:
    """Stop the server while the block looks on."""
    thread = threading.Thread(target=server.server.stop)
    thread.start()
    yield
    thread.join()


def test_what_was_said_before_the_stop_still_arrives() -> None:
    with running_server() as server:
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        ana.send(*(f"PRIVMSG #a :{number}" for number in range(500)))
        ana.sync()
        with stopping(server):
            lines = bob.rest()
            ana.rest()
            ana.sock.close()
            bob.sock.close()
        assert len([line for line in lines if " PRIVMSG " in line]) == 500
        assert lines[-1] == SHUT_DOWN
        assert not any(" QUIT " in line for line in lines)  # all go at once: who went is no news to anybody


def test_a_reader_that_lags_behind_at_the_stop_still_gets_everything() -> None:
    with running_server(stop_deadline=30.0, lag_limit=100_000_000) as server:
        lagging = server.slow("lagging", "#a", receive_bytes=65_536)
        talker = server.irc("talker", "#a")
        for _ in range(100):
            talker.send(*(f"PRIVMSG #a :{'x' * 400}" for _ in range(200)))
            talker.sync()
        with stopping(server):
            talker.rest()
            talker.sock.close()
            lines = lagging.rest()
            lagging.sock.close()
        assert sum(" PRIVMSG " in line for line in lines) == 20_000
        assert lines[-1] == SHUT_DOWN


def test_a_client_that_does_not_read_cannot_hold_the_stop_beyond_the_deadline() -> None:
    with running_server(stop_deadline=0.5, lag_limit=100_000_000, lag_age=1000.0) as server:
        stuck = server.slow("stuck", "#a")
        talker = server.irc("talker", "#a")
        for _ in range(100):
            talker.send(*(f"PRIVMSG #a :{'x' * 400}" for _ in range(200)))
            talker.sync()
        with stopping(server):
            talker.rest()
            talker.sock.close()
        assert server.server.loop.join(0)
        assert stuck.sock.fileno() != -1


def test_a_drain_closes_one_after_another_and_the_others_see_them_go() -> None:
    with still_server() as server:
        clients = [server.connect(f"user{number}", "#a") for number in range(4)]
        for client in clients:
            client.heard.clear()
        server.loop.stop("Server is shutting down", 2.0, 5.0)
        for _ in range(30):
            server.advance(0.1)
        seen = sorted((client.lines() for client in clients), key=len)
        assert all(lines.pop() == SHUT_DOWN for lines in seen)
        assert [len(lines) for lines in seen] == [0, 1, 2, 3]
        assert all(line.endswith(" QUIT :Server is shutting down") for lines in seen for line in lines)


def test_a_stopped_server_refuses_new_connections() -> None:
    with running_server() as server:
        port = server.ports["irc"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), PATIENCE)
