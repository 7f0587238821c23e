"""Make a pass's sends by io_uring: the kernel sends, in parallel where its rings are polled, and the loop goes on.

A pass is written into the rings as columns: descriptors, addresses and lengths, each by one assignment, whichever
rooms they belong to. Each entry carries the length as its user data, so a completion whose result equals it took
everything, and all completions are compared at once; only where they differ are they looked at one by one.

`send` does not wait for a polled ring: the pass is *in flight* until `collect`. Rules: 1. at most one pass is in
flight, so at most one send for each socket; 2. its bytes are referenced until `collect`; 3. nobody closes or writes to
a socket that is in flight (`Connections` collects first); 4. no send waits for its socket (MSG_DONTWAIT), so a slow
reader occupies no thread of the kernel; 5. what the rings do not take is sent by `send`.
"""

import ctypes
import errno
import logging
import os
import socket
from array import array
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from chat.server.net.io_uring import Ring, Stalled, Unavailable
from chat.server.net.sender import Planned, Short, send_all

if TYPE_CHECKING:
    from chat.server.net.connection import Connection

log = logging.getLogger(__name__)

ENTRIES = 4096  # of a ring: 0.4 MB; a larger pass takes several turns
RING_FROM = 32  # sends of a pass from which a ring takes less time than `send`; bench/experiments/forms.py
A_RING = 32  # sends that are worth a further ring, which may have to be woken
POLL_IDLE = 2  # ms that a kernel thread looks for entries, at a full core, before it sleeps; waking it takes 10 µs
TIMEOUT = 5.0  # s; sends that do not wait complete within microseconds
_SEND = 26  # IORING_OP_SEND
_FLAGS = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_BYTES_OFFSET = bytes.__basicsize__ - 1  # of the data in a bytes object; `start_rings` checks it
_NOT_NOW = {errno.EAGAIN, errno.EINTR}


Columns: TypeAlias = tuple["array[int]", "array[int]", "array[int]"]  # descriptors, addresses, lengths


class Lane:
    """A ring, laid out for sends."""

    def __init__(self, ring: Ring) -> None:
        self.ring = ring
        self._descriptors = ring.column("i", 1, 16)
        self._addresses = ring.column("Q", 2, 8)
        self._lengths = ring.column("I", 6, 16)
        self._wanted = ring.column("I", 8, 16)  # the lower half of the user data
        places = range(ring.entries)
        ring.column("B", 0, 64)[:] = memoryview(bytes([_SEND]) * ring.entries)
        ring.column("I", 7, 16)[:] = memoryview(array("I", [_FLAGS]) * ring.entries)
        ring.column("I", 9, 16)[:] = memoryview(array("I", places))  # the upper half says which entry it was

    def submit(self, descriptors: "array[int]", addresses: "array[int]", lengths: "array[int]") -> int:
        """Begin these sends, at most as many as the ring has entries; returns the number of those begun, the first."""
        place, number = self.ring.place, len(descriptors)
        before_end = self.ring.entries - place
        for column, values in (
            (self._descriptors, descriptors),
            (self._addresses, addresses),
            (self._lengths, lengths),
            (self._wanted, lengths),
        ):
            if number <= before_end:
                column[place : place + number] = values
            else:
                column[place:] = values[:before_end]
                column[: number - before_end] = values[before_end:]
        return self.ring.submit(number)

    def results(self, number: int) -> list[tuple[int, int]]:
        """Wait for the last `number` sends; gives the places, counted from the first, and results of the short ones."""
        begun = (self.ring.place - number) % self.ring.entries
        completions = memoryview(self.ring.wait(number, TIMEOUT)).cast("i")
        wanted, places, results = completions[0::4], completions[1::4], completions[2::4]
        if wanted.tobytes() == results.tobytes():
            return []
        return [
            ((place - begun) % self.ring.entries, result)
            for want, place, result in zip(wanted, places, results, strict=True)
            if want != result
        ]


