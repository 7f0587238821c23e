"""One TCP connection to a server: whole messages in, bytes out. Where one ends, a `Framing` knows; mostly a line end.

Reading happens in gevent's hub, not in a greenlet for each connection (see readers.py), and nothing there may wait:
`gevent.sleep`, a queue's `put` with a limit and the like are out of bounds in `on_lines` and `on_lost`.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import gevent
import gevent.socket

from chat.errors import SetupError
from loadtest.accounting.moment import Moment
from loadtest.network.arrivals import Receive, ask_for_stamps
from loadtest.network.framing import LINES, Framing
from loadtest.network.readers import readers_here
from loadtest.network.sources import Address, Sources
from loadtest.network.tls import Tls

_LIMIT = 65_536  # bytes without a message's end before the peer is taken for something else than a chat server
_WRITE = 2  # libev's event bit

_PROBE_S = 3.0  # for an address of several to take a connection, before the next is tried
_ANYWHERE = Sources()


_reached: dict[tuple[Address, ...], Address] = {}  # of names with several addresses, the one that answered


def resolve(url: str, scheme: str = "irc", usual_port: int = 6667) -> Address:
    """The address of `irc://HOST:PORT`: of several, in the system's order, the first that takes a connection.

    Raises SetupError when it is no such thing, or is unknown.
    """
    addresses = addresses_of(url, scheme, usual_port)
    return addresses[0] if len(addresses) == 1 else _reached.get(addresses) or _reach(addresses)


@lru_cache(maxsize=64)  # in a greenlet it is a thread's work, with ten threads for all users: 1,000 at once queued up
def addresses_of(url: str, scheme: str = "irc", usual_port: int = 6667) -> tuple[Address, ...]:
    """All addresses, found once. Raises SetupError."""
    try:
        parts = urlsplit(url if "//" in url else f"{scheme}://{url}")
        host, port = parts.hostname, parts.port or usual_port
    except ValueError as error:
        raise SetupError(f"--host must be {scheme}://HOST:PORT, got {url!r}: {error}") from None
    if parts.scheme != scheme or not host or not port:
        raise SetupError(f"--host must be {scheme}://HOST:PORT, got {url!r}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SetupError(f"--host {url}: {error.strerror}") from None
    return tuple(dict.fromkeys((family, address) for family, _, _, _, address in found))


def host_of(url: str) -> str:
    """The name that a server's certificate must have."""
    return urlsplit(url).hostname or ""


def _reach(addresses: tuple[Address, ...]) -> Address:
    """The first where somebody listens; where nobody does, the first, so that connecting there says why."""
    for family, place in addresses:
        with suppress(OSError), gevent.socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE_S)
            probe.connect(place)
            _reached[addresses] = (family, place)
            return family, place
    return addresses[0]


class Connection:
    """A connected socket. All methods belong to the hub's thread; none but `open` waits."""

    __slots__ = (
        *("_end", "_framing", "_readers", "_rest", "_socket", "_tls", "_unsent", "_writing"),
        *("fd", "is_open", "on_lines", "on_lost", "receive"),
    )

    def __init__(self, sock: Any, framing: Framing = LINES, tls: Tls | None = None, rest: bytes = b"") -> None:
        """`rest` is what was read already."""
        self._tls = tls
        self.on_lines: Callable[[bytes, Moment], None] = lambda data, at: None
        self.on_lost: Callable[[str], None] = lambda reason: None
        self._socket = sock
        self.fd: int = sock.fileno()
        self.is_open = True
        # gevent's own `recvmsg` would wait, which the hub must not; the one below it does not.
        self.receive: Receive = getattr(sock, "_sock", sock).recvmsg
        ask_for_stamps(sock)
        self._framing = framing
        # A read that ends with it needs no cut.
        self._end = framing.end[0] if len(framing.end) == 1 and tls is None else -1
        self._rest = rest
        self._unsent = bytearray()
        self._readers = readers_here()
        self._writing: Any = None

    @classmethod
    def open(
        cls,
        address: Address,
        timeout: float,
        framing: Framing = LINES,
        sources: Sources = _ANYWHERE,
        tls: Tls | None = None,
    ) -> "Connection":
        """Connect, and secure it; the greenlet waits `timeout` seconds at most for each. Raises OSError."""
        rest = b""
        sock = gevent.socket.socket(address[0], socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sources.bind(sock)
            sock.connect(address[1])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            rest = tls.secure(sock) if tls else b""
        except BaseException:
            sock.close()
            raise
        return cls(sock, framing, tls, rest)

    def start(self) -> None:
        """Begin to call `on_lines` with whole messages, and when they came and were read."""
        self._readers.add(self)

    def read_now(self) -> None:
        """Take what has arrived, up to one read, without waiting for the loop's turn."""
        if self.is_open:
            self._readers.take(self)

    def send(self, data: bytes) -> bool:
        """Send now what the socket takes, the rest when it takes more. False when the connection is gone."""
        if not self.is_open:
            return False
        if self._tls:
            data = self._tls.sealed(data)
        if self._unsent:
            self._unsent += data
            return True
        try:
            sent = os.write(self.fd, data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lose(str(error))
            return False
        if sent < len(data):
            self._unsent += data[sent:]
            self._writing = gevent.get_hub().loop.io(self.fd, _WRITE)
            self._writing.start(self._writable)
        return True

    def close(self) -> None:
        """Close without a word. Harmless when closed."""
        if self.is_open:
            self.is_open = False
            self._readers.remove(self)
        if self._writing is not None:
            self._writing.stop()
            self._writing.close()
            self._writing = None
        self._socket.close()

    def arrived(self, data: bytes, at: Moment) -> None:
        """See `Reader`."""
        if data and data[-1] == self._end and not self._rest:  # whole lines in the clear, as mostly
            self.on_lines(data, at)
            return
        if data and self._tls:
            try:
                data = self._tls.received(data)
            except OSError as error:
                self._lose(f"TLS: {error.strerror or error}")
                return
            if not data:
                return  # half a record
        if not data:
            self._lose("closed by the server")
        else:
            self._cut(data, at)

    def broken(self, error: OSError) -> None:
        """See `Reader`."""
        self._lose(error.strerror or str(error))

    def _cut(self, data: bytes, at: Moment) -> None:
        """Pass on whole messages and keep what follows the last one for the next read."""
        data = self._rest + data
        end = self._framing.whole(data)
        self._rest = data[end:]
        if len(self._rest) > _LIMIT:
            what = "a line end" if self._framing.end == b"\n" else "a message's end"
            self._lose(f"{len(self._rest):,} bytes without {what}, the limit is {_LIMIT:,}")
        elif end:
            self.on_lines(data[:end], at)

    def _writable(self) -> None:
        try:
            del self._unsent[: os.write(self.fd, self._unsent)]
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error.strerror or str(error))
            return
        if not self._unsent:
            self._writing.stop()
            self._writing.close()
            self._writing = None

    def _lose(self, reason: str) -> None:
        self.close()
        self.on_lost(reason)
