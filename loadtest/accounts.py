"""Account for every delivery of one window in one process. Knows no sockets and no Locust.

Many receivers read exactly the same bytes, because a server sends a room one blob. So bytes are searched for stamps
once and kept as a `Batch`; each further receiver of them costs a comparison, one step for each sender in them to check
that its messages come in order, and one noted time. `flush` then counts a batch's times message by message, in bulk.
"""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest import stamps
from loadtest.histogram import Histogram
from loadtest.notices import Gone, Notices
from loadtest.slices import Slices
from loadtest.stamps import Stamp

_BATCHES = 8  # blobs that receivers are reading at a time: a server with several workers cuts its stream differently
_PENDING = 100_000  # messages of which some receiver in this process has nothing yet; the oldest are given up beyond


@dataclass(slots=True)
class Receiver:
    """What one user has had of each sender it heard. `number` is the user's own as a sender, -1 when it has none."""

    room: str
    number: int = -1
    told: int = 0  # of whose end: a bit for each user
    next: dict[int, int] = field(default_factory=dict)
    missing: dict[int, set[int]] = field(default_factory=dict)


class Batch:
    """The stamps in some bytes, and when the receivers of exactly these bytes had them."""

    __slots__ = ("data", "gone", "runs", "stamps", "times", "urgent")

    def __init__(self, data: bytes, wanted: re.Pattern[bytes]) -> None:
        self.data = data
        self.gone: Gone | None = None  # whose end it tells of, where that is watched
        self.stamps = stamps.find(wanted, data)
        self.runs = stamps.runs(self.stamps)
        self.times: list[int] = []
        self.urgent = b"PING" in data or b"ERROR" in data  # perhaps a line that the connection must answer


@dataclass(frozen=True, slots=True)
class Audience:
    """Who should have a sender's messages: its room, and how many members of it this process has, but the sender."""

    room: str
    size: int
    messages: int  # how many the sender has planned: a stamp with a higher number is not one of them
    leaves: bool = False  # they are no messages but what users say as they quit
    ordered: bool = True  # False: many users' stamps under one number, in no order that a server must keep


class Tally:
    """What came of one kind of stamp."""

    def __init__(self) -> None:
        self.delivered = 0
        self.duplicated = 0
        self.reordered = 0
        self.late = 0
        self.fanout = Histogram()

    def statement(self) -> dict[str, Any]:
        return {"duplicated": self.duplicated, "fanout": self.fanout.pack()}  # the rest follows


