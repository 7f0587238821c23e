"""IRC in WebSocket messages: a line is a message without its line end. Knows no sockets.

The protocol is the package websockets' sans-IO one, so this module is imported only where a listener needs it. Server
frames carry no mask: all members of a room with the same dialect get the same bytes.
Sources: RFC 6455, https://ircv3.net/specs/extensions/websocket
"""

import logging
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from chat.errors import WireError
from chat.events import Event
from chat.wires.irc import SHAPING, IrcDialect, IrcWire
from chat.wires.wire import Command

REQUEST_BYTES = 8_192  # of the opening request; browsers send 600, and cookies take some more
MESSAGE_BYTES = 8_192  # of one message, in all its frames; a line with its tags is 4,608
PIECE_BYTES = 64  # parsed at once: nine of the smallest frames, so that they cost tokens before the next are parsed
TEXT, BINARY = Subprotocol("text.ircv3.net"), Subprotocol("binary.ircv3.net")
# Of an answer before the connection is a WebSocket, by how its reason begins. All others are the server's own trouble.
STATUSES = {
    "Banned": HTTPStatus.FORBIDDEN,
    "Registration timed out": HTTPStatus.REQUEST_TIMEOUT,
    "a connection of this proxy": HTTPStatus.BAD_REQUEST,
    "no PROXY header": HTTPStatus.REQUEST_TIMEOUT,
    "the PROXY header": HTTPStatus.BAD_REQUEST,
    "this port speaks TLS": HTTPStatus.BAD_REQUEST,
    "too many connections from": HTTPStatus.TOO_MANY_REQUESTS,
    "too many new connections from": HTTPStatus.TOO_MANY_REQUESTS,
}
MESSAGES = frozenset({Opcode.TEXT, Opcode.BINARY, Opcode.CONT})
NORMAL = (1000).to_bytes(2)  # close code: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1

_silent = logging.Logger("websockets", logging.CRITICAL)  # the server counts its connections itself


class WebDialect(IrcDialect):
    """An IRC dialect whose lines become messages: `wrap`."""

    __slots__ = ("_final", "_opcode")

    def __init__(self, have: frozenset[str], opcode: Opcode) -> None:
        super().__init__(have)
        self._opcode = opcode
        self._final = 0x80 | opcode  # the first byte of a message in one frame

    def with_capabilities(self, capabilities: Iterable[str]) -> "WebDialect":
        return _dialect(frozenset(SHAPING).intersection(capabilities), self._opcode)

    def wrap(self, data: bytes | memoryview) -> bytes:
        """Lines as messages, each in one frame: RFC 6455, 5.2. The library takes five times as long for it."""
        final, frames = self._final, []
        for line in bytes(data).split(b"\r\n"):
            size = len(line)
            if size > 125:
                frames.append(b"%c\x7e%c%c%b" % (final, size >> 8, size & 255, line))
            elif size:
                frames.append(b"%c%c%b" % (final, size, line))
        return b"".join(frames)

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        (line,) = super().farewell(reason)
        return (self.wrap(line), Frame(Opcode.CLOSE, NORMAL).serialize(mask=False))


@cache
def _dialect(have: frozenset[str], opcode: Opcode) -> WebDialect:
    return WebDialect(have, opcode)


