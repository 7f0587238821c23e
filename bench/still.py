"""A server that stands still: a loop without a thread, sockets that are lists, a clock that is set.

`settle` runs the loop's passes one after the other until nothing is left to do, so that costs, and what each client
gets, are the same each time.
"""

import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import chat
from chat.server.accounts.hashing import AtOnce
from chat.server.core.node import Node
from chat.server.log.log import Log
from chat.server.log.memory import MemoryLog
from chat.server.net.connection import Connection
from chat.server.net.gate import Gate
from chat.server.net.loop import Loop
from chat.server.net.mailbox import Mailbox
from chat.server.net.poller import HANGUP, READ, WRITE
from chat.server.net.sender import Sender, SendLoop
from chat.server.networks import Networks
from chat.settings import Settings
from chat.wires.irc import IrcDialect, IrcWire
from chat.wires.wire import Wire

PACKAGE = str(Path(chat.__file__).parent)  # only its functions are counted, not the fakes here
UNLIMITED = Settings(rate_limit=0.0, helpers=0)
START = 1_000_000.0  # s on both clocks
NO_FILE = 2**31 - 1  # a descriptor that no process has: system calls on it fail as on a closed socket
MOST_PASSES = 10_000  # after these a server that does not come to rest counts as stuck


class StillSocket:
    """`recv` returns bytes of `said`; sends are kept in `heard`. `room` limits how many bytes it takes."""

    def __init__(self, counts: Counter[str], changed: dict["StillSocket", None]) -> None:
        """It enters itself into `changed` whenever a field is set, so that a poller need not look at all sockets."""
        object.__setattr__(self, "_changed", changed)
        self.said = b""
        self.heard: list[bytes] = []  # one item a send
        self.room: int | None = None  # bytes that it still takes; None: all
        self.ended = False  # the peer has closed its side
        self.error: OSError | None = None  # the peer or the network has ended it
        self.closed = False
        self._counts = counts

    @property
    def readable(self) -> bool:
        return bool(self.said)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        self.__dict__["_changed"][self] = None

    def send(self, data: bytes | memoryview) -> int:
        self._counts["sends"] += 1
        if self.closed:
            raise OSError(9, "Bad file descriptor")
        if self.error is not None:
            raise self.error
        if self.room is not None:
            data = data[: self.room]
            self.room -= len(data)
            if not data:
                raise BlockingIOError
        self.heard.append(bytes(data))
        return len(data)

    def recv(self, size: int) -> bytes:
        self._counts["reads"] += 1
        said, self.said = self.said[:size], self.said[size:]
        if not said and self.error is not None:
            raise self.error
        if not said and not self.ended:
            raise BlockingIOError
        return said

    def lines(self) -> list[str]:
        """The lines sent since the last call."""
        text = b"".join(self.heard).decode()
        self.heard.clear()
        return text.split("\r\n")[:-1]

    def shutdown(self, how: int) -> None:
        if how == socket.SHUT_RD:
            self.ended = True

    def close(self) -> None:
        self.closed = True

    def fileno(self) -> int:
        return NO_FILE


class StillPoller:
    """Knows which sockets are ready; never waits, but notes each timeout."""

    def __init__(self, counts: Counter[str]) -> None:
        self.watched: dict[Any, tuple[int, Any]] = {}
        self.timeouts: list[float | None] = []
        self.changed: dict[StillSocket, None] = {}  # sockets that may be ready
        self._counts = counts

    def watch(self, sock: Any, events: int, item: Any) -> None:
        self.watched[sock] = (events, item)
        if isinstance(sock, StillSocket):
            self.changed[sock] = None

    change = watch

    def forget(self, sock: Any) -> None:
        del self.watched[sock]

    def poll(self, timeout: float | None) -> list[tuple[Any, int]]:
        self._counts["polls"] += 1
        self.timeouts.append(timeout)
        return list(self.ready())

    def ready(self) -> Iterator[tuple[Any, int]]:
        for sock in list(self.changed):
            events, item = self.watched.get(sock, (0, None))
            found = events & (READ if sock.readable else 0) | events & (WRITE if sock.room != 0 else 0)
            if sock in self.watched and ((sock.ended and events & READ) or sock.error is not None):
                found |= HANGUP
            if found:
                yield item, found
            else:
                del self.changed[sock]

    def close(self) -> None: ...


