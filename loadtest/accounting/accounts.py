"""Account for every delivery of one window in one process. Knows no sockets and no Locust.

Many receivers read exactly the same bytes, because a server sends a room one blob. So bytes are searched for stamps
once and kept as a `Batch`; each further receiver of them costs a comparison, one step for each sender in them to check
that its messages come in order, and one noted time. `flush` then counts a batch's times message by message, in bulk.

Of each message, due = delivered + lost + under way, where due is the members of its room at the time, without the
sender: `epochs` knows who was one.
"""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from loadtest.accounting import stamps
from loadtest.accounting.completions import LocalCompletions
from loadtest.accounting.epochs import Epochs, Timetable
from loadtest.accounting.fairness import SAMPLE_NS, Fairness
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.notices import Gone, Notices
from loadtest.accounting.slices import Slices
from loadtest.accounting.stamps import Stamp

_BATCHES = 8  # blobs that receivers are reading at a time: a server with several workers cuts its stream differently


@dataclass(slots=True)
class Receiver:
    """What one user has had of each sender it heard. `number` is the user's own as a sender, -1 when it has none."""

    room: str
    number: int = -1
    tenth: int = 0  # of those who were in as the window began, by the order of their coming
    told: int = 0  # of whose end: a bit for each user
    next: dict[int, int] = field(default_factory=dict)
    missing: dict[int, set[int]] = field(default_factory=dict)
    starts: dict[int, int] | None = None  # the first number due of each sender, for one who came in the window


class Batch:
    """The stamps in some bytes, and when the receivers of exactly these bytes had them."""

    __slots__ = ("after", "data", "first", "gone", "runs", "sender", "stamps", "tenths", "times", "urgent")

    def __init__(self, data: bytes, wanted: re.Pattern[bytes], offset_ns: int = 0) -> None:
        self.data = data
        self.gone: Gone | None = None  # whose end it tells of, where that is watched
        self.stamps = stamps.find(wanted, data, offset_ns)
        self.runs = stamps.runs(self.stamps)
        # Of one sender alone, as mostly, these are its run; else no sender has this number.
        self.sender, self.first, self.after = self.runs[0] if self.runs and len(self.runs) == 1 else (-1, 0, 0)
        self.times: list[int] = []
        self.tenths: list[int] | None = None  # of the same receivers, in a sample
        self.urgent = b"PING" in data or b"ERROR" in data  # perhaps a line that the connection must answer


