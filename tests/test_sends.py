"""What one pass has for each connection: one send, in order, and the same bytes object for a whole room."""

from types import SimpleNamespace
from typing import Any

import pytest

from chat.server.outbox import Outbox
from chat.server.sends import JOINED_BYTES, Sends


class FakeConnection:
    def __init__(self, sends: Sends, framed: bool = True, limit: int = 1000) -> None:
        self.dialect = SimpleNamespace(framed=framed)
        self.outbox = Outbox(limit, limit, framed)
        self._sends: Any = sends

    def push(self, data: bytes, notices: int = 0) -> None:
        self._sends.push(self, data, notices)


@pytest.fixture
def sends() -> Any:
    return Sends()


def planned(sends: Any) -> dict[FakeConnection, tuple[bytes, int, int]]:
    return dict(sends.take()[0])


def waiting(connection: FakeConnection) -> bytes:
    return b"".join(map(bytes, connection.outbox._pieces))


def test_a_whole_room_gets_one_bytes_object(sends: Any) -> None:
    room = [FakeConnection(sends) for _ in range(3)]
    data = b"good morning\r\n"
    sends.push_all(room, data, 5)
    plan = planned(sends)
    assert list(plan) == room
    assert all(piece[0] is data and piece[1:] == (len(data), 5) for piece in plan.values())
    assert planned(sends) == {}


def test_what_comes_twice_is_one_send_in_order(sends: Any) -> None:
    ana, bob = FakeConnection(sends), FakeConnection(sends)
    sends.push(ana, b"one ")
    sends.push_all([ana, bob], b"two ", 4)
    sends.push_all([bob, ana], b"three", 2)
    assert planned(sends) == {ana: (b"one two three", 13, 6), bob: (b"two three", 9, 6)}


def test_pieces_are_joined_up_to_a_size_and_wait_in_the_outbox_beyond_it(sends: Any) -> None:
    ana, bob = FakeConnection(sends, limit=1 << 20), FakeConnection(sends, limit=1 << 20)
    for connection, size in ((ana, JOINED_BYTES - 1), (bob, JOINED_BYTES)):
        sends.push(connection, b"a" * size, 1)
        sends.push(connection, b"b", 1)
    plan, unflushed = sends.take()
    assert plan == {ana: (b"a" * (JOINED_BYTES - 1) + b"b", JOINED_BYTES, 2)}
    assert unflushed == [bob]
    assert waiting(bob) == b"a" * JOINED_BYTES + b"b"
    assert bob.outbox.notices == 2


def test_on_an_unframed_wire_each_piece_stays_a_send_of_its_own(sends: Any) -> None:
    ana = FakeConnection(sends, framed=False)
    sends.push(ana, b"one")
    sends.push_all([ana], b"two")
    sends.push_all([ana], b"three")
    assert sends.take() == ({}, [ana])
    assert ana.outbox._pieces == [b"one", b"two", b"three"]


def test_who_is_apart_is_not_planned_for_until_reunited(sends: Any) -> None:
    ana, bob = FakeConnection(sends), FakeConnection(sends)
    sends.push(ana, b"one ", 1)
    sends.set_apart(ana)
    sends.push_all([ana, bob], b"two")
    assert sends.take() == ({bob: (b"two", 3, 0)}, [ana])
    assert (waiting(ana), ana.outbox.notices) == (b"one two", 1)
    sends.push(ana, b" three")
    assert sends.take() == ({}, [])  # its socket is full: the poller says when it is to be offered more
    ana.outbox.flush(len, 0.0)
    sends.reunite(ana)
    sends.push(ana, b"four")
    assert sends.take() == ({ana: (b"four", 4, 0)}, [])


def test_a_reader_over_its_limit_is_named_though_its_socket_is_never_ready(sends: Any) -> None:
    ana = FakeConnection(sends, limit=10)
    sends.set_apart(ana)
    sends.push(ana, b"1234567890")
    sends.push(ana, b"1")
    assert sends.take() == ({}, [])
    sends.push_all([ana], b"2")
    assert sends.take() == ({}, [ana])


def test_who_is_closed_is_forgotten(sends: Any) -> None:
    ana, bob = FakeConnection(sends), FakeConnection(sends)
    sends.push(ana, b"one")
    sends.set_apart(bob)
    sends.forget(ana)
    sends.forget(bob)
    assert planned(sends) == {}
    sends.push(bob, b"two")
    assert planned(sends) == {bob: (b"two", 3, 0)}
