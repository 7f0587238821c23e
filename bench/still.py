"""A server that stands still: workers without threads, sockets that are lists, and every step counted.

`settle` runs the workers' passes one after the other until nothing is left to do, so that what a message costs is the
same number each time.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from types import FrameType
from typing import Any

import chat
from chat.server.connection import Connection
from chat.server.gate import Gate
from chat.server.hub import Hub
from chat.server.inbox import Inbox
from chat.server.poller import READ
from chat.server.worker import Worker
from chat.settings import Settings
from chat.wires.irc import IrcDialect, IrcWire

PACKAGE = str(Path(chat.__file__).parent)  # the fakes here are none of its functions
UNLIMITED = Settings(rate_limit=0.0, helpers=0)


class StillSocket:
    """Takes all that is sent, and gives what `said` holds."""

    def __init__(self, counts: Counter[str]) -> None:
        self.said = b""
        self._counts = counts

    def send(self, data: bytes) -> int:
        self._counts["sends"] += 1
        return len(data)

    def recv(self, size: int) -> bytes:
        self._counts["reads"] += 1
        said, self.said = self.said, b""
        return said

    def shutdown(self, how: int) -> None: ...

    def close(self) -> None: ...


class StillPoller:
    """Knows by itself who has said something; never waits, but notes how long it would."""

    def __init__(self, counts: Counter[str]) -> None:
        self.watched: list[Connection] = []
        self.timeouts: list[float | None] = []
        self._counts = counts

    def watch(self, sock: Any, events: int, item: Connection) -> None:
        self.watched.append(item)

    def change(self, sock: Any, events: int, item: Connection) -> None: ...

    def forget(self, sock: Any) -> None:
        self.watched = [connection for connection in self.watched if connection.sock is not sock]

    def poll(self, timeout: float | None) -> list[tuple[Connection | None, int]]:
        self._counts["polls"] += 1
        self.timeouts.append(timeout)
        return [(connection, READ) for connection in self.heard()]

    def heard(self) -> list[Connection]:
        """Who has said something that is not read yet."""
        return [connection for connection in self.watched if connection.sock.said]  # type: ignore[attr-defined]


class StillServer:
    def __init__(self, workers: int = 2) -> None:
        self.counts: Counter[str] = Counter()
        self.hub = Hub(UNLIMITED)
        gate = Gate(10**6, 10**6)
        self.workers = [Worker(f"still-{number}", self.hub, gate, lambda: None) for number in range(workers)]
        self.pollers = [StillPoller(self.counts) for _ in self.workers]
        inboxes = [worker.inbox for worker in self.workers]
        for worker, poller in zip(self.workers, self.pollers, strict=True):
            worker._inboxes, worker._others = inboxes, [inbox for inbox in inboxes if inbox is not worker.inbox]
            worker._poller.close()
            worker._poller = worker._roster._poller = poller  # type: ignore[assignment]
        self._turns = cycle(self.workers)

    def connect(self, nick: str, *rooms: str) -> StillSocket:
        """A client that has registered and joined; the workers have the clients in turn."""
        sock = StillSocket(self.counts)
        next(self._turns).adopt(sock, "127.0.0.1", IrcWire())  # type: ignore[arg-type]
        self.settle()
        sock.said = f"NICK {nick}\r\nUSER {nick} 0 * :{nick}\r\n".encode()
        sock.said += b"".join(f"JOIN {room}\r\n".encode() for room in rooms)
        self.settle()
        return sock

    def say(self, sock: StillSocket, *lines: str) -> None:
        """The lines arrive at once, and everything that follows from them is done."""
        sock.said += b"".join(f"{line}\r\n".encode() for line in lines)
        self.settle()

    def say_all(self, socks: Iterable[StillSocket], line: str) -> None:
        """As `say`, everybody the same line at the same time."""
        for sock in socks:
            sock.said += f"{line}\r\n".encode()
        self.settle()

    def settle(self, at_least: int = 0) -> None:
        """Passes of all workers, until nothing is left to do."""
        while at_least > 0 or any(worker.inbox or poller.heard() for worker, poller in self._places()):
            for worker in self.workers:
                worker._pass()
            at_least -= 1

    def _places(self) -> Iterator[tuple[Worker, StillPoller]]:
        return zip(self.workers, self.pollers, strict=True)

    def close(self) -> None:
        for worker in self.workers:
            worker._alarm.close()
            worker._bell.close()


@contextmanager
def still_server(workers: int = 2) -> Iterator[StillServer]:
    server = StillServer(workers)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def counted(server: StillServer) -> Iterator[Counter[str]]:
    """What the block costs: `encodes`, `posts`, `sends`, `reads`, `polls`, and `calls` of our functions."""
    counts: Counter[str] = Counter()
    of_interest = {IrcDialect.encode.__code__: "encodes", Inbox.post.__code__: "posts"}

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            counts["calls"] += frame.f_code.co_filename.startswith(PACKAGE)
            if frame.f_code in of_interest:
                counts[of_interest[frame.f_code]] += 1

    before = Counter(server.counts)
    sys.setprofile(note)
    try:
        yield counts
    finally:
        sys.setprofile(None)
        counts.update(server.counts - before)
