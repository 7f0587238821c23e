"""The send queue's contract: never blocks, never reorders, never loses a byte, and knows the reader's lag."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.server.net.send_queue import JOINED_BYTES, SendQueue


class ShortWriteSocket:
    """Takes the given numbers of bytes, one a send, then nothing."""

    def __init__(self, *accepts: int) -> None:
        self.accepts = list(accepts)
        self.sends: list[bytes] = []

    @property
    def taken(self) -> bytes:
        return b"".join(self.sends)

    def send(self, data: bytes | memoryview) -> int:
        if not self.accepts:
            raise BlockingIOError
        taken = min(self.accepts.pop(0), len(data))
        self.sends.append(bytes(data[:taken]))
        return taken


def filled(*pieces: bytes, framed: bool = True) -> SendQueue:
    queue = SendQueue(framed)
    for piece in pieces:
        queue.push(piece, 0)
    return queue


def test_framed_pieces_go_out_as_one_send() -> None:
    sock = ShortWriteSocket(100)
    assert filled(b"one", b"two", b"three").flush(sock.send, 0.0)
    assert sock.sends == [b"onetwothree"]


def test_unframed_pieces_go_out_one_by_one() -> None:
    sock = ShortWriteSocket(100, 100, 100)
    assert filled(b"one", b"two", b"three", framed=False).flush(sock.send, 0.0)
    assert sock.sends == [b"one", b"two", b"three"]


def test_a_short_write_leaves_the_rest_in_order_and_its_age() -> None:
    queue = filled(b"one", b"two")
    sock = ShortWriteSocket(4)
    assert not queue.flush(sock.send, 7.0)
    assert (queue.size, queue.oldest) == (2, 7.0)
    queue.push(b"three", 0)
    assert not queue.flush(sock.send, 8.0)
    assert queue.oldest == 7.0  # nothing has moved
    sock.accepts = [1]
    assert not queue.flush(sock.send, 9.0)
    assert queue.oldest == 9.0  # a byte has gone, and another is the oldest since
    sock.accepts = [100]
    assert queue.flush(sock.send, 10.0)
    assert sock.taken == b"onetwothree"
    assert not queue
    assert queue.size == 0
    assert queue.oldest is None


def test_a_socket_that_takes_nothing_keeps_everything() -> None:
    queue = filled(b"one")
    assert not queue.flush(ShortWriteSocket().send, 1.0)
    assert (queue.size, queue.oldest) == (3, 1.0)


def test_what_was_asked_for_is_no_lag() -> None:
    queue = SendQueue(framed=True)
    queue.push(b"a" * 15, 15)
    queue.push(b"w" * 8 + b"a" * 5, 5)
    queue.push(b"w" * 2, 0)
    assert (queue.size, queue.answers, queue.lag) == (30, 20, 10)
    queue.flush(ShortWriteSocket(15).send, 0.0)
    assert (queue.size, queue.answers, queue.lag) == (15, 5, 10)
    queue.flush(ShortWriteSocket(9).send, 0.0)  # which of a piece's bytes have gone is not known
    assert (queue.size, queue.answers, queue.lag) == (6, 4, 2)
    assert queue.flush(ShortWriteSocket(100).send, 0.0)
    assert (queue.size, queue.answers, queue.lag) == (0, 0, 0)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 4])
def test_no_more_sends_are_made_than_are_allowed(most: int) -> None:
    queue, sock = filled(b"one", b"two", b"three", framed=False), ShortWriteSocket(*[100] * 9)
    assert queue.flush(sock.send, 1.0, most) is (most >= 3)
    assert sock.sends == [b"one", b"two", b"three"][:most]
    assert len(queue) == max(0, 3 - most)
    assert queue.oldest is None  # the socket took what it was offered


def test_an_age_ends_when_the_socket_takes_all_that_it_is_offered() -> None:
    queue = filled(b"one", b"two", framed=False)
    assert not queue.flush(ShortWriteSocket(2).send, 1.0, 1)
    assert queue.oldest == 1.0
    assert not queue.flush(ShortWriteSocket(100).send, 2.0, 1)
    assert len(queue) == 1
    oldest: float | None = queue.oldest
    assert oldest is None


@given(
    pieces=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=20),
    accepts=st.lists(st.integers(1, 30), max_size=40),
)
def test_of_what_is_left_no_more_counts_as_answers_than_there_is(
    pieces: list[tuple[int, int]], accepts: list[int]
) -> None:
    """However the socket takes it: answers are at least 0, at most what is left, and none when nothing is left."""
    queue = SendQueue(framed=True)
    for index, (size, answers) in enumerate(pieces):
        queue.push(b"x" * size, min(size, answers))
        if index < len(accepts):
            queue.flush(ShortWriteSocket(accepts[index]).send, 0.0)
        assert 0 <= queue.answers <= queue.size
    queue.flush(ShortWriteSocket(*[1000] * 100).send, 0.0)
    assert queue.answers == queue.size == 0


def test_one_send_joins_no_more_than_its_bound() -> None:
    half = b"x" * (JOINED_BYTES // 2)
    sock = ShortWriteSocket(*[10 * JOINED_BYTES] * 3)
    assert filled(half, half, half, half, half).flush(sock.send, 0.0)
    assert [len(data) for data in sock.sends] == [JOINED_BYTES, JOINED_BYTES, JOINED_BYTES // 2]


def test_a_piece_of_the_bound_goes_out_alone_and_a_longer_one_whole() -> None:
    sock = ShortWriteSocket(*[10 * JOINED_BYTES] * 3)
    assert filled(b"x" * JOINED_BYTES, b"y" * (JOINED_BYTES + 1), b"z").flush(sock.send, 0.0)
    assert [len(data) for data in sock.sends] == [JOINED_BYTES, JOINED_BYTES + 1, 1]


def test_a_socket_error_reaches_the_caller() -> None:
    def broken(data: bytes | memoryview) -> int:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        filled(b"one").flush(broken, 0.0)


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=20), max_size=20),
    accepts=st.lists(st.integers(1, 30), max_size=40),
    framed=st.booleans(),
)
def test_whatever_the_socket_takes_the_bytes_keep_their_order(
    pieces: list[bytes], accepts: list[int], framed: bool
) -> None:
    """What was sent, then what is left, is what was pushed; the size counts what is left."""
    queue = SendQueue(framed)
    sock = ShortWriteSocket()
    clock = 0.0
    for index, piece in enumerate(pieces):
        queue.push(memoryview(piece) if index % 2 else piece, 0)
        if index < len(accepts):
            sock.accepts = [accepts[index]]
            queue.flush(sock.send, clock)
            clock += 1.0
    assert queue.size == sum(map(len, pieces)) - len(sock.taken)
    sock.accepts = [1000] * 100  # more than all of it
    assert queue.flush(sock.send, clock)
    assert sock.taken == b"".join(pieces)
