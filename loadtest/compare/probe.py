"""Ask a server what it is: its version, and its process where that can be seen from here. One user, in and out."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from chat.errors import FanfareError
from chat.wires.lines import LineSplitter, Overlong
from chat.wires.message import Message, build, parse
from loadtest.compare.owner import owner
from loadtest.network.handshake import Refused, Registration

_PATIENCE_S = 20.0  # for connecting, and again for each answer: InspIRCd looks at newcomers once a second
_LINE_LIMIT = 8_191 + 512  # bytes: IRCv3 tags and a message
_MY_INFO = "004"  # server name, version, modes; every server sends it after the welcome


@dataclass(frozen=True, slots=True)
class Seen:
    version: str  # in the server's own words
    pid: int | None


def probe(url: str) -> Seen:
    """Raises OSError, or Refused."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 0), _PATIENCE_S) as sock:
        step = Registration(f"p{secrets.token_hex(4)}")
        sock.sendall(step.opening())
        for message in _messages(sock):
            if message.verb == _MY_INFO and len(message.params) > 2:
                found = Seen(message.params[2], owner(sock))
                sock.sendall(build("QUIT", "done"))
                return found
            sock.sendall(step.feed(message))
        raise Refused("the server closed the connection before it had said what it is")


def _messages(sock: socket.socket) -> Iterator[Message]:
    splitter = LineSplitter(_LINE_LIMIT)
    while data := sock.recv(65_536):
        for line in splitter.feed(data):
            if not isinstance(line, Overlong):
                with suppress(FanfareError):
                    yield parse(line.decode(errors="replace"))
