"""Peers that are gone without a word are found in time, in thousands at once, and cost nothing until they are due."""

import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.net.connection import Connection, unacknowledged
from chat.server.net.connections import AT_ONCE
from chat.server.net.listeners import keepalive
from chat.server.net.timers import GRANULARITY
from chat.settings import Settings
from chat.wires.irc import IrcWire
from tests.end_to_end.test_stop import served
from tests.netns import network_namespace
from tests.support import running_server

THOUSANDS = 5000
DEFAULTS = Settings(rate_limit=0.0, helpers=0)


def members(server: StillServer, size: int, room: str = "#a") -> list[StillSocket]:
    return [server.connect(f"user{number}", room) for number in range(size)]


def strangers_to_each_other(server: StillServer, size: int) -> list[StillSocket]:
    """Users of no room, who have come all at once."""
    socks = [server.socket() for _ in range(size)]
    for number, sock in enumerate(socks):
        server.loop.adopt(sock, "host", IrcWire())
        sock.said = f"NICK user{number}\r\nUSER u 0 * :User\r\n".encode()
    server.settle()
    return socks


@contextmanager
def counted_looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Connection]]:
    """The connections whose deadlines anybody asks for."""
    looks: list[Connection] = []
    deadline, overdue = Connection.deadline, Connection.overdue

    def counted_deadline(connection: Connection, settings: Settings) -> float | None:
        looks.append(connection)
        return deadline(connection, settings)

    def counted_overdue(connection: Connection, settings: Settings, now: float) -> str | None:
        looks.append(connection)
        return overdue(connection, settings, now)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "deadline", counted_deadline)
        patch.setattr(Connection, "overdue", counted_overdue)
        yield looks


def test_a_pass_looks_at_none_of_thousands_that_are_not_due(monkeypatch: pytest.MonkeyPatch) -> None:
    with still_server(DEFAULTS) as server:
        strangers_to_each_other(server, THOUSANDS)
        with counted_looks(monkeypatch) as looks:
            for _ in range(int(DEFAULTS.ping_interval / GRANULARITY) - 1):
                server.now += GRANULARITY
                server.step()
            assert looks == []
            server.now += 2 * GRANULARITY
            server.step()
            assert len(set(looks)) == AT_ONCE


def asked(socks: list[StillSocket]) -> int:
    return sum(any(data.startswith(b"PING ") for data in sock.heard) for sock in socks)