@dataclass(frozen=True, slots=True)
class Audience:
    """Who should have a sender's messages: its room, and how many members of it this process has, but the sender.

    Without a timetable it is many users' stamps under one number: they are due to whoever was in from the beginning,
    and in no order that a server must keep.
    """

    room: str
    size: int
    messages: int  # how many the sender has planned: a stamp with a higher number is not one of them
    leaves: bool = False  # they are no messages but what users say as they quit
    timetable: Timetable | None = None


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
        offset_ns: int = 0,
    ) -> None:
        """`offset_ns` is what this process's clock shows more than the one that stamps are written by."""
        super().__init__()
        self.leaves = Tally()
        self.slices = slices  # the same latencies over the window's time
        self.notices = notices
        self.fairness = Fairness()
        self._wanted = wanted
        self._late_after_ns = late_after_ns
        self._offset_ns = offset_ns
        self._audiences = audiences
        self._timetables = {
            sender: audience.timetable for sender, audience in (audiences or {}).items() if audience.timetable
        }
        self._epochs = Epochs(self._timetables, self._senders())
        self._completions = LocalCompletions(self._size)
        self._batches: deque[Batch] = deque(maxlen=_BATCHES)
        self._newest = Batch(b"", wanted)
        self._next_sample_ns = 0

    def receive(self, receiver: Receiver, data: bytes, now_ns: int) -> bool:
        """Note that `receiver` read `data`, whole lines, at `now_ns`. True when a line may want an answer."""
        batch = self._newest
        if data != batch.data:
            batch = self._batch(data, now_ns)
        if batch.gone is not None:
            assert self.notices
            self.notices.note(receiver, batch.gone, now_ns)
        due = receiver.next
        if due.get(batch.sender) == batch.first:
            due[batch.sender] = batch.after
        elif not self._follows(due, batch):
            self._apart(receiver, batch, now_ns)
            return batch.urgent
        batch.times.append(now_ns)
        if batch.tenths is not None:
            batch.tenths.append(receiver.tenth)
        return batch.urgent

    def _follows(self, due: dict[int, int], batch: Batch) -> bool:
        """Whether a batch is just what is due, of each sender; then what follows it is due next."""
        if batch.runs is None:
            return False
        for sender, first, _ in batch.runs:
            if due.get(sender) != first:
                return False
        for sender, _, after in batch.runs:
            due[sender] = after
        return True

    def join(self, receiver: Receiver, now_ns: int) -> None:
        """A user came in while the window is open: a member from now on."""
        self._epochs.join(receiver, now_ns)

    def end(self, receiver: Receiver, now_ns: int) -> None:
        """A member said goodbye or lost its connection at that moment, and nothing more will come of it."""
        self._epochs.end(receiver, now_ns)

    def due(self, sent: Mapping[int, int]) -> int:
        """Deliveries due to the members here; `sent` are the senders that sent fewer messages than planned."""
        audiences = self._audiences or {}
        return sum(
            audiences[sender].size * count + self._epochs.more_due(sender, count)
            for sender, count in self._counts(sent)
        )

    def under_way(self, sent: Mapping[int, int]) -> int:
        """How many of these had not come when connections ended."""
        return sum(self._epochs.under_way(sender, count) for sender, count in self._counts(sent))

    @property
    def joined(self) -> int:
        return self._epochs.joined

    @property
    def ended(self) -> int:
        return self._epochs.ended

    def flush(self) -> None:
        """Count what was noted. The figures are complete after it."""
        for batch in self._batches:
            self._count(batch)
        if self._epochs.changed:
            self._epochs.changed = False
            self._completions.look_again()

    def take_completed(self) -> list[int]:
        """See `LocalCompletions.take_completed`."""
        return self._completions.take_completed()

    def _batch(self, data: bytes, now_ns: int) -> Batch:
        for batch in self._batches:
            if batch.data == data:  # different lengths cost nothing, different bytes little
                self._newest = batch
                return batch
        if len(self._batches) == _BATCHES:
            self._count(self._batches[0])
        batch = Batch(data, self._wanted, self._offset_ns)
        if self._audiences is None:
            batch.runs = []  # no order to check
        if self.notices is not None:
            batch.gone = self.notices.find(data)
        if batch.stamps and now_ns >= self._next_sample_ns and self._audiences is not None:
            batch.tenths = []
            self._next_sample_ns = now_ns + SAMPLE_NS
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
        if sender == receiver.number or (audience.timetable is None and receiver.starts is not None):
            return False  # its own words, where a server echoes them; or a crowd's, to one who came later
        due = receiver.next.get(sender)
        if due is None:
            due = self._epochs.heard(receiver, sender, number)
        if number >= due:
            if number > due:
                receiver.missing.setdefault(sender, set()).update(range(due, number))
            receiver.next[sender] = number + 1
            return True
        return self._is_late(receiver, audience, stamp)

    def _is_late(self, receiver: Receiver, audience: Audience, stamp: Stamp) -> bool:
        """A number below the next one: it was missing until now, or comes again."""
        sender, number, _ = stamp
        missing = receiver.missing.setdefault(sender, set())
        start = 0 if receiver.starts is None else receiver.starts[sender]
        if number < start:  # the server had let the user in even before the first message that it heard
            self._epochs.heard(receiver, sender, number)
            missing.update(range(number, start))
        if number in missing:
            missing.remove(number)
            self._tally(audience).reordered += audience.timetable is not None
            return True
        self._tally(audience).duplicated += 1
        return False

    def _size(self, sender: int, number: int) -> int:
        """To how many here a message is due."""
        assert self._audiences
        return self._audiences[sender].size + self._epochs.more(sender, number)

    def _senders(self) -> dict[str, list[int]]:
        rooms: dict[str, list[int]] = {}
        for sender in self._timetables:
            assert self._audiences
            rooms.setdefault(self._audiences[sender].room, []).append(sender)
        return rooms

    def _counts(self, sent: Mapping[int, int]) -> list[tuple[int, int]]:
        """Each sender and how many messages it has sent."""
        return [(sender, sent.get(sender, table.count)) for sender, table in self._timetables.items()]

    def _tally(self, audience: Audience) -> Tally:
        return self.leaves if audience.leaves else self

    def _count(self, batch: Batch) -> None:
        if not batch.times:
            return
        for stamp in batch.stamps:
            self._deliver(stamp, batch.times)
        if batch.tenths:
            self.fairness.add(batch.stamps[0].intended_ns, batch.times, batch.tenths)
            batch.tenths = []
        batch.times = []

    def _deliver(self, stamp: Stamp, times: list[int]) -> None:
        """Count one message at receivers that had it at these ascending times."""
        sender, number, intended = stamp
        audience = self._audiences[sender] if self._audiences else None
        tally = self if audience is None else self._tally(audience)
        count = len(times)
        tally.delivered += count
        if tally is self and self.slices is not None:
            tally.fanout.add_sorted(times, intended, self.slices.at(intended))
        else:
            tally.fanout.add_sorted(times, intended)
        if times[-1] - intended > self._late_after_ns:
            tally.late += count - bisect_right(times, intended + self._late_after_ns)
        if tally is self and audience is not None and audience.size:
            self._completions.add(sender, number, intended, times)
