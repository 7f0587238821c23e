"""Sends to unframed clients: apart while few are due, at once where many are, and never too many notices."""

from collections.abc import Iterator

import pytest

from bench.still import StillServer, StillSocket, still_server
from chat.server.net.pacing import FEW, GAP
from chat.settings import Settings
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire

SETTINGS = Settings(helpers=0, rate_limit=0.0, notice_rate=2.0, notice_burst=3)


@pytest.fixture
def server() -> Iterator[StillServer]:
    with still_server(SETTINGS) as running:
        yield running


def guest(server: StillServer) -> StillSocket:
    """One who listens."""
    sock = server.adopt(RelayWire())
    server.advance(1.0)
    sock.heard.clear()
    return sock


def say(server: StillServer, sock: StillSocket, *texts: str) -> None:
    server.say(sock, *(f"PRIVMSG #lobby :{text}" for text in texts))


def test_two_sends_to_one_client_are_apart_in_time_and_a_single_one_is_not_late(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    relay = guest(server)
    server.advance(1.0)
    relay.heard.clear()
    say(server, ana, "one", "two", "three")
    assert relay.heard == [b"ana: one"]
    server.advance(GAP / 2)
    assert len(relay.heard) == 1
    server.advance(GAP / 2)
    assert relay.heard[1:] == [b"ana: two"]
    assert server.loop.connections.next_deadline() == pytest.approx(server.now + GAP)
    server.advance(GAP)
    assert relay.heard[2:] == [b"ana: three"]
    server.advance(GAP)
    say(server, ana, "four")
    assert relay.heard[3:] == [b"ana: four"]


def test_a_send_that_comes_just_after_another_waits_for_the_gap(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    relay = guest(server)
    server.advance(1.0)
    relay.heard.clear()
    say(server, ana, "one")
    server.advance(GAP / 3)
    say(server, ana, "two")
    assert relay.heard == [b"ana: one"]
    server.advance(GAP)
    assert relay.heard == [b"ana: one", b"ana: two"]


def test_where_more_are_due_than_can_be_kept_apart_the_oldest_leave_at_once_and_none_is_lost(
    server: StillServer,
) -> None:
    ana = server.connect("ana", "#lobby")
    relay = guest(server)
    server.advance(1.0)
    relay.heard.clear()
    texts = [str(number) for number in range(FEW + 20)]
    say(server, ana, *texts)
    assert len(relay.heard) == 20
    for _ in range(FEW):
        server.advance(GAP)
    assert [data.decode() for data in relay.heard] == [f"ana: {text}" for text in texts]


def test_a_client_that_takes_nothing_for_a_while_gets_all_of_it_in_order(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    relay = guest(server)
    server.advance(1.0)
    relay.heard.clear()
    relay.room = 0
    for number in range(5):
        say(server, ana, str(number))
        server.advance(GAP)
    assert relay.heard == []
    relay.room = None
    server.settle()
    for _ in range(6):
        server.advance(GAP)
    assert [data.decode() for data in relay.heard] == [f"ana: {number}" for number in range(5)]


def test_notices_beyond_their_rate_are_merged_into_one_that_says_how_many_they_were(server: StillServer) -> None:
    relay = guest(server)
    for number in range(10):
        server.connect(f"user{number}", "#lobby")
    for _ in range(20):
        server.advance(GAP)
    assert [data.decode() for data in relay.heard] == [f"* user{number} joined" for number in range(3)]
    server.advance(0.6)
    assert [data.decode() for data in relay.heard[3:]] == ["* and 7 more came or went"]
    server.advance(10.0)
    assert len(relay.heard) == 4
    server.connect("late", "#lobby")
    assert relay.heard[4:] == [b"* late joined"]


def test_words_are_never_merged_and_do_not_wait_for_notices(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    relay = guest(server)
    for number in range(10):
        server.connect(f"user{number}", "#lobby")
    say(server, ana, "hello")
    for _ in range(20):
        server.advance(GAP)
    assert relay.heard[-1] == b"ana: hello"
    assert sum(data.endswith(b"joined") for data in relay.heard) == 3


def test_a_client_that_closes_is_waited_for_no_longer(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    tilde = server.adopt(TildeWire())
    tilde.said = b"ti"
    server.settle()
    say(server, ana, "one", "two", "three")
    tilde.error = ConnectionResetError(104, "gone")
    server.settle()
    assert tilde.closed
    assert server.loop.connections.next_deadline() > server.now + 1.0


def test_a_farewell_comes_behind_what_waited(server: StillServer) -> None:
    ana = server.connect("ana", "#lobby")
    tilde = server.adopt(TildeWire())
    tilde.said = b"ti"
    server.settle()
    tilde.heard.clear()
    say(server, ana, "one", "two")
    server.say(ana, "KICK #lobby ti :out")
    for _ in range(10):
        server.advance(GAP)
    assert b"".join(tilde.heard).endswith(b"ana~oneana~twoSERVER~kicked by ana: out") or [
        data for data in tilde.heard if b"left" not in data and b"joined" not in data
    ] == [b"ana~one", b"ana~two", b"SERVER~kicked by ana: out"]


def test_nothing_comes_behind_a_farewell_not_even_how_many_notices_were_held_back(server: StillServer) -> None:
    relay = guest(server)
    for number in range(10):
        server.connect(f"user{number}", "#lobby")
    for _ in range(20):
        server.advance(GAP)
    server.loop.stop("Server is shutting down", 0.0, 5.0)
    server.settle(at_least=1)
    for _ in range(5):
        server.advance(0.5)
    assert [data.decode() for data in relay.heard[3:]] == ["* Server is shutting down"]
