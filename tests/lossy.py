"""A proxy that loses, repeats, swaps, alters, leaks, delays and holds up given messages, as the test says.

What the load test must find, and count. It can also cut off one user, the first one to be sent a given message.
"""

import queue
import re
import socket
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

_STAMP = re.compile(rb"\{[0-9a-f]{8}\.1\.([0-9a-f]+)\.([0-9a-f]+)\.")  # sender and number, in the first window


@dataclass
class Faults:
    """By message number, of every sender: the ones to lose, to repeat, and to hold until the sender's next has passed.

    At message `cut` one user is cut off. At message `stall` nothing passes in either direction for `stall_s` seconds.
    """

    lose: Collection[int] = ()
    repeat: Collection[int] = ()
    hold: Collection[int] = ()
    alter: Collection[int] = ()  # a letter is another one
    leak: Collection[int] = ()  # they come to the users of all other rooms too
    divide: Collection[int] = ()  # for one user they come after the next message of another sender
    cut: int = -1
    delay_s: float = 0.0  # of every line to a user
    stall: int = -1
    stall_s: float = 0.0
    shears: threading.Lock = field(default_factory=threading.Lock)  # once used, they stay locked
    users: "list[Tampering]" = field(default_factory=list)
    _stalling: threading.Lock = field(default_factory=threading.Lock)
    _stalled_until: float = 0.0

    def stop_all(self) -> None:
        """The stall begins, unless it has been."""
        if self._stalling.acquire(blocking=False):
            self._stalled_until = time.monotonic() + self.stall_s

    def let_pass(self) -> None:
        """Returns when nothing is held up."""
        _wait_until(self._stalled_until)


class Tampering:
    """What one user gets instead."""

    def __init__(self, faults: Faults, later: "queue.SimpleQueue[tuple[float, bytes]]") -> None:
        self._faults = faults
        self.later = later
        self.room = b""
        self._divided = b""
        self._is_odd = not faults.users
        faults.users.append(self)
        self._held: dict[bytes, bytes] = {}  # by sender

    def apply(self, line: bytes) -> bytes:
        faults = self._faults
        if not (stamp := _STAMP.search(line)):
            if b" 366 " in line:
                self.room = line.split()[3]
            return line
        sender, number = stamp[1], int(stamp[2], 16)
        if number == faults.stall:
            faults.stop_all()
        if number == faults.cut and faults.shears.acquire(blocking=False):
            raise ConnectionAbortedError
        if number in faults.leak and line.split()[2] == self.room:
            self._leak(line)
        return self._instead(sender, number, line)

    def _instead(self, sender: bytes, number: int, line: bytes) -> bytes:
        faults = self._faults
        if number in faults.lose:
            return b""
        if number in faults.repeat:
            return line * 2
        if number in faults.hold:
            self._held[sender] = line
            return b""
        if number in faults.alter:
            return line.replace(b"all work", b"all play")
        if number in faults.divide and self._is_odd and not self._divided:
            self._divided = line
            return b""
        divided, self._divided = self._divided, b""
        return line + divided + self._held.pop(sender, b"")

    def _leak(self, line: bytes) -> None:
        """Once a message: by the first user of its room."""
        faults = self._faults
        if next(user for user in faults.users if user.room == self.room) is self:
            for user in faults.users:
                if user.room != self.room:
                    user.later.put((0.0, line))


@contextmanager
def lossy_proxy(port: int, **faults: object) -> Iterator[int]:
    """Gives the port of a proxy to the server on `port`, with these `Faults`."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    sockets = [listener]
    threads: list[threading.Thread] = []
    shared = Faults(**faults)  # type: ignore[arg-type]

    def accept() -> None:
        while True:
            try:
                user, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", port))
            sockets.extend((user, server))
            later: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
            threads.append(_thread(_up, user, server, shared))
            threads.append(_thread(_down, server, later, shared))
            threads.append(_thread(_deliver, later, user, shared))

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


def _up(user: socket.socket, server: socket.socket, faults: Faults) -> None:
    with suppress(OSError):  # hung up
        while data := user.recv(65_536):
            faults.let_pass()
            server.sendall(data)
    _hang_up(server)


def _down(server: socket.socket, later: "queue.SimpleQueue[tuple[float, bytes]]", faults: Faults) -> None:
    tampering = Tampering(faults, later)
    with suppress(OSError), server.makefile("rb") as lines:  # hung up
        for line in lines:
            if data := tampering.apply(line):
                later.put((time.monotonic() + faults.delay_s, data))
    later.put((0.0, b""))


def _deliver(later: "queue.SimpleQueue[tuple[float, bytes]]", user: socket.socket, faults: Faults) -> None:
    with suppress(OSError):  # hung up
        while (item := later.get())[1]:
            _wait_until(item[0])
            faults.let_pass()
            user.sendall(item[1])
    _hang_up(user)


def _wait_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


def _hang_up(sock: socket.socket) -> None:
    with suppress(OSError):  # hung up by the other end
        sock.shutdown(socket.SHUT_RDWR)
