"""No wire reads HTTP or TLS as chat: the connection ends at the first bytes that tell, and no command comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import WireError
from chat.wires.irc import IrcWire
from chat.wires.joined import JoinedWire
from chat.wires.message import Message
from chat.wires.nick import NickWire
from chat.wires.relay import RelayWire
from chat.wires.tilde import TildeWire
from chat.wires.wire import BLANK, Command, Enter, Wire
from tests.wires.reading import each, read

UNFRAMED: list[type[Wire]] = [RelayWire, JoinedWire, TildeWire, NickWire]
WIRES: list[type[Wire]] = [IrcWire, *UNFRAMED]

BODY = b"NICK evil\r\nUSER e 0 * :e\r\nPRIVMSG #lobby :I was sent by a web page\r\n"
REQUESTS = [
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:6667\r\n\r\n" + BODY,
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
    b"HEAD /a?b=c HTTP/1.0\r\n\r\n",
    b"PUT /x HTTP/1.1\r\n\r\n" + BODY,
    b"DELETE /x HTTP/1.1\r\n\r\n",
    b"PATCH /x HTTP/1.1\r\n\r\n" + BODY,
    b"OPTIONS * HTTP/1.1\r\n\r\n",
    b"OPTIONS /x HTTP/1.1\r\n\r\n",
    b"TRACE / HTTP/1.1\r\n\r\n",
    b"CONNECT chat.example:6667 HTTP/1.1\r\n\r\n" + BODY,
    b"CONNECT [::1]:6667 HTTP/1.1\r\n\r\n",
    b"GET http://chat.example/ HTTP/1.1\r\n\r\n",  # as to a proxy
    b"GET https://chat.example/ HTTP/1.1\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"PROPFIND /x HTTP/1.1\r\n\r\n" + BODY,
    b"M-SEARCH * HTTP/1.1\r\n\r\n",
    b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n" + BODY,
    b"\r\n GET / HTTP/1.1\n" + BODY,
]
TLS = [
    bytes.fromhex("1603010200010001fc0303") + b"\nNICK evil\nUSER e 0 * :e\n",
    bytes.fromhex("160303"),
    bytes.fromhex("1603"),
]


def name(data: bytes) -> str:
    return ascii(data[:30])


def refuses(wire: Wire, first: bytes, rest: bytes, reason: str) -> None:
    commands: list[Command] = []
    with pytest.raises(WireError, match=reason):
        commands.extend(each(wire, first, rest))
    assert set(commands) <= {BLANK}
    assert read(wire, BODY, b"\n") == []
    assert wire.waiting == 0


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("data", REQUESTS, ids=name)
def test_a_web_request_ends_its_connection_and_nothing_of_it_is_run(wire: type[Wire], data: bytes) -> None:
    refuses(wire(), data, b"", reason="not a web server")


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("data", TLS, ids=name)
def test_a_tls_record_ends_its_connection_and_nothing_of_it_is_run(wire: type[Wire], data: bytes) -> None:
    refuses(wire(), data, b"", reason="does not speak TLS")
    refuses(wire(), data[:1], data[1:], reason="does not speak TLS")


@pytest.mark.parametrize("data", [data.lstrip() for data in REQUESTS], ids=name)
def test_irc_refuses_a_request_however_it_is_cut(data: bytes) -> None:
    for cut in range(min(len(data), 30)):
        refuses(IrcWire(), data[:cut], data[cut:], reason="not a web server")
    with pytest.raises(WireError, match="not a web server"):
        read(IrcWire(), *(bytes([byte]) for byte in data))


METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH", b"PRI"]


@pytest.mark.parametrize("method", METHODS)
def test_on_irc_the_name_of_a_method_is_enough(method: bytes) -> None:
    for data in (method + b" ", method + b"\n", method + b"\r\n", b"\n\r\n " + method.lower() + b" x 6667\n"):
        refuses(IrcWire(), data, b"", reason="not a web server")


@pytest.mark.parametrize("wire", UNFRAMED)
def test_a_request_whose_path_does_not_end_in_the_first_read_is_refused(wire: type[Wire]) -> None:
    for method in METHODS:
        refuses(wire(), method + b" /" + b"x" * 500, b"", reason="not a web server")
    refuses(wire(), b"GET http://chat.example/", b"", reason="not a web server")


@pytest.mark.parametrize("wire", UNFRAMED)
def test_a_request_after_blank_reads_is_refused(wire: type[Wire]) -> None:
    refuses(wire(), b"\r\n", b" GET / HTTP/1.1\r\n\r\n", reason="not a web server")


@pytest.mark.parametrize(
    "data",
    [
        b"GET",
        b"LOOK /etc/motd",
        b"GET lost",
        b"get / HTTP/1.1",
        b"I like HTTP/2",
        b"POST it",
        b"ana: GET / HTTP/1.1",
        b"\x02bold",
        b"\x16",
    ],
)
def test_words_that_only_remind_of_a_request_are_words(data: bytes) -> None:
    wire = RelayWire()
    assert isinstance(read(wire, data, b"\x16hello")[0], Enter)


def test_a_line_that_begins_like_a_method_is_a_line() -> None:
    assert read(IrcWire(), b"GETX a\n", b"GET a\n") == [Message("GETX", ["a"]), Message("GET", ["a"])]
    assert read(IrcWire(), b"NICK a\n", b"\x16\x03 b\n") == [Message("NICK", ["a"]), Message("\x16\x03", ["b"])]


@pytest.mark.parametrize("wire", WIRES)
def test_only_the_first_words_of_a_connection_are_looked_at(wire: type[Wire]) -> None:
    assert read(wire(), b"ana\n", b"GET / HTTP/1.1\r\n", b"\x16\x03\n")


@pytest.mark.parametrize("wire", WIRES)
@given(parts=st.lists(st.binary(max_size=20) | st.sampled_from([b"\x16", b"\x03", b"GET ", b"/", b" HTTP/1.1\r\n"])))
def test_any_bytes_either_parse_or_raise_wire_error_and_then_nothing_more_comes(
    wire: type[Wire], parts: list[bytes]
) -> None:
    """Invariant: any bytes either parse or raise WireError, after which no bytes give a command."""
    reader = wire()
    try:
        read(reader, *parts)
    except WireError:
        assert read(reader, *parts, BODY) == []
        assert reader.waiting == 0
