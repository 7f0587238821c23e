"""One talk with a server for all who talk to one: steps one after the other, however the bytes come."""

import pytest

from loadtest.net.session import Session
from loadtest.wires.irc import IrcWire
from loadtest.wires.tutorials import JoinedWire, NickWire
from loadtest.wires.wire import Refused

WELCOME = b":s 001 ana :hi\r\n"
NAMES = b":s 353 ana = #r :ana\r\n:s 366 ana #r :end\r\n"


def entering() -> tuple[Session, bytes]:
    wire = IrcWire("ana")
    session = Session(wire)
    return session, session.begin(wire.register(), wire.enter("#r"))


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_the_way_into_a_room_is_the_same_however_the_bytes_are_cut(size: int) -> None:
    session, said = entering()
    talk = b":s CAP * LS :sasl\r\nPING :x\r\n" + WELCOME + NAMES
    for at in range(0, len(talk), size):
        said += session.receive(talk[at : at + size])
    assert said.split(b"\r\n") == [
        *(b"CAP LS 302", b"NICK ana", b"USER ana 0 * :load test", b"CAP END", b"PONG x", b"JOIN #r", b""),
    ]
    assert session.steps_left == 0


def test_a_step_begins_when_the_one_before_it_is_over() -> None:
    session, _ = entering()
    assert (session.steps_left, session.take(WELCOME), session.steps_left) == (2, b"JOIN #r\r\n", 1)


def test_once_in_only_what_is_urgent_is_answered() -> None:
    session, _ = entering()
    session.take(WELCOME)
    session.take(NAMES)
    assert session.take(b":bob!u@h PRIVMSG #r :hello\r\nPING :y\r\n") == b"PONG y\r\n"
    session.take(b"ERROR :flooding\r\n")
    assert session.wire.last_words == "flooding"


def test_a_refusal_is_the_servers_own_words() -> None:
    session, _ = entering()
    with pytest.raises(Refused, match="433 ana in use"):
        session.take(b":s 433 * ana :in use\r\n")


def test_a_wire_without_an_answer_is_in_at_once() -> None:
    wire = JoinedWire("ana")
    session = Session(wire)
    assert (session.begin(wire.register(), wire.enter("#r")), session.steps_left) == (b"joined:ana", 0)


def test_a_wire_that_asks_is_answered() -> None:
    wire = NickWire("ana")
    session = Session(wire)
    assert (session.begin(wire.register(), wire.enter("#r")), session.steps_left) == (b"", 1)
    assert (session.receive(b"NICK"), session.steps_left) == (b"ana", 1)
    session.receive(b"welcome")
    assert session.steps_left == 0
