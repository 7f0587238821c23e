"""Messages come out whole however the stream is cut, and stamps do where nothing ends a message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.core.stamps import Stamp, Stamps
from loadtest.wires.wire import LINES, Framing

RUN = "0123abcd"
SIZE = 80  # bytes of a message


class Unframed(Framing):
    end = b""


class Framed(Framing):
    end = b"\r\n\0"


def read(framing: Framing, stream: bytes, cuts: list[int]) -> tuple[list[bytes], bytes]:
    """What a connection would hand up, given where its reads end; and what still waits."""
    handed, rest = [], b""
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        rest += stream[start:end]
        whole = framing.whole(rest)
        handed += [rest[:whole]] if whole else []
        rest = rest[whole:]
    return handed, rest


def words(count: int) -> tuple[bytes, list[Stamp]]:
    sent = [Stamp(0xABC, number, 1_000_000 + number) for number in range(count)]
    return "".join(f"ann: {Stamps(RUN, 1, SIZE).text(stamp)}" for stamp in sent).encode(), sent


@given(st.data())
def test_every_stamp_in_an_unframed_stream_is_found_once_wherever_the_reads_end(data: st.DataObject) -> None:
    stream, sent = words(4)
    cuts = sorted(data.draw(st.lists(st.integers(1, len(stream) - 1), max_size=6, unique=True)))
    handed, rest = read(Unframed(), stream, cuts)
    assert b"".join(handed) + rest == stream
    found = [stamp for piece in handed for stamp in Stamps(RUN, 1, SIZE).find(piece)]
    assert found == sent


def test_a_measured_message_waits_for_its_end_and_what_is_before_it_does_not() -> None:
    message = f"ann: {Stamps(RUN, 1, SIZE).text(Stamp(1, 2, 3))}".encode()
    for cut in range(len(b"ann: {"), len(message)):
        assert Unframed().whole(b"* bob joined" + message + message[:cut]) == len(b"* bob joined" + message)
    assert Unframed().whole(message) == len(message)
    assert Unframed().messages(message + message + b"hello") == [message, message, b"hello"]


def test_the_stamp_of_a_user_outside_a_scenario_is_all_that_waits() -> None:
    stamp = Stamps(RUN, 0).head(Stamp(1, 2, 3)).encode()
    for cut in range(1, len(stamp)):
        assert Unframed().whole(stamp[:cut]) == 0
    assert Unframed().whole(stamp + b" hello") == len(stamp + b" hello")


@pytest.mark.parametrize("text", [b"hello", b"{hello", b"a {b c", b"{" + b"a" * 1_100])
def test_what_is_no_stamp_does_not_wait(text: bytes) -> None:
    assert Unframed().whole(text) == len(text)


def test_a_message_without_end_does_not_wait_for_ever() -> None:
    stream = Stamps(RUN, 1).head(Stamp(1, 2, 3)).encode() + b" " + b"f" * 2_000
    assert max(size - Unframed().whole(stream[:size]) for size in range(len(stream))) == 1_024


@given(st.lists(st.integers(0, 40), max_size=6, unique=True))
def test_whole_messages_come_out_with_any_end(cuts: list[int]) -> None:
    for framing in (LINES, Framed()):
        stream = framing.end.join([b"one", b"", b"two", b"three"])
        handed, rest = read(framing, stream, sorted(cut for cut in cuts if cut < len(stream)))
        assert [message for piece in handed for message in framing.messages(piece)] == [b"one", b"", b"two"]
        assert rest == b"three"
