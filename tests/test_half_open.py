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
from types import SimpleNamespace

import pytest

from chat.server.acceptor import keepalive
from chat.server.connection import Connection, unacknowledged
from chat.server.gate import Gate
from chat.server.hub import Hub
from chat.server.inbox import Inbox
from chat.server.roster import AT_ONCE, Roster
from chat.server.sending import Helpers
from chat.server.sends import Piece, Sends
from chat.server.wheel import GRANULARITY
from chat.settings import Settings
from chat.wires.irc import IrcWire
from tests.netns import network_namespace
from tests.support import running_server
from tests.test_mass_death import held
from tests.test_stop import served

THOUSANDS = 5000
DEFAULTS = Settings()


class FakeSocket:
    """Takes everything and hears nothing."""

    def send(self, data: bytes) -> int:
        return len(data)

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...


class House:
    """A worker's connections without its thread: the clock is set by hand."""

    def __init__(self) -> None:
        self.hub = Hub(DEFAULTS)
        self.inbox = Inbox(DEFAULTS.inbox_limit, lambda: None)
        poller = SimpleNamespace(watch=lambda *_: None, change=lambda *_: None, forget=lambda *_: None)
        self.roster = Roster(self.hub, Gate(10**6, 10**6), self.inbox, Sends(), Helpers(0, "still"), poller, 1000.0)

    def members(self, size: int) -> list[Connection]:
        connections = []
        for number in range(size):
            connection = self.roster.adopt(FakeSocket(), "host", IrcWire())  # type: ignore[arg-type]
            self.hub.enter(connection.user, f"user{number}")
            self.hub.join(connection.user, "#a")
            self.roster.schedule(connection)
            connections.append(connection)
        return connections

    def tick(self, seconds: float = 0.0) -> None:
        self.roster.now += seconds
        self.roster.look_at_due()
        self.roster.flush_all()


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


def test_a_tick_looks_at_none_of_thousands_that_are_not_due(monkeypatch: pytest.MonkeyPatch) -> None:
    house = House()
    house.members(THOUSANDS)
    with counted_looks(monkeypatch) as looks:
        for _ in range(int(DEFAULTS.ping_interval / GRANULARITY) - 1):
            house.tick(GRANULARITY)
        assert looks == []
        house.tick(2 * GRANULARITY)
        assert len(set(looks)) == AT_ONCE


def test_thousands_due_at_once_are_all_asked_and_dropped_within_a_second_a_portion_a_tick() -> None:
    house = House()
    connections = house.members(THOUSANDS)
    ticks = -(-THOUSANDS // AT_ONCE)
    house.tick(DEFAULTS.ping_interval + GRANULARITY)
    assert sum(connection.pinged is not None for connection in connections) == AT_ONCE
    for _ in range(ticks - 1):
        house.tick()
    assert all(connection.pinged is not None for connection in connections)
    house.tick(DEFAULTS.ping_timeout - GRANULARITY)
    assert house.hub.registered == THOUSANDS
    house.roster.now += 2 * GRANULARITY
    for number in range(1, ticks + 1):
        house.tick()
        assert house.hub.registered == max(0, THOUSANDS - number * AT_ONCE)
    house.tick(DEFAULTS.stop_deadline)
    for _ in range(ticks):
        house.tick()
    assert len(house.roster) == 0


def test_while_many_are_timed_out_the_others_are_served_between_two_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    trace: list[str] = []
    drop, take = Roster.drop, Sends.take

    def traced_drop(roster: Roster, connection: Connection, reason: str, farewell: bool = True) -> None:
        if reason.startswith("Ping timeout"):
            trace.append("drop")
        drop(roster, connection, reason, farewell)

    def traced_take(sends: Sends) -> tuple[dict[Connection, Piece], list[Connection]]:
        taken = take(sends)
        trace.extend(connection.user.nick for connection in taken[0])
        return taken

    with running_server(workers=1, max_per_address=10_000) as server:
        silent = [server.irc(f"silent{number}") for number in range(3 * AT_ONCE)]
        for client in silent:
            client.send("JOIN #a")
        for client in silent:
            client.until("366")
        ana, bob = server.irc("ana", "#a"), server.irc("bob", "#a")
        bob.sync()
        (worker,) = server.server.workers
        with held(worker):
            for connection in worker._roster:
                if connection.user.nick.startswith("silent"):
                    connection.pinged = connection.heard - 1000.0
                    worker._roster.schedule(connection)
            monkeypatch.setattr(Roster, "drop", traced_drop)
            monkeypatch.setattr(Sends, "take", traced_take)
            ana.say("#a", "is anybody here")
        gone = {bob.expect("QUIT").params[0] for _ in silent}
    assert gone == {"Ping timeout: 60 seconds"}
    assert trace.count("drop") == len(silent)
    portions = " ".join(trace).split("bob")
    assert (
        max(portion.count("drop") for portion in portions) <= 2 * AT_ONCE
    )  # one before it is told, one in the same pass


def test_who_is_read_no_further_than_its_rate_is_not_blamed_for_the_answer_that_waits_behind_its_words() -> None:
    house = House()
    (connection,) = house.members(1)
    connection.pinged = house.roster.now
    connection.backlog, connection.resume_at = ["words"], house.roster.now + 1000.0  # type: ignore[list-item]
    house.roster.schedule(connection)
    house.tick(999.0)
    assert house.hub.registered == 1
    connection.pinged = None
    house.roster.now += 2.0
    assert house.roster.look_at_due() == [connection]
    house.tick(DEFAULTS.ping_interval - 1.0)
    assert connection.pinged is None  # its silence begins with its last word
    house.tick(1.0 + GRANULARITY)
    assert connection.pinged is not None


def test_who_dies_with_words_that_its_rate_did_not_allow_yet_is_found_at_once() -> None:
    with running_server(rate_limit=1.0, rate_burst=10) as server:
        observer, flooder = server.irc("observer", "#a"), server.irc("flooder", "#a")
        flooder.send(*(f"PRIVMSG #a :{number}" for number in range(1000)))  # enough for a quarter of an hour
        observer.expect("PRIVMSG")
        flooder.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        flooder.sock.close()
        assert observer.expect("QUIT").params == ["Connection reset by peer"]


def test_a_reader_counts_as_slow_only_when_the_kernel_has_got_rid_of_nothing_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as peer:
        sock, _ = listener.accept()
        with sock:
            sock.setblocking(False)
            house = House()
            connection = house.roster.adopt(sock, "host", IrcWire())
            house.hub.enter(connection.user, "ana")
            while connection.outbox.oldest is None:
                connection.push(b"x" * 65_536)
                house.tick()
            house.roster.now += DEFAULTS.outbox_age
            waiting = unacknowledged(sock)
            while unacknowledged(sock) >= waiting:  # the window opens only when it is worth it
                peer.recv(65_536)
            assert connection.overdue(DEFAULTS, house.roster.now) is None
            assert connection.outbox.oldest == house.roster.now
            house.roster.now += DEFAULTS.outbox_age
            reason = "Slow reader: nothing read for 15 s, the limit is 15 s"
            assert connection.overdue(DEFAULTS, house.roster.now) == reason


def test_the_kernels_own_timers_keep_the_configured_time() -> None:
    with running_server() as server:
        server.irc("ana").sync()
        ((sock,),) = ([connection.sock for connection in worker._roster] for worker in server.server.workers[:1])
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
    return socket.create_connection(("127.0.0.1", port), 20)
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
    return sock
victims += [guest() for _ in range(size)]
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
