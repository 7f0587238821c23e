"""One TCP connection to a server, in the clear or through a layer (see tls.py): whole messages in, bytes out.

Where a message ends, a `Framing` knows; mostly it is a line end. Reading happens in gevent's hub, not in a greenlet for
each connection (see reader.py), and nothing there may wait: `gevent.sleep`, a queue's `put` with a limit and the like
are out of bounds in `on_lines` and `on_lost`.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import gevent.socket
from gevent.lock import BoundedSemaphore

from loadtest.core.receiver import Moment
from loadtest.net.addresses import Address, Sources
from loadtest.net.reader import Receive, ask_for_stamps, readers_here
from loadtest.net.tls import CLOSED, Layer
from loadtest.wires.wire import LINES, Framing

_LIMIT = 65_536  # bytes without a message's end before the peer is taken for something else than a chat server
_WRITE = 2  # libev's event bit
_ANYWHERE = Sources()


class Connection:
    """A connected socket. All methods belong to the hub's thread; none but `open` waits."""

    __slots__ = (
        *("_end", "_framing", "_layer", "_readers", "_rest", "_socket", "_unsent", "_writing"),
        *("fd", "is_open", "on_lines", "on_lost", "receive"),
    )

    def __init__(self, sock: Any, framing: Framing = LINES, layer: Layer | None = None, rest: bytes = b"") -> None:
        """`rest` is what was read already."""
        self._layer = layer
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
        self._end = framing.end[0] if len(framing.end) == 1 and layer is None else -1
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
        layer: Layer | None = None,
    ) -> "Connection":
        """Connect, and open its layer; the greenlet waits `timeout` seconds at most for each. Raises OSError."""
        rest = b""
        sock = gevent.socket.socket(address[0], socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sources.bind(sock)
            sock.connect(address[1])
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            rest = layer.open(sock) if layer else b""
        except BaseException:
            sock.close()
            raise
        return cls(sock, framing, layer, rest)

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
        return self._write(self._layer.sealed(data) if self._layer else data)

    def _write(self, data: bytes) -> bool:
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
        if data and self._layer:
            self._through(self._layer, data, at)
        elif not data:
            self._lose(self._layer.last_words if self._layer else CLOSED)
        else:
            self._cut(data, at)

    def broken(self, error: OSError) -> None:
        """See `Reader`."""
        self._lose(error.strerror or str(error))

    def _through(self, layer: Layer, data: bytes, at: Moment) -> None:
        try:
            data = layer.received(data)
        except OSError as error:
            self._lose(str(error))
            return
        if own := layer.take_own():
            self._write(own)
        if data:  # not half a record or message
            self._cut(data, at)

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


_HELD_S = 1.0  # after this the next one may come as well: a server that hangs must not stop the ramp


class Door:
    """`width` users at a time; one who takes long keeps the others waiting for a second at most."""

    def __init__(self, width: int) -> None:
        self._places = BoundedSemaphore(width)

    @contextmanager
    def passing(self) -> Iterator[None]:
        self._places.acquire()
        freeing = gevent.spawn_later(_HELD_S, self._places.release)
        try:
            yield
        finally:
            if not freeing.ready():
                freeing.kill()
                self._places.release()
