"""A pass's sends, by the worker alone or by several threads at once. Knows no rooms and keeps nothing between passes.

The interpreter computes on one thread at a time, but lets go of its lock in a `send`, which is where a pass to many
spends its time. So the connections stay with their worker, and only their sends are lent: while a pass is sent, the
helpers take some of its sockets off the same queue, and the worker goes on when all of them have been offered their
bytes. Nobody else touches a connection meanwhile, and what a socket did not take is the worker's business again.
"""

import threading
from collections import deque
from collections.abc import Iterable
from itertools import islice
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from chat.server.sends import Piece

if TYPE_CHECKING:
    from chat.server.connection import Connection

SHARED_FROM = 32  # sends of a pass that are worth waking a helper; bench/experiments/threshold.py
AT_ONCE = 8  # sends that are taken off the queue together; nobody waits longer for the last helper than for these


class Short(NamedTuple):
    """A socket that has not taken all of its piece: how many bytes it took, or why it takes none any more."""

    connection: "Connection"
    piece: Piece
    outcome: int | OSError


def send_all(pieces: Iterable[tuple["Connection", Piece]], shorts: list[Short]) -> None:
    """Offer each socket its bytes, and note those that have not taken all of them."""
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
    """One pass's sends, on which several threads work until none is left."""

    __slots__ = ("_queue", "faults", "shorts")

    def __init__(self, plan: dict["Connection", Piece]) -> None:
        pieces = iter(plan.items())
        self._queue = deque(iter(lambda: list(islice(pieces, AT_ONCE)), []))
        self.shorts: list[Short] = []
        self.faults: list[Exception] = []  # of ours, in a helper: the worker's to raise

    def work(self) -> None:
        """Any thread."""
        while True:
            try:
                pieces = self._queue.popleft()
            except IndexError:
                return
            send_all(pieces, self.shorts)


class Helpers:
    """The threads that help one worker. All methods are its owner's."""

    def __init__(self, number: int, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._done: SimpleQueue[None] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-helper-{index}", daemon=True)
            for index in range(1, number + 1)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)

    def send(self, plan: dict["Connection", Piece], share: bool) -> list[Short]:
        """Offer every socket its bytes; gives those that have not taken all. With `share`, a large plan together."""
        if not share or len(plan) < SHARED_FROM or not self._threads:
            shorts: list[Short] = []
            send_all(plan.items(), shorts)
            return shorts
        job = Job(plan)
        for _ in self._threads:
            self._jobs.put(job)
        try:
            job.work()
        finally:  # even a worker that ends by a fault of ours leaves nobody at its sockets
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
