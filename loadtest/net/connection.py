"""One TCP connection to a server, in the clear or by TLS: whole messages in, bytes out.

Where a message ends, a `Framing` knows; mostly it is a line end. Reading happens in gevent's hub, not in a greenlet for
each connection (see reader.py), and nothing there may wait: `gevent.sleep`, a queue's `put` with a limit and the like
are out of bounds in `on_lines` and `on_lost`. TLS has no socket of its own, so that the time at which bytes arrived
stays that of the kernel.
"""

import os
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import gevent
import gevent.socket
from gevent.lock import BoundedSemaphore

from chat.errors import SetupError
from loadtest.core.receiver import Moment
from loadtest.net.addresses import Address, Sources
from loadtest.net.reader import Receive, ask_for_stamps, readers_here
from loadtest.wires.wire import LINES, Framing

_READ_BYTES = 65_536


@lru_cache(maxsize=8)
def context_of(ca_file: str) -> ssl.SSLContext:
    """Checks the server's certificate against these authorities, or the system's. Raises SetupError."""
    try:
        return ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise SetupError(f"--tls-ca {ca_file}: {error.strerror or error}") from None


class Tls:
    """One connection's. `secure` waits, the rest does not."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def secure(self, sock: Any) -> bytes:
        """The handshake, on a socket that has just connected. Gives what the server said behind it. Raises OSError."""
        while True:
            try:
                self._object.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush(sock)
                data = sock.recv(_READ_BYTES)
                if not data:
                    raise ConnectionResetError("closed by the server during the TLS handshake") from None
                self._incoming.write(data)
        self._flush(sock)
        return self._read()

    def received(self, data: bytes) -> bytes:
        """What was read, in the clear; empty where more has to come. Raises OSError."""
        self._incoming.write(data)
        return self._read()

    def sealed(self, data: bytes) -> bytes:
        """What is to be sent for these bytes."""
        self._object.write(data)
        return self._outgoing.read()

    def _read(self) -> bytes:
        parts = []
        try:
            while data := self._object.read(_READ_BYTES):
                parts.append(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            pass  # the end of the stream follows
        return b"".join(parts)

    def _flush(self, sock: Any) -> None:
        if data := self._outgoing.read():
            sock.sendall(data)


_LIMIT = 65_536  # bytes without a message's end before the peer is taken for something else than a chat server
_WRITE = 2  # libev's event bit
_ANYWHERE = Sources()


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
