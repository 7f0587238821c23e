"""The outbox's contract: never blocks, never reorders, raises when the reader leaves too much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import SlowReader
from chat.server.outbox import JOINED_BYTES, Outbox


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


def filled(*pieces: bytes, limit: int = 1000, framed: bool = True) -> Outbox:
    outbox = Outbox(limit, 1000, framed)
    for piece in pieces:
        outbox.push(piece)
    return outbox


def test_framed_pieces_go_out_as_one_send() -> None:
    sock = ShortWriteSocket(100)
    assert filled(b"one", b"two", b"three").flush(sock.send, 0.0)
    assert sock.sends == [b"onetwothree"]


def test_unframed_pieces_go_out_one_by_one() -> None:
    sock = ShortWriteSocket(100, 100, 100)
    assert filled(b"one", b"two", b"three", framed=False).flush(sock.send, 0.0)
    assert sock.sends == [b"one", b"two", b"three"]


def test_a_short_write_leaves_the_rest_in_order_and_its_age() -> None:
    outbox = filled(b"one", b"two")
    sock = ShortWriteSocket(4)
    assert not outbox.flush(sock.send, 7.0)
    assert (outbox.size, outbox.oldest) == (2, 7.0)
    outbox.push(b"three")
    assert not outbox.flush(sock.send, 8.0)
    assert outbox.oldest == 7.0  # nothing has moved
    sock.accepts = [1]
    assert not outbox.flush(sock.send, 9.0)
    assert outbox.oldest == 9.0  # a byte has gone, and another is the oldest since
    sock.accepts = [100]
    assert outbox.flush(sock.send, 10.0)
    assert sock.taken == b"onetwothree"
    assert not outbox
    assert outbox.size == 0
    assert outbox.oldest is None


def test_a_socket_that_takes_nothing_keeps_everything() -> None:
    outbox = filled(b"one")
    assert not outbox.flush(ShortWriteSocket().send, 1.0)
    assert (outbox.size, outbox.oldest) == (3, 1.0)


def test_a_reader_may_leave_as_much_as_the_limit_and_not_a_byte_more() -> None:
    assert not filled(b"x" * 10, limit=10).flush(ShortWriteSocket().send, 0.0)
    with pytest.raises(SlowReader, match="11 bytes unread, the limit is 10"):
        filled(b"x" * 11, limit=10).flush(ShortWriteSocket().send, 0.0)


def test_more_than_the_limit_is_no_fault_while_the_socket_takes_it() -> None:
    sock = ShortWriteSocket(100)
    assert filled(b"x" * 50, limit=10).flush(sock.send, 0.0)


def test_notices_count_against_a_limit_of_their_own_and_words_against_theirs() -> None:
    outbox = Outbox(limit=10, notice_limit=20, framed=True)
    outbox.push(b"n" * 15, 15)
    outbox.push(b"w" * 8 + b"n" * 5, 5)
    outbox.push(b"w" * 2)
    assert not outbox.flush(ShortWriteSocket().send, 0.0)  # 10 bytes of words, 20 of notices
    outbox.push(b"n", 1)
    with pytest.raises(SlowReader, match="21 bytes of notices unread, the limit is 20"):
        outbox.flush(ShortWriteSocket().send, 0.0)
    assert not outbox.flush(ShortWriteSocket(1).send, 0.0)
    outbox.push(b"w")
    with pytest.raises(SlowReader, match="11 bytes unread, the limit is 10"):
        outbox.flush(ShortWriteSocket().send, 0.0)


@given(
    pieces=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20)), max_size=20),
    accepts=st.lists(st.integers(1, 30), max_size=40),
)
def test_of_what_is_left_no_more_counts_as_notices_than_there_is(
    pieces: list[tuple[int, int]], accepts: list[int]
) -> None:
    """However the socket takes it: notices are at least 0, at most what is left, and none when nothing is left."""
    outbox = Outbox(10_000, 10_000, True)
    for index, (size, notices) in enumerate(pieces):
        outbox.push(b"x" * size, min(size, notices))
        if index < len(accepts):
            outbox.flush(ShortWriteSocket(accepts[index]).send, 0.0)
        assert 0 <= outbox.notices <= outbox.size
    outbox.flush(ShortWriteSocket(*[1000] * 100).send, 0.0)
    assert outbox.notices == outbox.size == 0


def test_one_send_joins_no_more_than_its_bound() -> None:
    half = b"x" * (JOINED_BYTES // 2)
    sock = ShortWriteSocket(*[10 * JOINED_BYTES] * 3)
    assert filled(half, half, half, half, half, limit=10 * JOINED_BYTES).flush(sock.send, 0.0)
    assert [len(data) for data in sock.sends] == [JOINED_BYTES, JOINED_BYTES, JOINED_BYTES // 2]


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
    outbox = Outbox(10_000, 1000, framed)
    sock = ShortWriteSocket()
    clock = 0.0
    for index, piece in enumerate(pieces):
        outbox.push(memoryview(piece) if index % 2 else piece)
        if index < len(accepts):
            sock.accepts = [accepts[index]]
            outbox.flush(sock.send, clock)
            clock += 1.0
    assert outbox.size == sum(map(len, pieces)) - len(sock.taken)
    sock.accepts = [1000] * 100  # more than all of it
    assert outbox.flush(sock.send, clock)
    assert sock.taken == b"".join(pieces)
