"""PROXY headers, byte by byte: any bytes are a whole header, the beginning of one, or a WireError."""

import select
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.errors import WireError
from chat.server.accounts import operator_hash
from chat.server.net import proxied
from chat.server.net.proxy import LONGEST, SIGNATURE, Header, read_header
from tests.support import PATIENCE, IrcClient, running_server
from tests.tls import Authority

LINE4 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 6667\r\n"
LINE6 = b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 6667\r\n"


def binary(command: int, family: int, addresses: bytes, more: bytes = b"", version: int = 2) -> bytes:
    head = struct.pack("!BBH", version << 4 | command, family, len(addresses) + len(more))
    return SIGNATURE + head + addresses + more


IPV4 = bytes([192, 0, 2, 7, 198, 51, 100, 1]) + struct.pack("!HH", 56324, 6667)
IPV6 = socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "::1") + bytes(4)
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.7") + socket.inet_pton(socket.AF_INET6, "::1") + bytes(4)
TLV = b"\x04\x00\x05noop!"

WHOLE = [
    (LINE4, "192.0.2.7"),
    (LINE6, "2001:db8::7"),
    (b"PROXY UNKNOWN\r\n", ""),
    (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""),
    (binary(1, 0x11, IPV4), "192.0.2.7"),
    (binary(1, 0x21, IPV6), "2001:db8::7"),
    (b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n", "192.0.2.7"),
    (binary(1, 0x21, MAPPED), "192.0.2.7"),
    (binary(1, 0x11, IPV4, TLV), "192.0.2.7"),
    (binary(0, 0x11, IPV4), ""),
    (binary(0, 0x00, b""), ""),
    (binary(1, 0x00, b"", TLV), ""),
    (binary(1, 0x31, bytes(216)), ""),
]
BROKEN = [
    b"NICK ana\r\n",
    b"\r\nNICK ana\r\n",
    b"PROXY TCP4 192.0.2.7\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 2 3\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 1 2\r\n",
    b"PROXY TCP6 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 300.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 1 70000\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 a 2\r\n",
    b"PROXY UDP4 192.0.2.7 198.51.100.1 1 2\r\n",
    b"PROXY " + b"x" * 101,
    binary(2, 0x11, IPV4),
    binary(1, 0x11, IPV4, version=1),
    binary(1, 0x11, IPV4[:-1]),
    binary(1, 0x21, IPV4),
    binary(1, 0x11, IPV4, bytes(LONGEST)),
]


@pytest.mark.parametrize(("data", "host"), WHOLE)
def test_a_header_is_read_whole_cut_anywhere_and_with_what_follows(data: bytes, host: str) -> None:
    assert read_header(data) == Header(len(data), host)
    assert read_header(data + b"\x16\x03NICK ana\r\n") == Header(len(data), host)
    assert {read_header(data[:end]) for end in range(len(data))} == {None}


@pytest.mark.parametrize("data", BROKEN)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(WireError, match="PROXY header"):
        read_header(data)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda rest: SIGNATURE + rest)))
def test_any_bytes_are_a_header_or_its_beginning_or_a_wire_error(data: bytes) -> None:
    with suppress(WireError):
        header = read_header(data)
        assert header is None or header.size <= len(data)


def whois(client: IrcClient) -> str:
    """The address that the server takes the client to come from."""
    client.send("USERHOST ana")
    return client.expect("302").params[-1].partition("@")[2]


@pytest.mark.parametrize(("data", "host"), WHOLE)
@pytest.mark.parametrize("cut", [0, 16, 30])
def test_the_address_behind_a_named_proxy_is_the_users(data: bytes, host: str, cut: int) -> None:
    """Real bytes, in two reads, and the first line in the same packet as the header's end."""
    with running_server(proxy_from=("127.0.0.1",), exempt=()) as server:
        client = server.raw()
        cut = min(cut, len(data) - 1)
        client.sock.sendall(data[:cut])
        client.sock.sendall(data[cut:] + b"PING early\r\n")
        assert client.expect("PONG").params[-1] == "early"
        client.register("ana")
        assert whois(client) == (host or "127.0.0.1")


def test_the_limits_are_those_of_the_address_behind() -> None:
    with running_server(proxy_from=("127.0.0.0/8",), max_per_address=1, exempt=()) as server:
        clients = [server.raw() for _ in range(3)]
        for client, host in zip(clients, (b"192.0.2.7", b"192.0.2.7", b"192.0.2.8"), strict=True):
            client.sock.sendall(LINE4.replace(b"192.0.2.7", host) + b"PING x\r\n")
            if client is not clients[1]:
                client.expect("PONG")
        assert clients[1].rest() == ["ERROR :Closing link: too many connections from 192.0.2.7: the limit is 1"]


@pytest.mark.parametrize("data", [b"NICK ana\r\nUSER ana 0 * :ana\r\n", *BROKEN[2:5]])
def test_a_named_proxy_without_a_header_is_refused(data: bytes) -> None:
    with running_server(proxy_from=("127.0.0.1",)) as server:
        client = server.raw()
        client.sock.sendall(data)
        (line,) = client.rest()
        assert "PROXY header" in line
        assert server.server.gate.total == 0


@pytest.mark.parametrize("data", [LINE4, WHOLE[4][0]])
@pytest.mark.parametrize("scheme", ["irc", "relay", "joined", "tilde", "nick"])
def test_from_any_other_address_a_header_is_refused(scheme: str, data: bytes) -> None:
    with running_server((scheme,), proxy_from=("192.0.2.0/24",)) as server:
        sock = server.connect(scheme)
        sock.sendall(data)
        told = b""
        while more := sock.recv(4096):
            told += more
        assert b"no proxy may say here where a connection comes from" in told
        assert len(server.server.loop.node.state.users) == 0


def test_a_header_that_does_not_come_is_waited_for_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxied, "TIMEOUT", 0.05)
    with running_server(proxy_from=("127.0.0.1",)) as server:
        client = server.raw()
        client.sock.sendall(LINE4[:20])
        assert client.rest() == ["ERROR :Closing link: no PROXY header came within 0.05 s"]


def test_only_so_many_wait_for_their_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxied, "MOST", 3)
    with running_server(proxy_from=("127.0.0.1",)) as server:
        waiting = {client.sock: client for client in (server.raw() for _ in range(4))}
        (refused, *_), _, _ = select.select(waiting, (), (), PATIENCE)
        (line,) = waiting.pop(refused).rest()
        assert line.startswith("ERROR :Closing link: 3 connections of proxies wait for")
        for client in waiting.values():
            client.sock.sendall(LINE4 + b"PING x\r\n")
            client.expect("PONG")


def test_tls_begins_behind_the_header_and_only_so_may_an_operator_come_from_afar(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    operators = (f"boss:{operator_hash.make('correct horse')}",)
    named: dict[str, Any] = {"proxy_from": ("127.0.0.1",), "operators": operators}
    with running_server(("irc", "ircs"), **authority.settings, **named) as server:
        plain = server.raw()
        plain.sock.sendall(LINE4)
        plain.register("bob")
        plain.send("OPER boss :correct horse")
        plain.expect("491")
        sock = server.connect("ircs")
        sock.sendall(LINE4)
        with authority.client().wrap_socket(sock, server_hostname="localhost") as secure:
            client = IrcClient(secure)
            client.register("ana")
            assert whois(client) == "192.0.2.7"
            client.send("OPER boss :correct horse")
            client.expect("381")