class Uring:
    """Sends by io_uring. The loop's thread only; `stop` by whoever has ended the loop."""

    def __init__(self, rings: Sequence[Ring]) -> None:
        self.in_flight = False
        self.lanes = [Lane(ring) for ring in rings]
        self._polled = all(ring.polled for ring in rings)
        self._plan: dict[Connection, Planned] = {}  # in flight: it holds the bytes
        self._begun: list[tuple[Lane, int, int]] = []  # with the index in the plan of its first send, and their number
        self._complained = False

    def start(self) -> None: ...

    def stop(self) -> None:
        self.collect()
        while self.lanes:
            self.lanes.pop().ring.close()

    def send(self, plan: dict["Connection", Planned], share: bool) -> list[Short]:
        """Begin the sends. Returns the short writes that are known already; `collect` gives the others."""
        shorts: list[Short] = []
        if len(plan) < RING_FROM:
            send_all(plan.items(), shorts)
            return shorts
        columns, others = _columns(plan), []
        if columns is None:
            others = [pair for pair in plan.items() if not _fits(*pair)]
            plan = {connection: piece for connection, piece in plan.items() if _fits(connection, piece)}
            columns = _columns(plan)
        if columns is not None:
            self._begin(plan, columns, shorts)
        send_all(others, shorts)
        return shorts if self._polled else shorts + self.collect()

    def collect(self) -> list[Short]:
        """Wait until no send is in flight; returns the short writes. Raises Stalled."""
        begun, self._begun, self.in_flight = self._begun, [], False
        short = [(first + place, result) for lane, first, number in begun for place, result in lane.results(number)]
        sent = list(self._plan.items()) if short else []
        self._plan = {}
        return [Short(*sent[index], _outcome(result)) for index, result in short]

    def _begin(self, plan: dict["Connection", Planned], columns: Columns, shorts: list[Short]) -> None:
        number = len(plan)
        rings = min(len(self.lanes), max(1, number // A_RING))
        share = min(-(-number // rings), min(lane.ring.entries for lane in self.lanes))
        for turn, first in enumerate(range(0, number, share)):
            if turn % rings == 0:
                shorts += self.collect()  # of a pass that is larger than the rings
                self._plan = plan
            lane, wanted = self.lanes[turn % rings], min(share, number - first)
            taken = lane.submit(*[column[first : first + wanted] for column in columns])
            if taken:
                self._begun.append((lane, first, taken))
            if taken < wanted:
                self._send_untaken(islice(plan.items(), first + taken, first + wanted), wanted - taken, shorts)
        self.in_flight = bool(self._begun)

    def _send_untaken(self, pieces: Iterable[tuple["Connection", Planned]], number: int, shorts: list[Short]) -> None:
        if not self._complained:
            log.warning("io_uring did not take %d sends of a pass; they are made one by one", number)
            self._complained = True
        send_all(pieces, shorts)


def _fits(connection: "Connection", piece: Planned) -> bool:
    """Whether a ring can send it: it is bytes, to a socket without a transport of its own."""
    return connection.descriptor >= 0 and type(piece[0]) is bytes


def _columns(plan: dict["Connection", Planned]) -> Columns | None:
    """Descriptors, addresses and lengths; None when a ring cannot send all of it. Most get the same bytes as others."""
    pieces = list(plan.values())
    descriptors = [connection.descriptor for connection in plan]
    if not pieces or min(descriptors) < 0:
        return None
    data, size, _ = pieces[0]
    if type(data) is bytes and pieces.count(pieces[0]) == len(pieces):
        addresses, sizes = array("Q", [id(data) + _BYTES_OFFSET]) * len(pieces), array("I", [size]) * len(pieces)
    else:
        several, lengths, _ = zip(*pieces, strict=True)
        if set(map(type, several)) != {bytes}:
            return None
        addresses, sizes = array("Q", [id(data) + _BYTES_OFFSET for data in several]), array("I", lengths)
    return array("i", descriptors), addresses, sizes


def _outcome(result: int) -> int | OSError:
    """A completion's result: the number of bytes taken, or an error's number below zero."""
    if result >= 0:
        return result
    return 0 if -result in _NOT_NOW else OSError(-result, os.strerror(-result))


def start_uring(rings: int, workers: int) -> Uring:
    """Make a sender with this many polled rings; with 0, one ring whose sends the loop's thread makes.

    Raises Unavailable where this machine, its kernel or its settings have no io_uring for this.
    """
    with ExitStack() as undo:
        made = []
        for _ in range(max(1, rings)):
            ring = Ring(ENTRIES, poll_idle=POLL_IDLE if rings else None)
            undo.callback(ring.close)
            ring.bound_workers(workers)
            made.append(ring)
        sender = Uring(made)
        for lane in sender.lanes:
            _try_out(lane)
        undo.pop_all()
    return sender


def _try_out(lane: Lane) -> None:
    """Send to a socket that takes nothing: the send must come back, and must not wait. Raises Unavailable."""
    data = bytes(1024)
    if ctypes.string_at(id(data) + _BYTES_OFFSET, len(data)) != data:
        raise Unavailable("this Python keeps bytes in another place")
    one, other = socket.socketpair()
    with one, other:
        one.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                one.send(data)
        lane.submit(array("i", [one.fileno()]), array("Q", [id(data) + _BYTES_OFFSET]), array("I", [len(data)]))
        try:
            ((_, result),) = lane.results(1)
        except Stalled:
            raise Unavailable("its sends wait for their sockets") from None
    if -result not in _NOT_NOW:
        raise Unavailable(f"a send that should wait gave {result}")
