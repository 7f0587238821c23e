"""Make a pass's sends, on the loop's thread alone or with helper threads: the interface, and its sender by `send`.

The interpreter computes on one thread at a time, but releases its lock in a `send`, where a pass to many spends its
time. So the loop owns the connections, and helpers make some of the sends: all take sockets off one queue, and the loop
continues when every socket has been offered its bytes. Nobody else touches a connection meanwhile. The loop handles
short writes and errors.
"""

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from chat.server.net.connection import Connection

SHARED_FROM = 32  # sends of a pass that are worth waking a helper; bench/experiments/threshold.py
AT_ONCE = 8  # sends taken off the queue together, and so the most that the loop waits for at the end

Data: TypeAlias = bytes | memoryview
Planned: TypeAlias = tuple[Data, int, int]  # the bytes, their number, the number of answers among them


class Short(NamedTuple):
    """A short write: how many bytes the socket took, or the error."""

    connection: "Connection"
    piece: Planned
    outcome: int | OSError


class Sender(Protocol):
    in_flight: bool  # some sends may not have been made yet; nobody may write to these sockets, or close them

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def send(self, plan: dict["Connection", Planned], share: bool) -> list[Short]:
        """Offer each socket its bytes once; returns the short writes. With `share`, in parallel.

        With `in_flight` afterwards, `collect` is to be called before the next `send`, and gives the other short writes.
        """

    def collect(self) -> list[Short]:
        """Wait until nothing is in flight."""


def send_all(pieces: Iterable[tuple["Connection", Planned]], shorts: list[Short]) -> None:
    """Offer each socket its bytes, and note the short writes."""
    for connection, piece in pieces:
        try:
            taken = connection.sock.send(piece[0])
        except BlockingIOError:
            taken = 0
        except OSError as error:
            shorts.append(Short(connection, piece, error))
            continue
        if taken != piece[1]:
            shorts.append(Short(connection, piece, taken))


class Job:
    """One pass's sends, made by several threads until none is left."""

    __slots__ = ("_queue", "faults", "shorts")

    def __init__(self, plan: dict["Connection", Planned]) -> None:
        pieces = iter(plan.items())
        self._queue = deque(iter(lambda: list(islice(pieces, AT_ONCE)), []))
        self.shorts: list[Short] = []
        self.faults: list[Exception] = []  # in a helper; the loop raises them

    def work(self) -> None:
        """Any thread."""
        while True:
            try:
                pieces = self._queue.popleft()
            except IndexError:
                return
            send_all(pieces, self.shorts)


class SendLoop:
    """Sends by `send`, with helper threads. The loop's thread only."""

    in_flight = False  # `send` waits for all of them

    def __init__(self, helpers: int) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"helper-{index}", daemon=True) for index in range(1, helpers + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)

    def collect(self) -> list[Short]:
        return []

    def send(self, plan: dict["Connection", Planned], share: bool) -> list[Short]:
        if not share or len(plan) < SHARED_FROM or not self._threads:
            shorts: list[Short] = []
            send_all(plan.items(), shorts)
            return shorts
        job = Job(plan)
        for _ in self._threads:
            self._jobs.put(job)
        try:
            job.work()
        finally:  # also when this thread fails: no helper may be left at the sockets
            for _ in self._threads:
                self._done.get()
        if job.faults:
            raise job.faults[0]
        return job.shorts

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.work()
            except Exception as fault:
                job.faults.append(fault)
            self._done.put(None)
