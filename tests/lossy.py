"""A proxy that loses, repeats and swaps given messages on their way to each user: what the load test must count.

It can also cut off one user, the first one to be sent a given message.
"""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_NUMBER = re.compile(rb"~[0-9a-f]{8}\.1\.[0-9a-f]+\.([0-9a-f]+)\.")  # of a stamp in the first window


class Tampering:
    """By message number: the ones to lose, to repeat, and to hold back until the next one has passed.

    At message `cut` the user is cut off, if the shears, which all users' share, have not been used.
    """

    def __init__(self, lose: int, repeat: int, hold: int, cut: int, shears: threading.Lock) -> None:
        self._lose = lose
        self._repeat = repeat
        self._hold = hold
        self._cut = cut
        self._shears = shears
        self._held = b""

    def apply(self, line: bytes) -> bytes:
        found = _NUMBER.search(line)
        number = int(found[1], 16) if found else None
        if number is None:
            return line
        if number == self._cut and self._shears.acquire(blocking=False):
            raise ConnectionAbortedError
        if number == self._lose:
            return b""
        if number == self._repeat:
            return line * 2
        if number == self._hold:
            self._held = line
            return b""
        held, self._held = self._held, b""
        return line + held


@contextmanager
def lossy_proxy(port: int, lose: int = -1, repeat: int = -1, hold: int = -1, cut: int = -1) -> Iterator[int]:
    """Gives the port of a proxy to the server on `port`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sockets = [listener]
    threads: list[threading.Thread] = []
    shears = threading.Lock()

    def accept() -> None:
        while True:
            try:
                user, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            sockets.extend((user, server))
            tampering = Tampering(lose, repeat, hold, cut, shears)
            threads.extend((_thread(_up, user, server), _thread(_down, server, user, tampering)))

    accepting = _thread(accept)
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join()
        for sock in sockets[1:]:
            _hang_up(sock)
        for thread in threads:
            thread.join()
        for sock in sockets:
            sock.close()


def _thread(work: object, *args: object) -> threading.Thread:
    thread = threading.Thread(target=work, args=args)  # type: ignore[arg-type]
    thread.start()
    return thread


def _up(user: socket.socket, server: socket.socket) -> None:
    with suppress(OSError):  # hung up
        while data := user.recv(65_536):
            server.sendall(data)
    _hang_up(server)


def _down(server: socket.socket, user: socket.socket, tampering: Tampering) -> None:
    with suppress(OSError), server.makefile("rb") as lines:  # hung up
        for line in lines:
            if data := tampering.apply(line):
                user.sendall(data)
    _hang_up(user)


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # hung up by the other end
        sock.shutdown(socket.SHUT_RDWR)
