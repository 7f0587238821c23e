"""IRC in WebSocket messages, as a `Layer`: a message is a line without its end. Knows no hub and no wire.

Request, answer and frames are those of the package websockets, its sans-IO side. A server's frames carry no mask: all
members of a room get the same bytes, which are taken apart once for all of them.
Sources: RFC 6455, https://ircv3.net/specs/extensions/websocket
"""

import logging
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig, ProtocolError
from websockets.frames import Close, Frame, Opcode
from websockets.streams import StreamReader
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from loadtest.core.reasons import printable
from loadtest.net.tls import CLOSED, READ_BYTES, Tls

_TEXT, _BINARY = Subprotocol("text.ircv3.net"), Subprotocol("binary.ircv3.net")
_HEAD_END = b"\r\n\r\n"
_HEAD_BYTES = 16_384  # of an answer to the request; servers and proxies send some hundred
_MESSAGE_BYTES = 65_536  # as for a line of any other connection
_KEPT = 64  # blobs: more than a server's threads have under way to a room at a time
_SHOWN = 200  # characters of a refusal
_MESSAGES = frozenset((Opcode.TEXT, Opcode.BINARY, Opcode.CONT))

_silent = logging.Logger("websockets", logging.CRITICAL)  # what goes wrong is counted by its reason


class Taken(NamedTuple):
    """What some bytes hold from their beginning on."""

    lines: bytes  # of all messages that have ended, each with a line end
    size: int  # bytes that these were
    controls: tuple[Frame, ...]  # between them: pings, a close


@lru_cache(maxsize=_KEPT)
def take(data: bytes) -> Taken:
    """Take whole messages off the bytes. Raises ConnectionResetError when they are no WebSocket's."""
    reader = StreamReader()
    reader.feed_data(data)
    lines: list[bytes] = []
    parts: list[bytes] = []  # of a message whose last frame has not come: all of it is taken once that is there
    controls: list[Frame] = []
    ended, controls_ended = 0, 0
    while (frame := _frame(reader)) is not None:
        if frame.opcode not in _MESSAGES:
            controls.append(frame)
        else:
            parts.append(bytes(frame.data))
            if frame.fin:
                lines.append(b"".join(parts).rstrip(b"\r\n"))
                parts = []
        if not parts:
            ended, controls_ended = len(data) - len(reader.buffer), len(controls)
    return Taken(b"".join([line + b"\r\n" for line in lines if line]), ended, tuple(controls[:controls_ended]))


def _frame(reader: StreamReader) -> Frame | None:
    """The next whole one, if there is one."""
    try:
        next(Frame.parse(reader.read_exact, mask=False, max_size=_MESSAGE_BYTES))
    except StopIteration as done:
        frame: Frame = done.value
        return frame
    except (ProtocolError, PayloadTooBig) as error:
        raise ConnectionResetError(f"no WebSocket frame: {printable(str(error))}") from None
    return None


class WebSocket:
    """See `Layer`. It lies on `tls`, where there is one."""

    def __init__(self, url: str, usual_port: int, tls: Tls | None) -> None:
        parts = urlsplit(url)
        path = parts.path or "/"
        uri = WebSocketURI(tls is not None, parts.hostname or "", parts.port or usual_port, path, parts.query)
        self.last_words = CLOSED
        self._tls = tls
        self._protocol = ClientProtocol(uri, subprotocols=[_TEXT, _BINARY], logger=_silent)
        self._opcode = Opcode.TEXT
        self._rest = b""
        self._own = b""

    def open(self, sock: Any) -> bytes:
        data = self._tls.open(sock) if self._tls else b""
        self._protocol.send_request(self._protocol.connect())
        sock.sendall(self._beneath(b"".join(self._protocol.data_to_send())))
        while _HEAD_END not in data:
            data += self._read(sock, data)
        head, end, rest = data.partition(_HEAD_END)
        self._protocol.receive_data(head + end)
        if not self._protocol.events_received():  # a refusal, whose words follow
            self._refuse(sock, rest)
        if self._protocol.handshake_exc:
            raise _refusal(self._protocol.handshake_exc)
        if self._protocol.subprotocol == _BINARY:
            self._opcode = Opcode.BINARY
        lines = self._lines(rest)
        if own := self.take_own():
            sock.sendall(own)
        return lines

    def received(self, data: bytes) -> bytes:
        if self._tls:
            data = self._tls.received(data)
        return self._lines(data) if data else b""

    def sealed(self, data: bytes) -> bytes:
        lines = data.split(b"\r\n")
        return self._beneath(b"".join([Frame(self._opcode, line).serialize(mask=True) for line in lines if line]))

    def take_own(self) -> bytes:
        own, self._own = self._own, b""
        beneath = self._tls.take_own() if self._tls else b""
        return beneath + (self._beneath(own) if own else b"")

    def _lines(self, data: bytes) -> bytes:
        """Raises ConnectionResetError."""
        data = self._rest + data
        taken = take(data)
        self._rest = data[taken.size :]
        if len(self._rest) > 2 * _MESSAGE_BYTES:
            raise ConnectionResetError(f"{len(self._rest):,} bytes without a message's end")
        for frame in taken.controls:
            self._heed(frame)
        return taken.lines

    def _heed(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self._own += Frame(Opcode.PONG, frame.data).serialize(mask=True)
        elif frame.opcode is Opcode.CLOSE:
            try:
                close = Close.parse(frame.data)
            except (ProtocolError, UnicodeDecodeError):
                close = Close(1002, "")  # what it says is no WebSocket's
            self.last_words = f"{CLOSED}: WebSocket {printable(str(close))}"
            self._own += Frame(Opcode.CLOSE, frame.data[:2]).serialize(mask=True)

    def _beneath(self, data: bytes) -> bytes:
        return self._tls.sealed(data) if self._tls else data

    def _read(self, sock: Any, before: bytes) -> bytes:
        """More of the answer to the request. Raises OSError."""
        if len(before) > _HEAD_BYTES:
            raise ConnectionRefusedError("no WebSocket: the server's answer is no HTTP response")
        data: bytes = sock.recv(READ_BYTES)
        if not data:
            said = printable(before.decode(errors="replace").strip()[:_SHOWN])
            raise ConnectionResetError(f"no WebSocket: {CLOSED}" + (said and f", which said: {said}"))
        return self._tls.received(data) if self._tls else data

    def _refuse(self, sock: Any, body: bytes) -> None:
        """Read on until all of it is there."""
        protocol = self._protocol
        protocol.receive_data(body)
        while protocol.handshake_exc is None:
            if data := sock.recv(READ_BYTES):
                protocol.receive_data(self._tls.received(data) if self._tls else data)
            else:
                protocol.receive_eof()


def _refusal(error: Exception) -> OSError:
    """One line, with what the server says."""
    if not isinstance(error, InvalidStatus):
        return ConnectionRefusedError(f"no WebSocket: {printable(str(error))}")
    response = error.response
    words = bytes(response.body or b"").decode(errors="replace").strip()[:_SHOWN]
    status = f"HTTP {response.status_code} {response.reason_phrase}"
    return ConnectionRefusedError("no WebSocket: " + printable(status + (words and f": {words}")))
