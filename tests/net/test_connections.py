"""Where a connection stands, and what brings it from one phase to the next."""

import errno
import logging
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.commands.table import COMMANDS
from chat.server.net.connection import LOOKS, Phase, describe
from chat.server.net.connections import CLOSING_WAIT
from chat.server.net.poller import READ, WRITE
from chat.settings import Settings
from chat.wires.irc import IrcWire
from chat.wires.tilde import TildeWire

SETTINGS = Settings(helpers=0, rate_limit=0.0)
A_LOOK = SETTINGS.lag_age / LOOKS + 0.5  # s in which there is another look at how much memory all take
RESET = OSError(errno.ECONNRESET, "Connection reset by peer")


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server(SETTINGS) as running:
        yield running
        assert running.failures == []


def phase(server: StillServer, sock: StillSocket) -> Phase:
    return server.connection(sock).phase


def watched(server: StillServer, sock: StillSocket) -> int | None:
    """What the poller waits for; None when it does not know the socket."""
    return server.poller.watched[sock][0] if sock in server.poller.watched else None


def fill_room(server: StillServer, members: int = 50) -> None:
    for number in range(members):
        server.connect(f"member{number}-with-a-long-name", "#big")


# Open and paused


def test_who_does_not_take_their_answers_is_not_read_until_they_do(server: StillServer) -> None:
    fill_room(server)
    ana = server.connect("ana")
    ana.room = 100
    server.say(ana, "WHO #big")
    assert phase(server, ana) is Phase.PAUSED
    assert watched(server, ana) == WRITE
    server.say(ana, "PRIVMSG #big :still here", "PING x")
    assert ana.said != b""
    ana.room = None
    server.settle()
    assert phase(server, ana) is Phase.OPEN
    assert watched(server, ana) == READ
    assert ana.said == b""
    lines = ana.lines()
    assert sum(" 352 " in line for line in lines) == 50
    assert lines[-1] == ":fanfare.local PONG fanfare.local x"


def test_who_does_not_take_what_others_say_may_go_on_speaking(server: StillServer) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    bob.heard.clear()
    ana.room = 0
    server.say(bob, "PRIVMSG #a :hello")
    assert phase(server, ana) is Phase.OPEN
    assert watched(server, ana) == READ | WRITE
    server.say(ana, "PRIVMSG #a :hello yourself")
    assert bob.lines() == [":ana!~ana@127.0.0.1 PRIVMSG #a :hello yourself"]
    ana.room = None
    server.settle()
    assert watched(server, ana) == READ
    assert ana.lines()[-1] == ":bob!~bob@127.0.0.1 PRIVMSG #a :hello"


def test_one_who_is_over_their_rate_is_read_but_not_run_until_it_allows(server: StillServer) -> None:
    with still_server(Settings(helpers=0, rate_limit=1.0, rate_burst=5)) as limited:
        ana = limited.connect("ana")
        ana.heard.clear()
        limited.say(ana, *[f"PING {number}" for number in range(6)])
        before = len(ana.lines())
        assert before < 6
        assert ana.said == b""
        limited.advance(0.9)
        limited.advance(0.6)
        assert len(ana.lines()) == 1
        limited.advance(10.0)
        limited.advance(10.0)
        assert before + 1 + len(ana.lines()) == 6


# Closing


def test_who_quits_is_told_and_closed_once_the_peer_has_had_time_to_read_it(server: StillServer) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    ana.heard.clear()
    bob.heard.clear()
    server.say(ana, "QUIT :bye", "PRIVMSG #a :not heard")
    assert phase(server, ana) is Phase.LINGERING
    assert ana.lines() == ["ERROR :Closing link: Quit: bye"]
    assert bob.lines() == [":ana!~ana@127.0.0.1 QUIT :Quit: bye"]
    server.say(bob, "PRIVMSG #a :gone?")
    assert ana.lines() == []
    server.advance(CLOSING_WAIT - 0.5)
    assert not ana.closed
    server.advance(1.0)
    assert ana.closed
    assert len(server.loop.connections) == 1


def test_a_peer_that_closes_after_the_farewell_is_closed_at_once(server: StillServer) -> None:
    ana = server.connect("ana")
    server.say(ana, "QUIT")
    ana.ended = True
    server.settle()
    assert ana.closed


