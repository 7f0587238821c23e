"""Many IRC connections that do the same, in one process without threads. Keeps no times."""

import select
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress

ROOM = "#room"
A_SOURCE = 5_000  # connections from one address: below the server's half of all, and within the ephemeral ports
AT_ONCE = 500  # that connect or register at the same time
TIMEOUT = 120.0  # s for any one step


class Crowd:
    """Many connections that do the same."""

    def __init__(self, port: int, kind: str, size: int, source: int) -> None:
        self.socks: list[socket.socket] = []
        self._place = ("127.0.0.1", port)
        self._kind = kind
        self._size = size
        self._source = source

    def enter(self) -> None:
        """Connect, register and join all of them."""
        self.connect()
        self.join(self._size)

    def connect(self) -> None:
        """Connect and register."""
        for first in range(0, self._size, AT_ONCE):
            group = [self._connect(number) for number in range(first, min(first + AT_ONCE, self._size))]
            self.socks += group
            _await(group, group, b" 422 ")

    def join(self, pending: int) -> None:
        """Join the room, this many at a time; members go on reading."""
        for first in range(0, self._size, pending):
            group = self.socks[first : first + pending]
            for sock in group:
                sock.send(f"JOIN {ROOM}\r\n".encode())
            _await(group, self.socks[: first + pending], b" 366 ")

    def _connect(self, number: int) -> socket.socket:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT: the port is chosen for the pair of addresses
        sock.bind((f"127.0.0.{self._source + number // A_SOURCE}", 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect(self._place)
        sock.setblocking(False)
        nick = f"{self._kind}{number:05}{'x' * 30}"[:30]  # of the greatest length
        sock.send(f"NICK {nick}\r\nUSER {self._kind}{'x' * 10} 0 * :one of many\r\n".encode())
        return sock

    def say(self, text: str) -> None:
        """The first one sends it, and all others read until they have it."""
        self.socks[0].send(f"PRIVMSG {ROOM} :{text}\r\n".encode())
        _await(self.socks[1:], self.socks, text.encode())

    def drain(self, socks: Iterable[socket.socket]) -> None:
        for sock in socks:
            with suppress(BlockingIOError):
                while len(sock.recv(1 << 18)) == 1 << 18:
                    pass

    def close(self) -> None:
        for sock in self.socks:
            sock.close()


def _await(wanted: Sequence[socket.socket], readers: Sequence[socket.socket], text: bytes) -> None:
    """Read from all readers until each of those wanted has got the text."""
    deadline = time.monotonic() + TIMEOUT
    with select.epoll() as epoll:
        socks = {sock.fileno(): sock for sock in readers}
        tails = {sock.fileno(): b"" for sock in wanted}
        for fd in socks:
            epoll.register(fd, select.EPOLLIN)
        while tails:
            if time.monotonic() > deadline:
                raise SystemExit(f"{len(tails):,} have not got {text!r}")
            for fd, _ in epoll.poll(1.0, len(socks)):
                data = socks[fd].recv(1 << 18)
                if not data:
                    raise SystemExit("the server closed a connection")
                if fd in tails:
                    data = tails[fd] + data
                    tails[fd] = data[-len(text) :]
                    if text in data:
                        del tails[fd]