def test_thousands_due_at_once_are_all_asked_and_dropped_a_portion_a_pass() -> None:
    with still_server(DEFAULTS) as server:
        socks = strangers_to_each_other(server, THOUSANDS)
        for sock in socks:
            sock.heard.clear()
        passes = -(-THOUSANDS // AT_ONCE)
        server.now += DEFAULTS.ping_interval + GRANULARITY
        for number in range(1, passes + 1):
            server.step()
            assert asked(socks) == min(THOUSANDS, number * AT_ONCE)
        server.now += DEFAULTS.ping_timeout - GRANULARITY
        server.step()
        assert len(server.node.state.users) == THOUSANDS
        server.now += 2 * GRANULARITY
        for number in range(1, passes + 1):
            server.step()
            assert len(server.node.state.users) == max(0, THOUSANDS - number * AT_ONCE)
        assert socks[-1].lines()[-1] == "ERROR :Closing link: Ping timeout: 60 seconds"
        server.now += DEFAULTS.stop_deadline
        for _ in range(passes):
            server.step()
        assert len(server.loop.connections) == 0
        assert all(sock.closed for sock in socks)


def test_while_many_are_timed_out_the_others_are_served_between_two_portions() -> None:
    with still_server(DEFAULTS) as server:
        silent = members(server, 3 * AT_ONCE)
        server.now += DEFAULTS.ping_interval + GRANULARITY
        ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
        server.settle()
        assert asked(silent) == len(silent)
        server.now += DEFAULTS.ping_timeout + GRANULARITY
        bob.heard.clear()
        ana.said = b"PRIVMSG #a :is anybody here\r\n"
        server.step()
        lines = bob.lines()
        assert lines[0] == ":ana!~ana@127.0.0.1 PRIVMSG #a :is anybody here"
        assert [line.partition(" ")[2] for line in lines[1:]] == ["QUIT :Ping timeout: 60 seconds"] * AT_ONCE
        ana.said = b"PRIVMSG #a :and now\r\n"
        server.step()
        assert sum("QUIT" in line for line in bob.lines()) == AT_ONCE


def test_who_is_read_no_further_than_its_rate_is_not_blamed_for_the_answer_that_waits_behind_its_words() -> None:
    with still_server(Settings(helpers=0, rate_limit=0.01, rate_burst=5)) as server:
        sock = server.connect("ana", "#a")
        server.advance(DEFAULTS.ping_interval + GRANULARITY)
        assert asked([sock]) == 1
        server.say(sock, *["PING x"] * 4, "PONG x")  # they take 200 s or more
        server.advance(DEFAULTS.ping_timeout + 10.0)
        assert server.connection(sock).resume_at is not None
        assert len(server.node.state.users) == 1
        while server.connection(sock).resume_at is not None:
            server.advance(10.0)
        sock.heard.clear()
        server.advance(DEFAULTS.ping_interval - 11.0)
        assert asked([sock]) == 0  # its silence begins with its last word
        server.advance(11.0 + GRANULARITY)
        assert asked([sock]) == 1


def test_who_dies_with_words_that_its_rate_did_not_allow_yet_is_found_at_once() -> None:
    with running_server(rate_limit=1.0, rate_burst=10) as server:
        observer, flooder = server.irc("observer", "#a"), server.irc("flooder", "#a")
        flooder.send(*(f"PRIVMSG #a :{number}" for number in range(500)))  # enough for minutes
        observer.expect("PRIVMSG")
        flooder.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        flooder.sock.close()
        assert observer.expect("QUIT").params == ["Connection reset by peer"]


def test_a_reader_counts_as_slow_only_when_the_kernel_has_got_rid_of_nothing_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as peer:
        sock, _ = listener.accept()
        sock.setblocking(False)
        with still_server(DEFAULTS) as server:
            server.loop.adopt(sock, "host", IrcWire())
            server.settle()
            (connection,) = server.loop.connections
            while connection.queue.oldest is None:
                server.loop.connections.push(connection, b"x" * 65_536)
                server.step()
            server.now += DEFAULTS.lag_age
            waiting = unacknowledged(sock)
            while unacknowledged(sock) >= waiting:  # the window opens only when it is worth it
                peer.recv(65_536)
            assert connection.overdue(DEFAULTS, server.now) is None
            assert connection.queue.oldest == server.now
            server.now += DEFAULTS.lag_age
            reason = "Slow reader: nothing read for 15 s, the limit is 15 s"
            assert connection.overdue(DEFAULTS, server.now) == reason


def test_the_kernels_own_timers_keep_the_configured_time() -> None:
    with running_server() as server:
        server.irc("ana").sync()
        (connection,) = server.server.loop.connections
        sock = connection.sock
        assert isinstance(sock, socket.socket)
        idle, interval, most = (
            sock.getsockopt(socket.IPPROTO_TCP, option)
            for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_USER_TIMEOUT)
        )
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert most == 1000 * DEFAULTS.user_timeout
    assert idle < DEFAULTS.user_timeout - 1  # probed in time, and more than once, before the time is over
    assert interval == 1  # so it is noticed within a second that it is