class StillServer:
    """`now` is both clocks. `step` runs one pass, `settle` all passes until nothing is left to do."""

    def __init__(
        self,
        settings: Settings = UNLIMITED,
        make_log: Callable[[str, int, Callable[[], float]], Log] = MemoryLog,
        cloak: Callable[[str], str] = str,
        sender: Sender | None = None,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.now = START
        self.failures: list[str] = []
        self.poller = StillPoller(self.counts)
        self.sender = sender or SendLoop(0)
        self.loop = Loop(
            settings,
            Gate(10**6, 10**6, 10**6, exempt=Networks(settings.exempt)),
            self.failures.append,
            clock=lambda: self.now,
            wall_clock=lambda: self.now,
            make_log=make_log,
            cloak=cloak,
            poller=self.poller,
            sender=self.sender,
            hasher=AtOnce(),
        )

    @property
    def node(self) -> Node:
        return self.loop.node

    def socket(self) -> StillSocket:
        """One that the loop has not adopted yet."""
        return StillSocket(self.counts, self.poller.changed)

    def adopt(self, wire: Wire, host: str = "127.0.0.1") -> StillSocket:
        """A client of any wire that has connected and sent nothing."""
        sock = self.socket()
        self.loop.adopt(sock, host, wire)
        self.settle()
        return sock

    def visit(self, host: str = "127.0.0.1") -> StillSocket:
        """A client of IRC that the next pass takes in."""
        sock = self.socket()
        self.loop.adopt(sock, host, IrcWire())
        return sock

    def connect(self, nick: str, *rooms: str, host: str = "127.0.0.1") -> StillSocket:
        """A client that has registered and joined."""
        sock = self.visit(host)
        self.settle()
        sock.said = f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n".encode()
        sock.said += b"".join(f"JOIN {room}\r\n".encode() for room in rooms)
        self.settle()
        return sock

    def connection(self, sock: StillSocket) -> Connection:
        return next(connection for connection in self.loop.connections if connection.sock is sock)

    def say(self, sock: StillSocket, *lines: str) -> None:
        """The lines arrive at once, and the server settles."""
        sock.said += b"".join(f"{line}\r\n".encode() for line in lines)
        self.settle()

    def say_all(self, socks: Iterable[StillSocket], line: str) -> None:
        """As `say`, with the same line from everybody at once."""
        for sock in socks:
            sock.said += f"{line}\r\n".encode()
        self.settle()

    def step(self) -> None:
        self.loop.step()

    def settle(self, at_least: int = 0) -> None:
        """Run passes until nothing is left to do before the next deadline."""
        passes = 0
        while passes < at_least or self.sender.in_flight or not self.loop.idle or any(self.poller.ready()):
            self.step()
            passes += 1
            assert passes < MOST_PASSES, "the loop does not come to rest"

    def advance(self, seconds: float) -> None:
        """Let time pass, and let the server settle."""
        self.now += seconds
        self.settle(at_least=1)

    def close(self) -> None:
        self.loop.close()


@contextmanager
def still_server(
    settings: Settings = UNLIMITED,
    make_log: Callable[[str, int, Callable[[], float]], Log] = MemoryLog,
    cloak: Callable[[str], str] = str,
) -> Iterator[StillServer]:
    server = StillServer(settings, make_log, cloak)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def counted(server: StillServer) -> Iterator[Counter[str]]:
    """The costs of the block: `encodes`, `posts`, `sends`, `reads`, `polls`, and `calls` of the package's functions in
    `files`."""
    counts: Counter[str] = Counter()
    of_interest = {IrcDialect.encode.__code__: "encodes", Mailbox.post.__code__: "posts"}
    files = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            counts["calls"] += 1
            files.add(frame.f_code.co_filename)
            if frame.f_code in of_interest:
                counts[of_interest[frame.f_code]] += 1

    before = Counter(server.counts)
    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        counts.update(server.counts - before)
        counts["files"] = len(files)
