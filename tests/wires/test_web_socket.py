"""IRC in WebSocket messages, without a socket. Any bytes either parse or raise WireError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from chat.errors import WireError
from chat.wires.irc import IrcDialect
from chat.wires.message import Message
from chat.wires.web_socket import HTTP, MESSAGE_BYTES, REQUEST_BYTES, WebDialect, WebSocketWire
from chat.wires.wire import BLANK, Command, Reject

MASK = b"abcd"
REQUEST = (
    b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def opened(*protocols: str, origin: str = "", allowed: frozenset[str] = frozenset()) -> tuple[WebSocketWire, Response]:
    """A wire that has answered a client's request."""
    client = ClientProtocol(
        parse_uri("ws://localhost:8067/"),
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol(name) for name in protocols] or None,
    )
    client.send_request(client.connect())
    wire = WebSocketWire(allowed)
    try:
        wire.receive(b"".join(client.data_to_send()))
    except WireError:
        assert wire.has_ended
    client.receive_data(wire.data_to_send())
    (response,) = client.events_received()
    assert isinstance(response, Response)
    return wire, response


def text(data: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def commands(wire: WebSocketWire) -> list[Command]:
    return list(iter(wire.next, None))


def closing(wire: WebSocketWire) -> int:
    """The code with which it has closed, after all that was said before."""
    with pytest.raises(WireError):
        commands(wire)
    assert wire.has_ended
    frame = wire.data_to_send()
    assert frame[:1] == b"\x88"
    return int.from_bytes(frame[2:4])


@pytest.mark.parametrize("pieces", [1, 7, 10_000])
def test_a_message_is_a_line_whole_and_in_pieces(pieces: int) -> None:
    wire, response = opened("text.ircv3.net")
    assert response.headers["Sec-WebSocket-Protocol"] == "text.ircv3.net"
    assert "Sec-WebSocket-Extensions" not in response.headers
    data = text("PRIVMSG #a :hällo".encode()) + text(b"PING x", Opcode.BINARY) + text(b"PING y\r\n")
    seen: list[Command] = []
    for start in range(0, len(data), pieces):
        wire.receive(data[start : start + pieces])
        seen += commands(wire)
    assert seen == [Message("PRIVMSG", ["#a", "hällo"]), Message("PING", ["x"]), Message("PING", ["y"])]


def test_frames_behind_the_request_wait_for_next() -> None:
    wire = WebSocketWire()
    wire.receive(REQUEST + text(b"PING x"))
    assert wire.data_to_send().startswith(b"HTTP/1.1 101 ")
    assert wire.waiting
    assert commands(wire) == [Message("PING", ["x"])]


@pytest.mark.parametrize(
    ("offered", "chosen", "first"),
    [
        (("binary.ircv3.net", "text.ircv3.net"), "binary.ircv3.net", 0x82),
        (("other", "text.ircv3.net"), "text.ircv3.net", 0x81),
        ((), None, 0x81),
    ],
)
def test_the_client_chooses_text_or_binary(offered: tuple[str, ...], chosen: str | None, first: int) -> None:
    wire, response = opened(*offered)
    assert response.headers.get("Sec-WebSocket-Protocol") == chosen
    assert isinstance(wire.dialect, WebDialect)
    assert wire.dialect.wrap(b"PING x\r\nPING yy\r\n") == (
        bytes([first, 6]) + b"PING x" + bytes([first, 7]) + b"PING yy"
    )


@pytest.mark.parametrize("size", [1, 125, 126, 127, 4_608, 65_535])
def test_a_servers_frame_is_as_the_library_makes_it(size: int) -> None:
    wire, _ = opened("text.ircv3.net")
    assert wire.dialect.wrap is not None
    line = b"x" * size
    assert wire.dialect.wrap(line + b"\r\n\r\n") == Frame(Opcode.TEXT, line).serialize(mask=False)


def test_dialects_are_shared_and_keep_their_kind() -> None:
    (one, _), (other, _) = opened("text.ircv3.net"), opened()
    assert isinstance(one.dialect, WebDialect)
    assert one.dialect is other.dialect
    tagged = one.dialect.with_capabilities({"server-time"})
    assert tagged is one.dialect.with_capabilities({"server-time", "batch"})
    assert tagged is not IrcDialect.of({"server-time"})
    assert one.dialect.farewell("bye")[-1] == b"\x88\x02\x03\xe8"


def test_fragments_are_joined_and_cost_a_blank_line_each() -> None:
    wire, _ = opened()
    wire.receive(text(b"PI", fin=False) + text(b"NG ", Opcode.CONT, fin=False) + text(b"x", Opcode.CONT))
    assert commands(wire) == [BLANK, BLANK, Message("PING", ["x"])]


def test_a_ping_is_answered_and_costs_a_blank_line() -> None:
    wire, _ = opened()
    wire.receive(text(b"here?", Opcode.PING))
    assert commands(wire) == [BLANK]
    assert wire.data_to_send() == b"\x8a\x05here?"


def test_a_line_that_is_too_long_is_refused_and_a_message_that_is_longer_closes() -> None:
    wire, _ = opened()
    wire.receive(text(b"x" * 600))
    (refused,) = commands(wire)
    assert isinstance(refused, Reject)
    wire.receive(text(b"x" * (MESSAGE_BYTES + 1)))
    assert closing(wire) == 1009
    wire, _ = opened()
    wire.receive(text(b"x" * MESSAGE_BYTES, fin=False) + text(b"x", Opcode.CONT))
    assert closing(wire) == 1009


@pytest.mark.parametrize(
    "bad",
    [Frame(Opcode.TEXT, b"x").serialize(mask=False), b"\xf1\x80" + MASK, b"\x83\x80" + MASK, text(b"x", Opcode.CONT)],
    ids=["unmasked", "reserved bits", "reserved opcode", "continues nothing"],
)
def test_broken_frames_close_with_a_protocol_error(bad: bytes) -> None:
    wire, _ = opened()
    wire.receive(text(b"PING x") + bad)
    assert wire.next() == Message("PING", ["x"])
    assert closing(wire) == 1002
    wire.receive(b"more")
    assert wire.waiting == 0


def test_a_close_is_answered_after_what_was_said_before() -> None:
    wire, _ = opened()
    wire.receive(text(b"QUIT :bye") + text((1001).to_bytes(2), Opcode.CLOSE))
    assert wire.next() == Message("QUIT", ["bye"])
    assert closing(wire) == 1001


@pytest.mark.parametrize(
    ("origin", "allowed", "status"),
    [
        ("", "", 101),
        ("http://localhost", "", 101),
        ("https://localhost:8443", "", 101),
        ("https://elsewhere.example", "", 403),
        ("null", "", 403),
        ("http://[", "", 403),
        ("https://elsewhere.example", "https://elsewhere.example", 101),
        ("http://localhost", "https://elsewhere.example", 403),
        ("https://elsewhere.example", "*", 101),
    ],
)
def test_pages_of_other_origins_are_refused_unless_they_are_named(origin: str, allowed: str, status: int) -> None:
    _, response = opened(origin=origin, allowed=frozenset(filter(None, allowed.split(","))))
    assert response.status_code == status


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"426"),
        (b"POST / HTTP/1.1\r\n", b"400"),
        (b"NICK ana\r\n", b"400"),
        (b"\x16\x03\x01", b"400"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (REQUEST_BYTES // 6), b"431"),
        (REQUEST.replace(b"AAAAAAAAAAAAAAAAAAAAAA==", b"short"), b"400"),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), b"400"),
    ],
)
def test_other_requests_get_a_short_answer(request_: bytes, status: bytes) -> None:
    wire = WebSocketWire()
    with pytest.raises(WireError):
        wire.receive(request_)
    answer = wire.data_to_send()
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert len(answer) < 600
    assert wire.has_ended


def test_before_the_request_is_answered_a_farewell_is_one_of_http() -> None:
    assert WebSocketWire().dialect is HTTP
    (answer,) = HTTP.farewell("server is full")
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 15\r\n")
    assert answer.endswith(b"\r\n\r\nserver is full\n")


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_any_frames_either_parse_or_end_the_connection(pieces: list[bytes]) -> None:
    wire, _ = opened()
    for piece in pieces:
        try:
            wire.receive(piece)
            commands(wire)
        except WireError:
            assert wire.waiting == 0 or not wire.has_ended
            break


@given(st.lists(st.binary(max_size=300), max_size=4))
def test_any_request_either_waits_or_is_refused(pieces: list[bytes]) -> None:
    wire = WebSocketWire()
    for piece in pieces:
        try:
            wire.receive(piece)
        except WireError:
            assert wire.has_ended
            assert wire.data_to_send().startswith(b"HTTP/1.1 4")
            break
        assert commands(wire) == []