CLIENTS = """
import collections, json, socket, sys, time
from tests.support import IrcClient
irc, relay, size = map(int, sys.argv[1:])
def connect(port):
    return socket.create_connection(("127.0.0.1", port), 50)
def member(nick, room):
    client = IrcClient(connect(irc))
    client.send(f"NICK {nick}", f"USER {nick} 0 * :{nick}", f"JOIN {room}")
    client.until("366")
    return client.sock
observer, talker = (IrcClient(member(nick, "#lobby")) for nick in ("observer", "talker"))
victims = []
for number in range(size // 4):  # each in a room of its own: one's end is no word to the others
    victims.append(member(f"quiet{number}", f"#quiet{number}"))
    observer.join(f"#quiet{number}")
victims += [member(f"member{number}", "#lobby") for number in range(size)]
spared = {client.sock.getsockname()[1] for client in (observer, talker)}
others = []  # a port may serve twice, towards another one of the server: who is cut off by it must be no spared one
def guest():
    while (sock := connect(relay)).getsockname()[1] in spared:
        others.append(sock)
        sock.sendall(b"hello")
    return sock
guests = [guest() for _ in range(size)]
for sock in guests:
    sock.sendall(b"hello")  # or it would be nobody
victims += guests
names = 0
while names < 2 * size + 2 + len(others):  # until the last guest is in
    observer.send("NAMES #lobby")
    names = sum(len(line.params[-1].split()) for line in observer.until("366")[:-1] if line.verb == "353")
print(json.dumps([sock.getsockname()[1] for sock in victims]), flush=True)
cut = float(sys.stdin.readline())
observer.sock.settimeout(100)
talker.say("#lobby", "is anybody here")
took = {"quiet": [], "member": [], "guest": []}
reasons = collections.Counter()
for _ in victims:
    quit = observer.expect("QUIT")
    reasons[quit.params[0]] += 1
    took[quit.nick.rstrip("0123456789")].append(time.monotonic() - cut)
observer.sync()
print(json.dumps([reasons, took]), flush=True)
"""


def test_those_cut_off_silently_are_found_by_the_kernel_whether_spoken_to_or_not() -> None:
    """How long it took is printed (`pytest -rP`), and decides nothing."""
    size, seconds = 150, int(os.environ.get("USER_TIMEOUT", 2))
    with (
        network_namespace() as namespace,
        served(
            "--listen",
            "irc://127.0.0.1:0",
            "--listen",
            "relay://127.0.0.1:0",
            "--rate-limit",
            "off",
            "--user-timeout",
            str(seconds),
            prefix=namespace.prefix,
        ) as (_, (irc, relay)),
        subprocess.Popen(
            [*namespace.prefix, sys.executable, "-c", CLIENTS, str(irc), str(relay), str(size)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as clients,
    ):
        try:
            assert clients.stdin is not None
            assert clients.stdout is not None
            ports = json.loads(clients.stdout.readline())
            namespace.cut(ports)
            clients.stdin.write(f"{time.monotonic()}\n")
            clients.stdin.flush()
            reasons, took = json.loads(clients.stdout.readline())
            clients.communicate()
        finally:
            clients.kill()
    assert reasons == {"Connection timed out": 2 * size + size // 4}
    assert {kind: len(times) for kind, times in took.items()} == {"quiet": size // 4, "member": size, "guest": size}
    for kind, times in took.items():
        print(f"{kind}: found after {min(times):.2f} to {max(times):.2f} s, the limit is {seconds} s")


@pytest.mark.parametrize(
    ("user_timeout", "options"),
    [
        (0.2, (1, 1, 1)),
        (1, (1, 1, 1)),
        (2, (1, 1, 1)),
        (30, (15, 1, 15)),
        (300, (150, 2, 75)),
        (1e9, (32_767, 32_767, 127)),
    ],
)
def test_a_time_out_of_any_length_is_put_into_the_kernels_terms(
    user_timeout: float, options: tuple[int, int, int]
) -> None:
    assert keepalive(Settings(user_timeout=user_timeout)) == options
    with running_server(user_timeout=user_timeout) as server:
        server.irc("ana").sync()
