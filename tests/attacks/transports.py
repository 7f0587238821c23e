"""What carries an attacker's IRC: TCP, TLS or WebSocket. The tests say and hear lines by any of them.

A client's own work, encryption and frames, is no work of the server: see `Unprofiled`.
"""

import socket
import ssl
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from websockets.frames import Opcode

from bench.still import StillServer, StillSocket
from chat.server.net.certificates import Certificates
from chat.server.net.tls_transport import TlsTransport
from chat.server.net.transport import PLAIN, Arrival
from chat.settings import Settings, parse_address
from chat.wires.irc import IrcWire
from chat.wires.web_socket import WebSocketWire
from chat.wires.wire import Wire
from tests.tls import Authority

WORDS = (int(Opcode.TEXT), int(Opcode.BINARY))
SECURE = Arrival(secure=True)
REQUEST = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Unprofiled:
    """A block whose calls nobody counts."""

    def __enter__(self) -> None:
        self._profile = sys.getprofile()
        sys.setprofile(None)

    def __exit__(self, *_: object) -> None:
        sys.setprofile(self._profile)


class Tcp:
    """The client's end: what its lines are as bytes, and the other way round."""

    wire: type[Wire] = IrcWire

    def pack(self, said: bytes, size: int) -> tuple[bytes, bytes]:
        """About so many bytes to send, and what is left to say."""
        return said[:size], said[size:]

    def unpack(self, data: bytes) -> bytes:
        return data


class Web:
    """Each line a message, in one frame; what has no end yet is a fragment."""

    wire: type[Wire] = WebSocketWire

    def __init__(self) -> None:
        self._opened = False
        self._within = False  # a message whose last frame is yet to come
        self._rest = b""
        self._answered = False

    def pack(self, said: bytes, size: int) -> tuple[bytes, bytes]:
        frames = [] if self._opened else [REQUEST]
        self._opened = True
        length, start = sum(map(len, frames)), 0
        while start < len(said) and length < size:
            feed = said.find(b"\n", start) + 1
            end = feed or min(len(said), start + size)
            frames.append(self._frame(said[start:end].removesuffix(b"\n").removesuffix(b"\r"), final=feed > 0))
            self._within = not feed
            length, start = length + len(frames[-1]), end
        return b"".join(frames), said[start:]

    def _frame(self, payload: bytes, final: bool) -> bytes:
        opcode = Opcode.CONT if self._within else Opcode.TEXT
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2)
        return bytes([0x80 * final | opcode]) + length + bytes(4) + payload  # a mask of zeros changes nothing

    def unpack(self, data: bytes) -> bytes:
        data = self._rest + data
        lines: list[bytes] = []
        if not self._answered:
            head, self._answered, rest = _parted(data, b"\r\n\r\n")
            if not self._answered:
                self._rest = head
                return b""
            data = rest
        at = 0
        while len(data) - at >= 2:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(data[start : start + 2]), at + 4
            if len(data) < start + size:
                break
            if data[at] & 15 in WORDS:
                lines += (data[start : start + size], b"\r\n")
            at = start + size
        self._rest = data[at:]
        return b"".join(lines)


def _parted(data: bytes, by: bytes) -> tuple[bytes, bool, bytes]:
    head, found, rest = data.partition(by)
    return head, bool(found), rest


class Pipe:
    """The socket under a server's TLS."""

    def __init__(self) -> None:
        self.coming = b""
        self.sent: list[bytes] = []
        self.room: int | None = None
        self.ended = False

    def recv(self, size: int) -> bytes:
        data, self.coming = self.coming[:size], self.coming[size:]
        if not data and not self.ended:
            raise BlockingIOError
        return data

    def send(self, data: bytes) -> int:
        if self.room is not None:
            data = data[: self.room]
            self.room -= len(data)
            if not data:
                raise BlockingIOError
        self.sent.append(bytes(data))
        return len(data)

    def shutdown(self, how: int) -> None:
        self.ended = self.ended or how == socket.SHUT_RD

    def close(self) -> None: ...

    def fileno(self) -> int:
        raise AssertionError("nobody needs it")