def test_what_somebody_says_behind_their_farewell_is_read_and_does_nothing(server: StillServer) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    server.say(ana, "QUIT")
    bob.heard.clear()
    server.say(ana, "PRIVMSG #a :x", "NICK eve", "USER x 0 * :x")
    assert ana.said == b""
    assert bob.lines() == []
    assert list(server.node.state.users) == ["bob"]


def test_a_farewell_waits_behind_what_was_not_taken_and_for_so_long_as_the_deadline(server: StillServer) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    ana.heard.clear()
    ana.room = 0
    server.say(bob, "PRIVMSG #a :hello")
    server.say(ana, "QUIT")
    assert phase(server, ana) is Phase.CLOSING
    server.advance(SETTINGS.stop_deadline - 1.0)
    assert phase(server, ana) is Phase.CLOSING
    ana.room = None
    server.settle()
    assert phase(server, ana) is Phase.LINGERING
    assert ana.lines() == [":bob!~bob@127.0.0.1 PRIVMSG #a :hello", "ERROR :Closing link: Quit: "]


def test_who_never_takes_the_farewell_is_closed_at_the_deadline(server: StillServer) -> None:
    ana = server.connect("ana")
    ana.room = 0
    server.say(ana, "QUIT")
    server.advance(SETTINGS.stop_deadline - 0.5)
    assert not ana.closed
    server.advance(1.0)
    assert ana.closed


def test_a_long_answer_ends_with_its_asker(server: StillServer) -> None:
    fill_room(server, 300)
    ana = server.connect("ana")
    ana.room = 20_000
    server.say(ana, "WHO #big")
    server.loop.connections.drop(server.connection(ana), "enough")
    ana.room = None
    server.settle(at_least=1)
    lines = ana.lines()
    assert lines[-1] == "ERROR :Closing link: enough"
    assert sum(" 352 " in line for line in lines) < 300


# Dead and closed


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RESET, "Connection reset by peer"),
        (OSError(errno.ETIMEDOUT, "x"), "Connection timed out"),
        (OSError(errno.EPIPE, "x"), "Remote host closed the connection"),
        (OSError(errno.EHOSTUNREACH, "x"), "No route to host"),
        (OSError(), "Connection lost"),
    ],
)
def test_whoever_is_ended_by_an_error_is_gone_with_its_reason(server: StillServer, error: OSError, reason: str) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    ana.heard.clear()
    bob.heard.clear()
    ana.error = error
    server.settle()
    assert ana.closed
    assert ana.heard == []
    assert bob.lines() == [f":ana!~ana@127.0.0.1 QUIT :{reason}"]
    assert describe(error) == reason


def test_the_dead_are_sent_nothing_and_watched_no_longer(server: StillServer) -> None:
    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    connection = server.connection(ana)
    ana.heard.clear()
    server.loop.connections.mark_dead(connection, "lost")
    assert connection.phase is Phase.DEAD
    assert watched(server, ana) is None
    bob.said = b"PRIVMSG #a :hello\r\n"
    server.settle()
    assert ana.heard == []
    assert ana.closed


def test_what_is_closed_stays_closed_and_counts_once(server: StillServer) -> None:
    ana = server.connect("ana", "#a")
    connection, connections = server.connection(ana), server.loop.connections
    connections.close(connection, "gone")
    gate = connections._gate
    assert (connection.phase, len(connections)) == (Phase.CLOSED, 0)
    total = gate.total
    for again in (connections.close, connections.drop, connections.finish, connections.mark_dead):
        again(connection, "again")
    connections.move(connection, Phase.OPEN)
    connection.resume()
    server.settle(at_least=2)
    assert connection.phase is Phase.CLOSED
    assert gate.total == total
    assert server.poller.watched.keys() == {server.loop.mailbox.wakeup}
    assert connections.next_deadline() > server.now + 10**6
    assert not server.node.state.users


@pytest.mark.parametrize("wire", [IrcWire, TildeWire])
def test_a_connection_that_is_reset_before_it_said_a_word_leaves_nothing(
    server: StillServer, wire: type[IrcWire]
) -> None:
    sock = server.adopt(wire())
    sock.error = RESET
    server.settle()
    assert sock.closed
    assert len(server.loop.connections) == 0


# Faults


