"""Connections that a proxy passes on, until their PROXY header has come. The acceptor's thread only.

A header is read to its end and no further, so that what follows, TLS too, is still in the socket.
"""

import selectors
import socket
from collections.abc import Callable

from chat.errors import WireError
from chat.server.net.listeners import Listener
from chat.server.net.proxy import LONGEST, read_header

TIMEOUT = 5.0  # s for a header, which a proxy sends at once
MOST = 1_000  # that wait for theirs; a proxy that leaves so many open sends none

Admit = Callable[[socket.socket, str, Listener], None]
Refuse = Callable[[socket.socket, Listener, str], None]


class Proxied:
    """Waits for headers. `admit` gets each socket with the address behind the proxy, `refuse` those without one."""

    def __init__(self, selector: selectors.BaseSelector, admit: Admit, refuse: Refuse) -> None:
        self._selector = selector
        self._admit = admit
        self._refuse = refuse
        self._waiting: dict[socket.socket, _Waiting] = {}  # in the order in which they came

    def add(self, sock: socket.socket, host: str, listener: Listener, now: float) -> None:
        if len(self._waiting) >= MOST:
            self._refuse(sock, listener, f"{MOST:,} connections of proxies wait for their PROXY headers")
            return
        waiting = self._waiting[sock] = _Waiting(sock, host, listener, now + TIMEOUT)
        self._selector.register(sock, selectors.EVENT_READ, waiting)
        self.read(waiting)

    def read(self, waiting: "_Waiting") -> None:
        """Take what there is of the header."""
        try:
            host = waiting.read()
        except BlockingIOError:
            return
        except OSError:
            self._drop(waiting)
            waiting.sock.close()
        except WireError as error:
            self._drop(waiting)
            self._refuse(waiting.sock, waiting.listener, str(error))
        else:
            if host is not None:
                self._drop(waiting)
                self._admit(waiting.sock, host, waiting.listener)

    def due_in(self, now: float) -> float | None:
        """Seconds until `expire` has something to do."""
        first = next(iter(self._waiting.values()), None)
        return None if first is None else max(0.0, first.until - now)

    def expire(self, now: float) -> None:
        for waiting in list(self._waiting.values()):
            if waiting.until > now:
                return
            self._drop(waiting)
            self._refuse(waiting.sock, waiting.listener, f"no PROXY header came within {TIMEOUT:g} s")

    def close(self) -> None:
        for sock in self._waiting:
            sock.close()

    def _drop(self, waiting: "_Waiting") -> None:
        del self._waiting[waiting.sock]
        self._selector.unregister(waiting.sock)


class _Waiting:
    __slots__ = ("_data", "host", "listener", "sock", "until")

    def __init__(self, sock: socket.socket, host: str, listener: Listener, until: float) -> None:
        self.sock = sock
        self.host = host  # the proxy's
        self.listener = listener
        self.until = until  # s on the monotonic clock
        self._data = b""

    def read(self) -> str | None:
        """The address behind the proxy; None while the header is incomplete.

        Raises OSError, BlockingIOError included, and WireError.
        """
        seen = self.sock.recv(LONGEST, socket.MSG_PEEK)
        if not seen:
            raise ConnectionResetError
        header = read_header(self._data + seen)
        if header is None:
            self._data += self.sock.recv(len(seen))
            return None
        self.sock.recv(header.size - len(self._data))
        return header.host or self.host