class HttpDialect:
    """Before the connection is a WebSocket there is nothing to show but that it will not become one."""

    framed = True
    numerics = False
    echoes = False
    sees_own_join = False
    wrap = None

    def encode(self, event: Event) -> tuple[bytes, ...]:
        return ()

    def welcome(self, nick: str) -> tuple[bytes, ...]:
        return ()

    def farewell(self, reason: str) -> tuple[bytes, ...]:
        statuses = (status for beginning, status in STATUSES.items() if reason.startswith(beginning))
        status = next(statuses, HTTPStatus.SERVICE_UNAVAILABLE)
        body = f"{reason}\n".encode()
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
        return (f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n".encode() + body,)

    def summary(self, count: int) -> tuple[bytes, ...]:
        return ()


HTTP = HttpDialect()


class WebSocketWire:
    """One connection's reader: a request, then frames. Bytes wait until `next` asks for a command.

    Each frame costs what a line costs: one that ends no message counts as a blank line.
    """

    __slots__ = ("_irc", "_origins", "_own", "_parts", "_protocol", "_raw", "dialect", "has_ended")

    greeting: tuple[bytes, ...] = ()
    registers_at_once = True
    listens = False
    answers_ping = True
    has_commands = True

    def __init__(self, origins: frozenset[str] = frozenset()) -> None:
        """`origins` are those of pages that may connect, or `*`; with none, pages of the host that they connect to."""
        self._origins = origins
        self._protocol = ServerProtocol(select_subprotocol=_select, max_size=MESSAGE_BYTES, logger=_silent)
        self._irc = IrcWire()
        self._raw = b""
        self._parts: list[bytes] = []  # of a message whose last frame has not come
        self._own = b""
        self.dialect: HttpDialect | WebDialect = HTTP
        self.has_ended = False

    @property
    def waiting(self) -> int:
        return len(self._raw) + self._irc.waiting

    @property
    def wants_to_send(self) -> bool:
        return bool(self._own)

    def data_to_send(self) -> bytes:
        own, self._own = self._own, b""
        return own

    def receive(self, data: bytes) -> None:
        if self.has_ended:
            return
        self._raw += data
        if self.dialect is HTTP:
            self._open()

    def next(self) -> Command | None:
        while (command := self._irc.next()) is None:
            if self.has_ended:
                raise WireError("WebSocket closed")
            if not self._raw or self.dialect is HTTP:
                return None
            piece, self._raw = self._raw[:PIECE_BYTES], self._raw[PIECE_BYTES:]
            self._parse(piece)
        return command

    def end(self) -> None:
        """A message without its last frame is dropped."""

    # The request

    def _open(self) -> None:
        """Answer the request once it is whole. Raises WireError when it does not become a WebSocket."""
        head, end, rest = self._raw.partition(b"\r\n\r\n")
        if len(head) > REQUEST_BYTES:
            self._refuse(self._protocol.reject(431, f"the request is longer than {REQUEST_BYTES:,} bytes\n"))
        if not b"GET ".startswith(head[:4]):
            self._refuse(self._protocol.reject(400, "this port takes WebSockets\n"))
        if not end:
            return
        self._raw = rest
        self._protocol.receive_data(head + end)
        events = self._protocol.events_received()
        if not events or not isinstance(events[0], Request):
            self._take_own()
            if not self._own:
                self._refuse(self._protocol.reject(400, "this is no HTTP request\n"))
            self._end("no HTTP request")
        response = self._answer(events[0])  # type: ignore[arg-type]
        if response.status_code != 101:
            self._refuse(response)
        self._protocol.send_response(response)
        opcode = Opcode.BINARY if self._protocol.subprotocol == BINARY else Opcode.TEXT
        self.dialect = _dialect(frozenset(), opcode)
        self._take_own()

    def _answer(self, request: Request) -> Response:
        origins, hosts = request.headers.get_all("Origin"), request.headers.get_all("Host")
        if len(origins) == 1 and not self._allows(origins[0], hosts[0] if hosts else ""):
            return self._protocol.reject(403, f"pages of {origins[0][:200]} may not connect: see --web-origins\n")
        return self._protocol.accept(request)

    def _allows(self, origin: str, host: str) -> bool:
        if self._origins:
            return origin in self._origins or "*" in self._origins
        try:
            name = urlsplit(origin).hostname
            return name is not None and name == urlsplit(f"//{host}").hostname
        except ValueError:  # no URL
            return False

    def _refuse(self, response: Response) -> None:
        self._own += response.serialize()
        self._end(f"HTTP {response.status_code}")

    def _end(self, reason: str) -> None:
        self.has_ended = True
        self._raw = b""
        raise WireError(reason)

    # Frames

    def _parse(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        lines = b""
        for event in self._protocol.events_received():
            if event.opcode in MESSAGES:  # type: ignore[union-attr]  # no request follows the first
                lines += self._line(event)  # type: ignore[arg-type]
            lines += b"\r\n"
        self._irc.receive(lines)
        if self._protocol.writes:
            self._take_own()
        if self._protocol.close_sent is not None or self._protocol.parser_exc is not None:
            self.has_ended = True
            self._raw = b""

    def _line(self, frame: Frame) -> bytes:
        """The message that the frame ends, without a line end; b"" when it ends none."""
        if self._parts or not frame.fin:
            self._parts.append(bytes(frame.data))
            if not frame.fin:
                return b""
            line, self._parts = b"".join(self._parts), []
        else:
            line = bytes(frame.data)
        return line.rstrip(b"\r\n") if line.endswith((b"\r", b"\n")) else line

    def _take_own(self) -> None:
        """The protocol's own bytes: the answer to the request, pongs, the close frame."""
        self._own += b"".join(self._protocol.data_to_send())


def _select(protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The first of the client's that is IRC; none when it names no other either, as old clients do."""
    return next((name for name in offered if name in (TEXT, BINARY)), None)