def test_a_fault_in_a_command_ends_its_connection_and_no_other(
    server: StillServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: object) -> None:
        raise ZeroDivisionError

    ana, bob = server.connect("ana", "#a"), server.connect("bob", "#a")
    bob.heard.clear()
    ana.heard.clear()
    monkeypatch.setitem(COMMANDS, "WHOIS", replace(COMMANDS["WHOIS"], handler=faulty))
    with caplog.at_level(logging.ERROR):
        server.say(ana, "WHOIS bob", "PRIVMSG #a :x")
    assert ana.lines() == ["ERROR :Closing link: Internal error"]
    assert bob.lines() == [":ana!~ana@127.0.0.1 QUIT :Internal error"]
    assert "a command of ana failed" in caplog.text


# Memory


def test_above_the_ceiling_of_memory_those_that_hold_the_most_are_dropped_until_it_is_well_below() -> None:
    settings = Settings(helpers=0, rate_limit=0.0, memory_limit=10_000)
    with still_server(settings) as server:
        members = [server.connect(f"user{number}", f"#{number}") for number in range(5)]
        talker = server.connect("talker", *(f"#{number}" for number in range(5)))
        for number, sock in enumerate(members):
            sock.room = 0
            server.say(talker, *[f"PRIVMSG #{number} :{'x' * 400}"] * (1 + number))  # some 440 bytes each: 6,600
        server.advance(A_LOOK)
        assert not any(sock.closed for sock in members)
        for number in range(5):
            server.say(talker, *[f"PRIVMSG #{number} :{'x' * 400}"] * (1 + number))
        talker.heard.clear()
        server.advance(A_LOOK)
        assert [sock.closed for sock in members] == [False, False, False, True, True]  # of 13,200 bytes 7,920
        lines = talker.lines()
        assert len(lines) == 2
        assert all(line.endswith(" bytes wait for it while the server is short of memory") for line in lines)
        server.advance(A_LOOK)
        assert sum(sock.closed for sock in members) == 2


def test_unread_input_counts_towards_the_ceiling_too() -> None:
    settings = Settings(helpers=0, rate_limit=1.0, rate_burst=4, memory_limit=10_000, input_limit=6_000)
    with still_server(settings) as server:
        flooders = [server.connect(f"user{number}", host=f"host{number}") for number in range(3)]
        for sock in flooders:
            server.say(sock, *["PRIVMSG nobody :" + "x" * 400] * 12)
        assert not any(sock.closed for sock in flooders)
        server.advance(2.0)
        assert sum(sock.closed for sock in flooders) == 2  # down to four fifths of the ceiling


# Refusals of input


@pytest.mark.parametrize(("size", "closed"), [(1000, False), (1001, True)])
def test_unread_input_at_the_limit_waits_and_a_byte_more_ends_the_connection(size: int, closed: bool) -> None:
    with still_server(Settings(helpers=0, rate_limit=1.0, input_limit=1000)) as server:
        sock = server.connect("ana")
        sock.heard.clear()
        throttle = server.connection(sock).throttle
        assert throttle is not None
        throttle.spend(1000.0)
        sock.said = b"PING x\r\n" * 125 + b"y" * (size - 1000)
        server.settle()
        told = ["ERROR :Closing link: Excess flood: 1,001 bytes unread, the limit is 1,000"]
        assert sock.lines() == (told if closed else [])


@pytest.mark.parametrize(("lines", "closed"), [(32, False), (33, True)])
def test_a_stranger_may_send_a_few_lines_before_registration(lines: int, closed: bool) -> None:
    with still_server(Settings(helpers=0)) as server:
        sock = server.adopt(IrcWire())
        server.say(sock, *["PING x"] * lines)
        told = sock.lines()
        assert (told[-1] == "ERROR :Closing link: Excess flood: more than 32 lines before registration") is closed


def test_who_registers_with_the_last_line_that_is_allowed_is_in() -> None:
    with still_server(Settings(helpers=0)) as server:
        sock = server.adopt(IrcWire())
        server.say(sock, *["PING x"] * 30, "NICK ana", "USER a 0 * :A")
        assert "ana" in server.node.state.users
        server.say(sock, *["PING x"] * 40)
        assert not sock.closed


def test_closing_says_that_no_more_comes(server: StillServer, monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    monkeypatch.setattr(StillSocket, "shutdown", lambda sock, how: ends.append(how))
    server.say(server.connect("ana"), "QUIT")
    assert ends == [socket.SHUT_WR]
