"""Account for every delivery of one window in one process. Knows no sockets and no Locust.

Many receivers read exactly the same bytes, because a server sends a room one blob. So bytes are examined once and kept
as a `Batch`; each further receiver of them costs a comparison, one step for each sender in them to check that its
messages come in order, and one noted moment. `flush` then counts a batch's moments message by message, in bulk.

Of each message, due = delivered + lost + under way, where due is the members of its room at the time, without the
sender: `epochs` knows who was one. Beside that a message may be *stray* (read by somebody whom it is not due to),
*corrupt* (not what was sent) or *diverged* (in another order than most had it).
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Mapping, Sequence

from loadtest.core.completions import LocalCompletions
from loadtest.core.epochs import Epochs
from loadtest.core.examine import Audience, Examiner, Language
from loadtest.core.histogram import Histogram
from loadtest.core.notices import NoticeLog
from loadtest.core.order import Key, Order
from loadtest.core.receiver import Batch, Moment, Receiver
from loadtest.core.slices import SAMPLE_NS, Fairness, Slices
from loadtest.core.stamps import Stamp, Stamps

_READ_SAMPLE_NS = 10_000_000  # between two blobs whose reading is timed too: all, up to 100 a second
_BATCHES = 8  # blobs that receivers are reading at a time: a server with several workers cuts its stream differently


class Counts:
    """What came of one kind of stamp."""

    def __init__(self) -> None:
        self.delivered = 0
        self.duplicated = 0
        self.reordered = 0
        self.late = 0
        self.fanout = Histogram()


class Ledger(Counts):
    """Deliveries of one window: itself the counts of messages, beside it that of leaves.

    `fanout` counts to the arrival; `read`, a sample, to the moment of reading, which is the generator's own.
    Without `audiences` every stamp of the run counts as a message, with no account of losses.
    """

    def __init__(
        self,
        wanted: Stamps,
        late_after_ns: int,
        audiences: Mapping[int, Audience] | None = None,
        slices: Slices | None = None,
        notices: NoticeLog | None = None,
        wire: Language | None = None,
        near: Collection[int] | None = None,
        completions: LocalCompletions | None = None,
        others: Slices | None = None,
    ) -> None:
        """`wire` reads whole messages; without one, only stamps are looked at.

        Where a process has receivers at several nodes, there is a ledger for each node: `near` are the senders at the
        same one, `completions` those of all receivers here; `others` are the slices of those at other nodes than the
        one that something happens to, where it does.
        """
        super().__init__()
        self.within, self.across = Histogram(), Histogram()  # of `fanout`: from senders at the same node, at others
        self.leaves = Counts()
        self.read = Histogram()
        self.waits = Histogram()  # of the same reads: from arrival to reading
        self.doubt = Histogram()  # of the same reads: how much earlier its first message may have come than is counted
        self.stray = self.corrupt = 0
        self.slices = slices  # the same latencies as `fanout` over the window's time
        self.notices = notices
        self.fairness = Fairness()
        self._late_after_ns = late_after_ns
        self._audiences = audiences
        self._examiner = Examiner(wanted, audiences, wire)
        self._schedules = {
            sender: audience.schedule for sender, audience in (audiences or {}).items() if audience.schedule
        }
        senders = self._senders()
        self._epochs = Epochs(self._schedules, senders)
        self._orders = {room: Order() for room, several in senders.items() if len(several) > 1}
        heard = {sender for sender, audience in (audiences or {}).items() if audience.size}
        self._near = near
        self._others = others
        self._completions = completions or LocalCompletions(self.size, heard)
        self._batches: deque[Batch] = deque(maxlen=_BATCHES)
        self._newest = Batch(b"", [])
        self._next_sample_ns = self._next_read_sample_ns = 0

    def receive(self, receiver: Receiver, data: bytes, at: Moment) -> bool:
        """Note that `receiver` read `data`, whole messages. True when a line may want an answer."""
        batch = self._newest
        if data != batch.data:
            batch = self._batch(data, at[1])
        if batch.gone is not None:
            assert self.notices
            self.notices.note(receiver, batch.gone, at[0])
        due = receiver.next
        if due.get(batch.sender) == batch.first:
            due[batch.sender] = batch.after
        elif not self._follows(due, batch):
            self._apart(receiver, batch, at)
            return batch.urgent
        batch.moments.append(at)
        if batch.tenths is not None:
            batch.tenths.append(receiver.tenth)
        if batch.order is not None:
            self._ordered(receiver, batch)
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

    @staticmethod
    def _ordered(receiver: Receiver, batch: Batch) -> None:
        """Whether a receiver had a batch where its room's order has it."""
        order, span = batch.order, batch.span
        assert order
        if span and span.rises and span.first > receiver.top and not receiver.unplaced:
            receiver.rank = receiver.top = span.last
            return
        keys = [stamp[:2] for stamp in batch.stamps]
        order.follow(receiver, keys)
        batch.span = span or order.span(keys)

    def join(self, receiver: Receiver, now_ns: int) -> None:
        """A user came in while the window is open: a member from now on."""
        self._epochs.join(receiver, now_ns)

    def end(self, receiver: Receiver, now_ns: int) -> None:
        """A member said goodbye or lost its connection at that moment, and nothing more will come of it."""
        self._epochs.end(receiver, now_ns)

    def due(self, sent: Mapping[int, int]) -> int:
        """Deliveries due to the members here; `sent` are the senders that sent fewer messages than planned."""
        return self._due_of(self._counts(sent))

    def _due_of(self, senders: Sequence[tuple[int, int]]) -> int:
        audiences = self._audiences or {}
        return sum(audiences[sender].size * count + self._epochs.more_due(sender, count) for sender, count in senders)

    def under_way(self, sent: Mapping[int, int]) -> int:
        """How many of these had not come when connections ended."""
        return sum(self._epochs.under_way(sender, count) for sender, count in self._counts(sent))

    def awaited(self, near: bool, sent: Mapping[int, int]) -> int:
        """Deliveries due from senders at the same node, or from others, without those under way."""
        senders = [(sender, count) for sender, count in self._counts(sent) if (sender in (self._near or ())) == near]
        return self._due_of(senders) - sum(self._epochs.under_way(sender, count) for sender, count in senders)

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

    @property
    def diverged(self) -> int:
        """Deliveries that came in another order than most receivers of the room had them, as far as this process sees.

        Of one sender's own messages that is *reordered*.
        """
        return sum(order.diverged(self._hearers) for order in self._orders.values())

    def orders(self) -> list[tuple[str, list[int], int]]:
        """Each room where several speak, its order, and how many receivers it has here; see `order.across`."""
        return [(room, order.majority(self._hearers), self._members(room)) for room, order in self._orders.items()]

    def _hearers(self, one: Key, other: Key) -> int:
        """The receivers here who should have both of two messages of one room."""
        assert self._audiences
        first, second = self._audiences[one[0]], self._audiences[other[0]]
        return first.size + second.size - self._members(first.room)

    def _members(self, room: str) -> int:
        assert self._audiences
        return max((each.members for each in self._audiences.values() if each.room == room), default=0)

    def take_partial(self) -> list[int]:
        """See `LocalCompletions.take_partial`."""
        return self._completions.take_partial()

    def _batch(self, data: bytes, now_ns: int) -> Batch:
        for batch in self._batches:
            if batch.data == data:  # different lengths cost nothing, different bytes little
                self._newest = batch
                return batch
        if len(self._batches) == _BATCHES:
            self._count(self._batches[0])
        batch = Batch(data, *self._examiner.look(data))
        if self._audiences is None:
            batch.runs = []  # no order to check
        elif batch.stamps:
            self._rank(batch)
        if self.notices is not None:
            batch.gone = self.notices.find(data)
        if batch.stamps and now_ns >= self._next_sample_ns and self._audiences is not None:
            batch.tenths = []
            self._next_sample_ns = now_ns + SAMPLE_NS
        if now_ns >= self._next_read_sample_ns:
            batch.is_sample = True
            self._next_read_sample_ns = now_ns + _READ_SAMPLE_NS
        self._batches.append(batch)
        self._newest = batch
        return batch

    def _rank(self, batch: Batch) -> None:
        """Where its messages are in their room's order; of such that are taken one by one that is found then."""
        assert self._audiences
        audience = self._audiences.get(batch.stamps[0].sender)
        order = self._orders.get(audience.room) if audience and audience.schedule and batch.runs else None
        if order is not None and all(sender in self._schedules for sender, *_ in batch.runs or ()):
            batch.order = order

    def _apart(self, receiver: Receiver, batch: Batch, at: Moment) -> None:
        """Take a receiver's batch stamp by stamp: something in it is new to the receiver, or out of order."""
        self.corrupt += batch.corrupt
        if batch.stamps:
            self._note_waits(batch, *([moment] for moment in at))
        for stamp in batch.stamps:
            if self._is_new(receiver, stamp):
                self._deliver(stamp, [at[0]], [at[1]])
                if (order := self._orders.get(receiver.room)) and stamp.sender in self._schedules:
                    order.follow(receiver, [stamp[:2]])

    def _is_new(self, receiver: Receiver, stamp: Stamp) -> bool:
        """Check a stamp against what the receiver had: new, too early, too late, or once more."""
        sender, number, _ = stamp
        audience = self._audiences.get(sender) if self._audiences else None
        if self._audiences is not None and (audience is None or audience.room != receiver.room):
            self.stray += 1
            return False
        assert audience
        if sender == receiver.number or (audience.schedule is None and receiver.starts is not None):
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
            self._kind(audience).reordered += audience.schedule is not None
            return True
        self._kind(audience).duplicated += 1
        return False

    def size(self, sender: int, number: int) -> int:
        """To how many of its receivers a message is due."""
        assert self._audiences
        return self._audiences[sender].size + self._epochs.more(sender, number)

    def _senders(self) -> dict[str, list[int]]:
        rooms: dict[str, list[int]] = {}
        for sender in self._schedules:
            assert self._audiences
            rooms.setdefault(self._audiences[sender].room, []).append(sender)
        return rooms

    def _counts(self, sent: Mapping[int, int]) -> list[tuple[int, int]]:
        """Each sender and how many messages it has sent."""
        return [(sender, sent.get(sender, table.count)) for sender, table in self._schedules.items()]

    def _kind(self, audience: Audience) -> Counts:
        return self.leaves if audience.leaves else self

    def _count(self, batch: Batch) -> None:
        if not batch.moments:
            return
        read: list[int] = []
        if batch.is_sample and batch.stamps:
            arrived, read, earliest = map(list, zip(*batch.moments, strict=True))
            self._note_waits(batch, arrived, read, earliest)
        else:
            arrived = [moment[0] for moment in batch.moments]
        if batch.tenths:
            pairs = sorted(zip(arrived, batch.tenths, strict=True))
            self.fairness.add(batch.stamps[0].intended_ns, *map(list, zip(*pairs, strict=True)))
            batch.tenths = []
        arrived.sort()  # nearly so: the kernel has them in another order than the reader
        for stamp in batch.stamps:
            self._deliver(stamp, arrived, read)
        batch.moments = []

    def _note_waits(self, batch: Batch, arrived: list[int], read: list[int], earliest: list[int]) -> None:
        """How late these were read, and how sure it is when they came: a lone message came with its stamp."""
        waits = list(map(int.__sub__, read, arrived))
        is_lone = len(batch.stamps) == 1
        sent_ns = batch.stamps[0].intended_ns  # nothing arrives before
        doubts = [
            0 if is_lone and wait else max(0, came - max(first, sent_ns))
            for wait, came, first in zip(waits, arrived, earliest, strict=True)
        ]
        self.waits.add_sorted(sorted(waits), 0)
        self.doubt.add_sorted(sorted(doubts), 0)

    def _deliver(self, stamp: Stamp, times: list[int], reads: Sequence[int]) -> None:
        """Count one message at receivers that had it at these ascending times, and read it at those, if that counts."""
        sender, number, intended = stamp
        audience = self._audiences[sender] if self._audiences else None
        counts = self if audience is None else self._kind(audience)
        count = len(times)
        counts.delivered += count
        if reads and counts is self:
            self.read.add_sorted(reads, intended)
        if counts is self and self.slices is not None:
            counts.fanout.add_sorted(times, intended, self.slices.at(intended))
        else:
            counts.fanout.add_sorted(times, intended)
        if self._near is not None and sender in self._schedules:
            part, others = self.within if sender in self._near else self.across, self._others
            part.add_sorted(times, intended, others.at(intended) if others else None)
        if times[-1] - intended > self._late_after_ns:
            counts.late += count - bisect_right(times, intended + self._late_after_ns)
        if counts is self and audience is not None:
            self._completions.add(sender, number, intended, times)
