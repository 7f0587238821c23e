"""What one pass has for each connection: one send, in order, and the same bytes object for a whole room."""

from typing import Any

import pytest

from chat.server.net.pacing import Pacer
from chat.server.net.send_queue import SendQueue
from chat.server.net.writes import JOINED_BYTES, Writes


class FakeConnection:
    def __init__(self, framed: bool = True, limit: int = 1000) -> None:
        self.queue = SendQueue(framed)
        self.lag_limit = limit
        self.notices: Any = None
        self.merged = 0
        self.sent_at = 0.0


@pytest.fixture
def writes() -> Writes:
    return Writes(Pacer(10.0, 20.0))


def taken(writes: Writes) -> tuple[dict[Any, Any], list[Any]]:
    plan, unflushed = writes.take()
    return plan, list(unflushed)


def waiting(connection: FakeConnection) -> bytes:
    return b"".join(bytes(data) for data, _ in connection.queue._pieces)


def test_a_whole_room_gets_one_bytes_object(writes: Writes) -> None:
    room = [FakeConnection() for _ in range(3)]
    data = b"good morning\r\n"
    writes.push_all(room, data)
    plan, _ = taken(writes)
    assert list(plan) == room
    assert all(piece[0] is data and piece[1:] == (len(data), 0) for piece in plan.values())
    assert taken(writes) == ({}, [])


def test_what_comes_twice_is_one_send_in_order(writes: Writes) -> None:
    ana, bob = FakeConnection(), FakeConnection()
    writes.push(ana, b"one ", 4)
    writes.push_all([ana, bob], b"two ")
    writes.push(bob, b"asked ", 3)
    writes.push_all([bob, ana], b"three")
    assert taken(writes)[0] == {ana: (b"one two three", 13, 4), bob: (b"two asked three", 15, 3)}


def test_pieces_are_joined_up_to_a_size_and_wait_in_the_queue_beyond_it(writes: Writes) -> None:
    ana, bob = FakeConnection(limit=1 << 20), FakeConnection(limit=1 << 20)
    for connection, size in ((ana, JOINED_BYTES - 1), (bob, JOINED_BYTES)):
        writes.push(connection, b"a" * size, 1)
        writes.push(connection, b"b", 1)
    assert taken(writes) == ({ana: (b"a" * (JOINED_BYTES - 1) + b"b", JOINED_BYTES, 2)}, [bob])
    assert waiting(bob) == b"a" * JOINED_BYTES + b"b"
    assert bob.queue.answers == 2


def test_on_an_unframed_wire_each_piece_stays_a_send_of_its_own_and_leaves_when_its_pacer_says(writes: Writes) -> None:
    ana = FakeConnection(framed=False)
    writes.push_separately(ana, (b"one", b"two"), False)
    writes.push_separately(ana, (b"three",), False)
    assert taken(writes) == ({}, [])
    assert [data for data, _ in ana.queue._pieces] == [b"one", b"two", b"three"]
    assert list(writes.queued) == [ana]


def test_for_a_connection_that_uses_its_queue_nothing_is_planned_until_it_uses_the_plan(writes: Writes) -> None:
    ana, bob = FakeConnection(), FakeConnection()
    writes.push(ana, b"one ", 1)
    writes.use_queue(ana)
    writes.push_all([ana, bob], b"two")
    assert taken(writes) == ({bob: (b"two", 3, 0)}, [ana])
    assert (waiting(ana), ana.queue.answers) == (b"one two", 1)
    writes.push(ana, b" three")
    assert taken(writes) == ({}, [])  # its socket is full: the poller says when it is to be offered more
    writes.flush_later(ana)
    assert taken(writes) == ({}, [ana])
    ana.queue.flush(len, 0.0)
    writes.use_plan(ana)
    writes.push(ana, b"four")
    assert taken(writes) == ({ana: (b"four", 4, 0)}, [])


def test_a_reader_over_its_limit_is_named_though_its_socket_is_never_ready(writes: Writes) -> None:
    ana = FakeConnection(limit=10)
    writes.use_queue(ana)
    writes.push(ana, b"1234567890")
    writes.push(ana, b"an answer", 9)
    assert taken(writes) == ({}, [])
    writes.push_all([ana], b"1")
    assert taken(writes) == ({}, [ana])


def test_who_is_closed_is_forgotten(writes: Writes) -> None:
    ana, bob, eve = FakeConnection(), FakeConnection(), FakeConnection()
    writes.push(ana, b"one")
    writes.use_queue(bob)
    writes.push(eve, b"one")
    writes.use_queue(eve)
    for connection in (ana, bob, eve):
        writes.forget(connection)
    assert taken(writes) == ({}, [])
    assert list(writes.queued) == []
    writes.push(bob, b"two")
    assert taken(writes) == ({bob: (b"two", 3, 0)}, [])
