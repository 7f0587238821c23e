"""An IRC server that bears no more than it is told to, by counts and never by the clock.

It drops every message while more members than its limit are in, or when a sender's timetable is denser than its limit:
the stamps say how dense. It can refuse connections beyond a number as well. One thread, one room, the plain line.
"""

import re
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_STAMP = re.compile(rb"\{[0-9a-f]{8}\.([0-9a-f]+)\.([0-9a-f]+)\.[0-9a-f]+\.([0-9a-f]+)\}")


class LimitedServer:
    """`members` and `rate` (messages a second of one sender) are what it bears, `seats` whom it lets in."""

    def __init__(self, members: float, rate: float, seats: float) -> None:
        self._members = members
        self._interval_ns = 1e9 / rate
        self._seats = seats
        self._users: dict[socket.socket, bytes] = {}  # and the line that is not complete yet
        self._room: set[socket.socket] = set()
        self._nicks: dict[socket.socket, bytes] = {}
        self._times: dict[tuple[bytes, bytes], int] = {}  # window and sender: when its last message was meant to leave
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._bell, self._clapper = socket.socketpair()
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._clapper.close()
        self._thread.join()
        for sock in (*self._users, self._listener, self._bell):
            sock.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._bell, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._bell in ready:
                    return
                if self._listener in ready:
                    self._accept(selector)
                # Who left before a message was said must not count: all is read before anything is passed on.
                said = [line for sock in list(self._users) if sock in ready for line in self._read(sock, selector)]
                for sender, line in said:
                    self._pass_on(sender, line)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        sock, _ = self._listener.accept()
        if len(self._users) >= self._seats:
            sock.sendall(b"ERROR :Too many users\r\n")
            sock.close()
            return
        self._users[sock] = b""
        selector.register(sock, selectors.EVENT_READ)

    def _read(self, sock: socket.socket, selector: selectors.BaseSelector) -> list[tuple[socket.socket, bytes]]:
        """What this user says to the room; everything else is answered here."""
        data = b""
        with suppress(ConnectionError):
            data = sock.recv(65_536)
        if not data:
            selector.unregister(sock)
            del self._users[sock]
            self._room.discard(sock)
            sock.close()
            return []
        *lines, self._users[sock] = (self._users[sock] + data).split(b"\r\n")
        for line in lines:
            self._answer(sock, line)
        return [(sock, line) for line in lines if line.startswith(b"PRIVMSG")]

    def _answer(self, sock: socket.socket, line: bytes) -> None:
        verb, _, rest = line.partition(b" ")
        if verb == b"NICK":
            self._nicks[sock] = rest.strip()
        elif verb == b"USER":
            sock.sendall(b":limited 001 you :Welcome\r\n")
        elif verb == b"JOIN":
            self._room.add(sock)
            sock.sendall(b":limited 366 you %s :End\r\n" % rest)

    def _pass_on(self, sender: socket.socket, line: bytes) -> None:
        if self._is_too_dense(line) or len(self._room) > self._members:
            return
        for member in self._room - {sender}:
            with suppress(ConnectionError):  # it has just gone
                member.sendall(b":%s!x@limited %s\r\n" % (self._nicks[sender], line))

    def _is_too_dense(self, line: bytes) -> bool:
        found = _STAMP.search(line)
        assert found
        window, number, at_ns = found[1], found[2], int(found[3], 16)
        before_ns = self._times.get((window, number), -(1 << 62))
        self._times[window, number] = at_ns
        return at_ns - before_ns < self._interval_ns * 0.999


@contextmanager
def limited_server(
    members: float = float("inf"), rate: float = 1e9, seats: float = float("inf")
) -> Iterator[LimitedServer]:
    """One on a free port of the loopback."""
    server = LimitedServer(members, rate, seats)
    try:
        yield server
    finally:
        server.close()