class Carried(StillSocket):
    """A still socket whose `said` and `heard` are lines, whatever carries them. `room` is of bytes on the network."""

    def __init__(self, counts: Counter[str], changed: dict[StillSocket, None], client: Tcp | Web, tls: bool) -> None:
        super().__init__(counts, changed)
        self._client = client
        self._tls = _Session() if tls else None
        self._packed = b""  # what has been said, as it goes over the network

    @property
    def readable(self) -> bool:
        return bool(self.said or self._packed)

    def recv(self, size: int) -> bytes:
        self._counts["reads"] += 1
        with Unprofiled():
            if self.said and len(self._packed) < size:
                data, self.said = self._client.pack(self.said, size)
                self._packed += data if self._tls is None else self._tls.encrypted(data)
        if not self._packed and self.error is not None:
            raise self.error
        if self._tls is not None:
            pipe = self._tls.pipe
            pipe.coming, pipe.ended = self._packed, self.ended
            try:
                return self._tls.transport.recv(size)
            finally:
                self._packed = pipe.coming
        if not self._packed and not self.ended:
            raise BlockingIOError
        data, self._packed = self._packed[:size], self._packed[size:]
        return data

    def say_apart(self, data: bytes) -> None:
        """By TLS, each byte in a record of its own."""
        assert self._tls is not None
        self._packed += b"".join(self._tls.encrypted(data[at : at + 1]) for at in range(len(data)))

    def send(self, data: bytes | memoryview) -> int:
        if self._tls is None:
            taken = super().send(data)
            with Unprofiled():
                self._hear(self.heard.pop())
            return taken
        self._counts["sends"] += 1
        if self.closed:
            raise OSError(9, "Bad file descriptor")
        if self.error is not None:
            raise self.error
        self._tls.pipe.room = self.room
        try:
            return self._tls.transport.send(data)
        finally:
            self.room = self._tls.pipe.room
            with Unprofiled():
                self._hear(self._tls.heard())

    def _hear(self, data: bytes) -> None:
        if plain := self._client.unpack(data):
            self.heard.append(plain)

    def close(self) -> None:
        if self._tls is not None and not self.closed:
            self._tls.transport.close()
        self.closed = True


class _Session:
    """Both ends of one TLS connection, after the handshake."""

    def __init__(self) -> None:
        server_context, client_context = _contexts()
        incoming, outgoing, self._coming, going = (ssl.MemoryBIO() for _ in range(4))
        server = server_context.wrap_bio(incoming, outgoing, server_side=True)
        self._client = client_context.wrap_bio(self._coming, going, server_hostname="localhost")
        for _ in range(2):
            for end, written, read in ((self._client, going, incoming), (server, outgoing, self._coming)):
                with suppress(ssl.SSLWantReadError):
                    end.do_handshake()
                read.write(written.read())
        self._going = going
        self.pipe = Pipe()
        self.transport = TlsTransport(self.pipe, server, incoming, outgoing)  # type: ignore[arg-type]

    def encrypted(self, data: bytes) -> bytes:
        self._client.write(data)
        return self._going.read()

    def heard(self) -> bytes:
        sent, self.pipe.sent = b"".join(self.pipe.sent), []
        self._coming.write(sent)
        parts = []
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while part := self._client.read(65_536):
                parts.append(part)
        return b"".join(parts)


@cache
def _contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    with TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        settings = Settings(listen=(parse_address("ircs://127.0.0.1:0"),), **authority.settings)
        return Certificates(settings).context(web=False), authority.client()


SCHEMES: dict[str, tuple[Callable[[], Tcp | Web], bool]] = {
    "irc": (Tcp, False),
    "ircs": (Tcp, True),
    "ws": (Web, False),
}
each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


class CarryingServer(StillServer):
    """One whose IRC clients come by that scheme."""

    def __init__(self, scheme: str, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._scheme = SCHEMES[scheme]

    def visit(self, host: str = "127.0.0.1") -> StillSocket:
        make_client, tls = self._scheme
        client = make_client()
        sock = Carried(self.counts, self.poller.changed, client, tls)
        self.loop.adopt(sock, host, client.wire(), SECURE if tls else PLAIN)
        return sock
