"""When many members die at once, the others are served in between, hear of all of it, and are not blamed for it."""

import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from chat.server.connection import Connection
from chat.server.roster import AT_ONCE
from chat.server.sends import Piece, Sends
from chat.server.user import User
from chat.server.worker import Worker
from chat.settings import Settings
from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from chat.wires.wire import Dialect
from tests.support import PATIENCE, IrcClient, RunningServer, running_server

LINGER_0 = struct.pack("ii", 1, 0)


class Hold:
    """A post that lets its worker stand still."""


@contextmanager
def held(worker: Worker) -> Iterator[None]:
    """The worker stands still, in the midst of a pass, until the block has ended."""
    standing, go = threading.Event(), threading.Event()

    def hold(post: Hold) -> None:
        standing.set()
        go.wait(PATIENCE)

    worker._handlers[Hold] = hold
    worker.inbox.post(Hold())
    worker.inbox.notify()
    assert standing.wait(PATIENCE)
    try:
        yield
    finally:
        go.set()


def die(client: IrcClient, way: str) -> None:
    if way == "rst":
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_0)
        client.sock.close()
    else:
        client.sock.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("way", ["fin", "rst"])
def test_the_living_are_served_between_two_portions_of_the_dead_and_the_dead_get_nothing(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = 2 * AT_ONCE + 50
    trace: list[tuple[str, str]] = []
    receive, flush, take = Connection.receive, Connection.flush, Sends.take

    def traced_receive(connection: Connection) -> bytes:
        trace.append(("heard out", connection.user.nick))
        return receive(connection)

    def traced_flush(connection: Connection, now: float) -> bool:
        trace.append(("sent to", connection.user.nick))
        return flush(connection, now)

    def traced_take(sends: Sends) -> tuple[dict[Connection, Piece], list[Connection]]:
        taken = take(sends)
        trace.extend(("sent to", connection.user.nick) for connection in taken[0])
        return taken

    with running_server(workers=1, max_per_address=10_000) as server:
        talker, survivor = server.irc("talker", "#a"), server.irc("survivor", "#a")
        victims = [server.irc(f"victim{number}") for number in range(dead)]
        for victim in victims:
            victim.send("JOIN #a")
        for victim in victims:
            victim.until("366")
        survivor.sync()
        with held(server.server.workers[0]):
            for victim in victims:
                die(victim, way)
            talker.say("#a", "still here")
            monkeypatch.setattr(Connection, "receive", traced_receive)
            monkeypatch.setattr(Connection, "flush", traced_flush)
            monkeypatch.setattr(Sends, "take", traced_take)
        seen: list[Message] = []
        while sum(message.verb == "QUIT" for message in seen) < dead:
            message = survivor.read()
            assert message is not None
            seen.append(message)
    words = [message.verb for message in seen].index("PRIVMSG")
    assert words <= AT_ONCE  # it did not have to wait until all the dead were buried
    told = trace.index(("sent to", "survivor"))
    assert sum(what == "heard out" for what, _ in trace[:told]) <= AT_ONCE + 1
    assert not [nick for what, nick in trace if what == "sent to" and nick.startswith("victim")]


def test_a_death_that_a_send_comes_upon_is_told_with_its_reason() -> None:
    with running_server(workers=1) as server:
        survivor, victim = server.irc("survivor", "#a"), server.irc("victim", "#a")
        (worker,) = server.server.workers
        with held(worker):  # it looks at its sockets after it has sent: the send finds the dead first
            survivor.sock.sendall(b"")
            die(victim, "rst")
            server.server.hub.set_topic(operator_of(server), "#a", "news")
        assert survivor.expect("QUIT").params[0] == "Connection reset by peer"


def operator_of(server: RunningServer) -> User:
    room = server.server.hub.find_room("#a")
    assert room is not None
    return next(user for user, operator in room.members.items() if operator)


def test_who_has_closed_its_side_is_still_heard_to_the_end_and_answered() -> None:
    with running_server(rate_limit=1000.0, rate_burst=20) as server:
        client, observer = server.raw(), server.irc("observer", "#a")
        client.send("NICK ana", "USER ana 0 * :Ana", "JOIN #a", *(f"PRIVMSG #a :{number}" for number in range(50)))
        client.send("PING last")
        client.sock.shutdown(socket.SHUT_WR)
        heard = [message.params[-1] for message in observer.until("QUIT") if message.verb == "PRIVMSG"]
        assert heard == [str(number) for number in range(50)]
        assert any(line.endswith("last") for line in client.rest())


class Ghost:
    """A seat whose socket takes everything and leads nowhere: a member who never reads, nor needs to."""

    sock = SimpleNamespace(send=len)

    def __init__(self, worker: Worker) -> None:
        self.inbox = worker.inbox
        self.dialect: Dialect = IrcDialect.of(())

    def push(self, data: bytes | memoryview, notices: int = 0) -> None:
        pass


def ghosts(server: RunningServer, room: str, size: int) -> list[User]:
    """Members with the longest masks that there are."""
    hub, users = server.server.hub, []
    for number in range(size):
        seat = Ghost(server.server.workers[number % len(server.server.workers)])
        user = User(seat, "2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", "fanfare.local", 0.0)
        hub.enter(user, f"{'x' * 24}{number:06}")
        hub.join(user, room)
        users.append(user)
    return users


def let_die(server: RunningServer, victims: list[User], reason: str) -> None:
    for victim in victims:
        server.server.hub.quit(victim, reason)
    for worker in server.server.workers:
        worker.inbox.notify()


def narrow(server: RunningServer, client: IrcClient) -> Connection:
    """Let the client's connection at the server take little at once, as one over a long way does."""
    (connection,) = (
        connection
        for worker in server.server.workers
        for connection in worker._roster
        if connection.user.nick == client.nick
    )
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return connection


def test_who_pauses_while_ten_thousand_die_is_not_dropped_and_hears_of_all_of_them() -> None:
    with running_server() as server:
        survivor, observer = server.irc("survivor", "#a"), server.irc("observer", "#a")
        victims = ghosts(server, "#a", 10_000)
        survivor.sync(), observer.sync()
        outbox = narrow(server, survivor).outbox
        let_die(server, victims, f"Quit: {'good night ' * 25}")
        seen = observer.sync()
        assert sum(message.verb == "QUIT" for message in seen) == 10_000
        assert outbox.size > Settings().outbox_limit  # more waits for it than may of what is said
        seen = survivor.sync()
        assert [message.verb for message in seen].count("QUIT") == 10_000


def test_notices_do_not_wait_without_a_limit_either() -> None:
    with running_server(max_connections=1000) as server:
        survivor, observer = server.irc("survivor", "#a"), server.irc("observer", "#a")
        victims = ghosts(server, "#a", 3_000)
        survivor.sync(), observer.sync()
        narrow(server, survivor)
        let_die(server, victims, f"Quit: {'good night ' * 25}")  # a line of 350 bytes for each
        reason = ""
        while not reason.startswith("Slow reader: "):
            reason = observer.expect("QUIT").params[0]
        assert reason.endswith(" bytes of notices unread, the limit is 512,000")


@pytest.mark.parametrize("way", ["fin", "rst", "kill"])
def test_the_measurement_accounts_for_every_message_and_every_death(way: str) -> None:
    command = [sys.executable, "-m", "bench.mass_death", "--ways", way]
    command += ["--victims", "50", "--survivors", "5", "--seconds", "0.3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith(way)
