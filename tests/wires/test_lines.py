import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.wires.lines import LineSplitter, Overlong

LIMIT = 10  # so that a line of 9 bytes and its line feed just fit

STREAMS: list[tuple[bytes, list[bytes | Overlong]]] = [
    (b"", []),
    (b"\n", [b""]),
    (b"\r\n", [b""]),
    (b"a\n", [b"a"]),
    (b"a\r\n", [b"a"]),
    (b"a\nb\r\nc\n", [b"a", b"b", b"c"]),
    (b"a\r\n\r\nb\n", [b"a", b"", b"b"]),
    (b"a\r\r\n", [b"a\r"]),  # only one carriage return belongs to the line end
    (b"a\rb\n", [b"a\rb"]),
    (b"\xff\x00\n", [b"\xff\x00"]),
    (b"a\nrest", [b"a"]),
    (b"a\nrest\r", [b"a"]),
    (b"123456789\n", [b"123456789"]),
    (b"12345678\r\n", [b"12345678"]),
]
TOO_LONG: list[tuple[bytes, list[bytes | None]]] = [  # None stands for an Overlong, whose size depends on the cuts
    (b"1234567890\n", [None]),
    (b"123456789\r\n", [None]),
    (b"1234567890", [None]),
    (b"a\n1234567890\nb\n", [b"a", None, b"b"]),
    (b"1234567890123456789012345\nb\n", [None, b"b"]),
    (b"1234567890\n1234567890\n", [None, None]),
    (b"1234567890\n\n", [None, b""]),
    (b"1234567890\n123456789\n", [None, b"123456789"]),
]


def without_sizes(lines: list[bytes | Overlong]) -> list[bytes | None]:
    return [None if isinstance(line, Overlong) else line for line in lines]


def feed(splitter: LineSplitter, *parts: bytes) -> list[bytes | Overlong]:
    return [line for part in parts for line in splitter.feed(part)]


@pytest.mark.parametrize(("stream", "lines"), STREAMS)
def test_a_stream_gives_its_lines_whole_byte_by_byte_and_cut_anywhere(
    stream: bytes, lines: list[bytes | Overlong]
) -> None:
    assert feed(LineSplitter(LIMIT), stream) == lines
    assert feed(LineSplitter(LIMIT), *(bytes([byte]) for byte in stream)) == lines
    for cut in range(len(stream) + 1):
        assert feed(LineSplitter(LIMIT), stream[:cut], stream[cut:]) == lines


@pytest.mark.parametrize(("stream", "lines"), TOO_LONG)
def test_a_line_past_the_limit_is_reported_once_and_the_others_survive(
    stream: bytes, lines: list[bytes | None]
) -> None:
    assert without_sizes(feed(LineSplitter(LIMIT), stream)) == lines
    assert without_sizes(feed(LineSplitter(LIMIT), *(bytes([byte]) for byte in stream))) == lines
    for cut in range(len(stream) + 1):
        assert without_sizes(feed(LineSplitter(LIMIT), stream[:cut], stream[cut:])) == lines


def test_the_rest_waits_for_its_line_feed() -> None:
    splitter = LineSplitter(LIMIT)
    assert splitter.feed(b"a\nhel") == [b"a"]
    assert splitter.feed(b"lo\r") == []
    assert splitter.feed(b"\nb\n") == [b"hello", b"b"]


def test_an_overlong_line_says_how_many_bytes_were_seen_of_it() -> None:
    assert feed(LineSplitter(LIMIT), b"x" * 12 + b"\n") == [Overlong(13)]
    assert feed(LineSplitter(LIMIT), b"x" * 4, b"x" * 8, b"x" * 5) == [Overlong(12)]


def test_an_endless_line_is_reported_once_and_counted_while_nothing_of_it_is_kept() -> None:
    splitter = LineSplitter(LIMIT)
    assert splitter.feed(b"x" * 9) == []
    assert splitter.skipped == 0
    assert splitter.feed(b"x") == [Overlong(10)]
    assert splitter.skipped == 10
    for _ in range(100):
        assert splitter.feed(b"x" * 1_000) == []
    assert splitter.skipped == 100_010
    assert splitter.feed(b"x\nnext\n") == [b"next"]
    assert splitter.skipped == 0


def test_a_new_overlong_line_may_begin_in_the_part_that_ends_one() -> None:
    splitter = LineSplitter(LIMIT)
    assert splitter.feed(b"x" * 20) == [Overlong(20)]
    assert splitter.feed(b"x\n" + b"y" * 30) == [Overlong(30)]
    assert splitter.skipped == 30
    assert splitter.feed(b"y\nz\n") == [b"z"]


@given(st.lists(st.binary(max_size=LIMIT - 1).map(lambda line: line.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_that_fit_come_back_as_they_were_however_the_stream_is_cut(
    lines: list[bytes], data: st.DataObject
) -> None:
    """Invariant: joining lines with line feeds and splitting them again changes nothing but a `\\r` at the end."""
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    parts = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert feed(LineSplitter(LIMIT), *parts) == [line.removesuffix(b"\r") for line in lines]


@given(st.lists(st.text(alphabet="ab\r\n", max_size=25).map(str.encode), max_size=12))
def test_any_parts_give_what_they_give_in_one_piece(parts: list[bytes]) -> None:
    """Invariant: how the bytes are cut changes no line, and no line that is given back has more than LIMIT bytes."""
    splitter = LineSplitter(LIMIT)
    lines = feed(splitter, *parts)
    assert without_sizes(lines) == without_sizes(feed(LineSplitter(LIMIT), b"".join(parts)))
    for line in lines:
        if isinstance(line, Overlong):
            assert line.size >= LIMIT
        else:
            assert len(line) < LIMIT