class Account(Tally):
    """Deliveries of one window: itself the tally of messages, beside it that of leaves.

    Without `audiences` every stamp of the run counts as a message, with no account of losses.
    """

    def __init__(
        self,
        wanted: re.Pattern[bytes],
        late_after_ns: int,
        audiences: Mapping[int, Audience] | None = None,
        slices: Slices | None = None,
        notices: Notices | None = None,
    ) -> None:
        super().__init__()
        self.leaves = Tally()
        self.completed: list[int] = []  # sender, number and microseconds of each message that all here have; drained
        self._wanted = wanted
        self._late_after_ns = late_after_ns
        self._audiences = audiences
        self.slices = slices  # the same latencies over the window's time
        self.notices = notices
        self._batches: deque[Batch] = deque(maxlen=_BATCHES)
        self._newest = Batch(b"", wanted)
        self._pending: dict[tuple[int, int], list[int]] = {}  # (sender, number): receivers to come, last time

    def receive(self, receiver: Receiver, data: bytes, now_ns: int) -> bool:
        """Note that `receiver` read `data`, whole lines, at `now_ns`. True when a line may want an answer."""
        batch = self._newest
        if data != batch.data:
            batch = self._batch(data)
        if batch.gone is not None and self.notices is not None:
            self.notices.note(receiver, batch.gone, now_ns)
        due = receiver.next
        if batch.runs is None:
            self._apart(receiver, batch, now_ns)
            return batch.urgent
        for sender, first, _ in batch.runs:
            if due.get(sender) != first:
                self._apart(receiver, batch, now_ns)
                return batch.urgent
        for sender, _, after in batch.runs:
            due[sender] = after
        batch.times.append(now_ns)
        return batch.urgent

    def flush(self) -> None:
        """Count what was noted. The figures are complete after it."""
        for batch in self._batches:
            self._count(batch)

    def take_completed(self) -> list[int]:
        completed, self.completed = self.completed, []
        return completed

    def _batch(self, data: bytes) -> Batch:
        for batch in self._batches:
            if batch.data == data:  # different lengths cost nothing, different bytes little
                self._newest = batch
                return batch
        if len(self._batches) == _BATCHES:
            self._count(self._batches[0])
        batch = Batch(data, self._wanted)
        if self._audiences is None:
            batch.runs = []  # no order to check
        if self.notices is not None:
            batch.gone = self.notices.find(data)
        self._batches.append(batch)
        self._newest = batch
        return batch

    def _apart(self, receiver: Receiver, batch: Batch, now_ns: int) -> None:
        """Take a receiver's batch stamp by stamp: something in it is new to the receiver, or out of order."""
        for stamp in batch.stamps:
            if self._is_new(receiver, stamp):
                self._deliver(stamp, [now_ns])

    def _is_new(self, receiver: Receiver, stamp: Stamp) -> bool:
        """Check a stamp against what the receiver had: new, too early, too late, or once more."""
        sender, number, _ = stamp
        audience = self._audiences.get(sender) if self._audiences else None
        if audience is None or audience.room != receiver.room or number >= audience.messages:
            return False  # a room that the receiver is not in, or no message of ours
        if sender == receiver.number:
            return False  # its own words, where a server echoes them
        due = receiver.next.get(sender, 0)
        if number >= due:
            if number > due:
                receiver.missing.setdefault(sender, set()).update(range(due, number))
            receiver.next[sender] = number + 1
            return True
        missing = receiver.missing.get(sender)
        if missing and number in missing:
            missing.remove(number)
            self._tally(audience).reordered += audience.ordered
            return True
        self._tally(audience).duplicated += 1
        return False

    def _tally(self, audience: Audience) -> Tally:
        return self.leaves if audience.leaves else self

    def _count(self, batch: Batch) -> None:
        if batch.times:
            for stamp in batch.stamps:
                self._deliver(stamp, batch.times)
            batch.times = []

    def _deliver(self, stamp: Stamp, times: list[int]) -> None:
        """Count one message at receivers that had it at these ascending times."""
        sender, _, intended = stamp
        audience = self._audiences[sender] if self._audiences else None
        tally = self if audience is None else self._tally(audience)
        count = len(times)
        tally.delivered += count
        tally.fanout.add_sorted(times, intended)
        if times[-1] - intended > self._late_after_ns:
            tally.late += count - bisect_right(times, intended + self._late_after_ns)
        if tally is not self:
            return
        if self.slices is not None:
            self.slices.at(intended).add_sorted(times, intended)
        if audience is not None:
            self._complete(stamp, audience.size, count, times[-1])

    def _complete(self, stamp: Stamp, size: int, count: int, last_ns: int) -> None:
        """So many more receivers have a message that so many are to have."""
        sender, number, intended = stamp
        key = (sender, number)
        pending = self._pending.get(key)
        if pending is None:
            if len(self._pending) >= _PENDING:
                del self._pending[next(iter(self._pending))]
            pending = self._pending[key] = [size, 0]
        pending[0] -= count
        pending[1] = max(pending[1], last_ns)
        if not pending[0]:
            del self._pending[key]
            self.completed += (sender, number, (pending[1] - intended) // 1000)


class Completions:
    """When each message had reached its last receiver, put together from what every process says of its own."""

    def __init__(self, parts: Mapping[int, int]) -> None:
        """`parts` is, for each sender, in how many processes it has receivers."""
        self.histogram = Histogram()
        self._parts = parts
        self._pending: dict[tuple[int, int], list[int]] = {}  # (sender, number): processes to come, longest time

    def add(self, completed: list[int]) -> None:
        """Take what an `Account.take_completed` gave."""
        for sender, number, us in zip(completed[::3], completed[1::3], completed[2::3], strict=True):
            parts = self._parts.get(sender, 0)
            if parts == 1:
                self.histogram.add(us)
            elif parts:
                self._join(sender, number, us, parts)

    def _join(self, sender: int, number: int, us: int, parts: int) -> None:
        key = (sender, number)
        pending = self._pending.pop(key, None) or [parts, 0]
        pending[0] -= 1
        pending[1] = max(pending[1], us)
        if not pending[0]:
            self.histogram.add(pending[1])
            return
        if len(self._pending) >= _PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[key] = pending
