"""This process's part of one measured window: its speakers, its account, its health. Knows no other process."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import gevent

from loadtest.accounting import stamps
from loadtest.accounting.accounts import Account, Receiver
from loadtest.accounting.epochs import Listed, Timetable
from loadtest.accounting.examine import Audience, Language
from loadtest.accounting.fairness import TENTHS, tenth_of
from loadtest.accounting.histogram import Histogram
from loadtest.accounting.notices import Notices
from loadtest.accounting.overdue import Overdue
from loadtest.accounting.slices import Slices
from loadtest.accounting.stamps import Stamp, Stamps
from loadtest.network.connection import Connection
from loadtest.settings.options import Settings
from loadtest.watch.resources import Sampler
from loadtest.worker.fresh import Fresh
from loadtest.worker.garbage import Collections, settle
from loadtest.worker.generator import Health
from loadtest.worker.pacer import Pacer, Voice
from loadtest.worker.rows import Row

_UNPLANNED = 1 << 32  # messages of those whose number nobody knows beforehand: what a stamp can count


class Listener(Protocol):
    """What a part needs of a user."""

    connection: Connection | None
    account: Account | None
    receiver: Receiver

    def send_words(self, room: str, words: str) -> bool: ...


class Part:
    """Speaks, listens, counts and watches itself, from the moment it is made."""

    def __init__(
        self,
        run: str,
        settings: Settings,
        members: Mapping[int, Listener],
        stats: Any,
        orders: dict[str, Any],
        wire: Language | None = None,
    ) -> None:
        """`wire` reads what the members hear."""
        self.number: int = orders["number"]
        self.sent: Counter[int] = Counter()  # messages of each sender that is here
        self.crowd_sent: Counter[str] = Counter()  # by room, of users who come and go
        self.crowd_left: Counter[str] = Counter()  # and how many of those said that they leave
        self.dropped: Counter[str] = Counter()
        self._run = run
        settle()
        self._members = dict(members)
        sizes = dict(orders.get("sizes", ()))
        self._stamps = Stamps(run, self.number, settings.message_size, orders["offset_ns"], sizes)
        speakers: list[list[Any]] = orders["speakers"]
        start_ns: int = orders["start_ns"]
        death = orders.get("death")  # who of the users dies in this window, and when
        audiences, slices = self._audiences(speakers, start_ns), Slices(start_ns, orders["slice_ns"])
        late_after_ns = round(settings.late_after * 1e9)
        self.account = Account(
            self._stamps,
            late_after_ns,
            {**audiences, **self._crowds(orders["crowds"])},
            slices,
            Notices(stamps.nick_head(run), death["victims"], death["at_ns"]) if death else None,
            wire,
        )
        self._planned: dict[int, int] = {}  # messages of each sender that is here
        self._speaking: set[int] = set()  # the users who are senders
        self._rows = [Row(stats, kind, settings.scenario) for kind in ("send", "deliver", "leave")]
        self._health = Health(Slices(start_ns, orders["slice_ns"]))
        self._collections = Collections()
        self._collections.watch()
        self._fresh = Fresh(self.account, self._health, self.dropped)
        timetables = {sender: each.timetable for sender, each in audiences.items() if each.timetable}
        self._overdue = Overdue(timetables, late_after_ns, slices, self.account)
        self._has_crowds = bool(orders["crowds"])
        self._seat()
        voices = self._voices(speakers)
        for member in self._members.values():
            member.account = self.account
        self._end_ns: int = orders["end_ns"]
        self._pacing = [gevent.spawn(Pacer(voices, start_ns, self._health.send_lateness).run)]
        self._usage = Sampler(os.getpid())
        self._watching = [
            gevent.spawn(self._health.watch, start_ns, self._end_ns),
            gevent.spawn(self._usage.watch, start_ns, self._end_ns, orders["slice_ns"]),
        ]

    @property
    def finished(self) -> bool:
        """Nothing more will be sent."""
        return all(each.ready() for each in self._pacing) and time.monotonic_ns() >= self._end_ns

    @property
    def send_lateness(self) -> Histogram:
        """One sample a message that was sent."""
        return self._health.send_lateness

    def wait_for(self, greenlet: Any) -> None:
        """It sends too: the part is not finished before it, and ends it when closed."""
        self._pacing.append(greenlet)

    def words(self, stamp: Stamp) -> str:
        """A stamped message of this window; the stamp's time is this process's, in the message it is the leader's."""
        return self._stamps.text(stamp)

    def leave_words(self, stamp: Stamp) -> str:
        """What somebody says as they quit."""
        return self._stamps.head(stamp)

    def admit(self, member: Listener) -> None:
        """A user is in, who was not as the window began."""
        member.receiver = Receiver(member.receiver.room, tenth=TENTHS - 1)
        member.account = self.account
        self.account.join(member.receiver, time.monotonic_ns())

    def part_with(self, member: Listener, why: str = "") -> None:
        """A member's connection has ended, or is closed now; `why` where nobody wanted it."""
        if member.account is self.account:
            self.account.end(member.receiver, time.monotonic_ns())
            member.account = None
        if why:
            self.dropped[why] += 1

    def speaks(self, number: int) -> bool:
        """Whether a user has something to say yet."""
        return number in self._speaking and not self.finished

    def hush(self) -> None:
        """Nothing more is to be sent."""
        gevent.killall(self._pacing, block=True)
        self._end_ns = min(self._end_ns, time.monotonic_ns())

    def show(self) -> None:
        """Bring Locust's table up to date."""
        self.account.flush()
        self._rows[0].show(self._health.send_lateness)
        self._rows[1].show(self.account.fanout)
        self._rows[2].show(self.account.leaves.fanout)

    def so_far(self) -> dict[str, Any]:
        """What was sent, and what came of it: the conductor waits until they agree."""
        account = self.account
        return {
            "due": self._due_here() if self.finished else 0,
            "crowd_sent": dict(self.crowd_sent),
            "crowd_left": dict(self.crowd_left),
            "delivered": account.delivered,
            "told": account.leaves.delivered,
        }

    def fresh(self) -> dict[str, Any]:
        """What is new since the last call, for those who look on."""
        own = {sender: self.sent[sender] for sender in self._planned}
        overdue = None if self._has_crowds else self._overdue.count(time.monotonic_ns(), own)  # they have no timetable
        return {**self._fresh.take(), "sent": self.sent.total() + self.crowd_sent.total(), "overdue": overdue}

    def _due_here(self) -> int:
        """What may still come, as far as is known here: that a sender elsewhere has sent less comes out at the end."""
        short = self.short()
        return self.account.due(short) - self.account.under_way(short)

    def short(self) -> dict[int, int]:
        """The senders here who sent fewer messages than planned, and how many these were."""
        return {sender: self.sent[sender] for sender, count in self._planned.items() if self.sent[sender] < count}

    def statement(self, short: Mapping[int, int]) -> dict[str, Any]:
        """Everything that the conductor needs of this process, in plain values; `short` are all processes' `short`.

        What has arrived by now is read before: a process that was late must not call it lost.
        """
        for member in self._members.values():
            if member.connection:
                member.connection.read_now()
        self._health.finish()
        self.show()
        self._usage.finish()
        account, health = self.account, self._health
        assert account.slices is not None
        return {
            "window": self.number,
            **self.so_far(),
            "sent": self.sent.total(),
            "sent_by": [list(pair) for pair in self.sent.items()],
            "due": account.due(short),
            "under_way": account.under_way(short),
            "joined": account.joined,
            "ended": account.ended,
            "duplicated": account.duplicated,
            "reordered": account.reordered,
            "late": account.late,
            "leaves": account.leaves.statement(),
            "slices": account.slices.pack(),
            "completed": account.take_completed(),
            "partial": account.take_partial(),
            "tenths": account.fairness.pack(),
            "send_lateness": health.send_lateness.pack(),
            "loop_lag": health.loop_lag.pack(),
            "lags": health.lags.pack() if health.lags else [],
            "receive_backlog": account.waits.pack(),
            "read": account.read.pack(),
            "doubt": account.doubt.pack(),
            "collections": self._collections.times.pack(),
            "stray": account.stray,
            "corrupt": account.corrupt,
            "diverged": account.diverged,
            "orders": account.orders(),
            "cpu_percent": health.cpu_percent(),
            "usage": self._usage.samples,
            "stood_still_us": health.stood_still_us,
            "machine": health.machine,
            "dropped": dict(self.dropped),
            "notices": account.notices.statement() if account.notices else None,
        }

    def close(self) -> None:
        self._collections.stop()
        gevent.killall([*self._pacing, *self._watching], block=False)

    def _audiences(self, speakers: list[list[Any]], start_ns: int) -> dict[int, Audience]:
        sizes = self._sizes()
        return {
            sender: Audience(
                room,
                sizes[room] - (user in self._members),
                count,
                timetable=_table(start_ns, first_ns, interval_ns, count, times),
                nick=stamps.nick_of(self._run, user),
                is_here=user in self._members,
            )
            for sender, user, room, first_ns, interval_ns, count, times in speakers
        }

    def _crowds(self, crowds: list[list[Any]]) -> dict[int, Audience]:
        sizes = self._sizes()
        return {sender: Audience(room, sizes[room], _UNPLANNED, leaves) for sender, room, leaves in crowds}

    def _sizes(self) -> Counter[str]:
        return Counter(member.receiver.room for member in self._members.values())

    def _seat(self) -> None:
        """Give everyone here a clean receiver, in the order in which they came in."""
        sizes, places = self._sizes(), Counter[str]()
        for member in self._members.values():
            room = member.receiver.room
            member.receiver = Receiver(room, tenth=tenth_of(places[room], sizes[room]))
            places[room] += 1

    def _voices(self, speakers: list[list[Any]]) -> list[Voice]:
        """The speakers who are here."""
        voices = []
        for sender, user, room, first_ns, interval_ns, count, times in speakers:
            if user in self._members:
                self._speaking.add(user)
                self._planned[sender] = count
                self._members[user].receiver.number = sender
                say = self._voice(sender, self._members[user], room)
                voices.append(Voice(first_ns, interval_ns, count, say, tuple(times)))
        return voices

    def _voice(self, sender: int, member: Listener, room: str) -> Callable[[int, int], None]:
        def say(number: int, intended_ns: int) -> None:
            words = self.words(Stamp(sender, number, intended_ns))
            if member.send_words(room, words):
                self.sent[sender] += 1

        return say


def _table(start_ns: int, first_ns: int, interval_ns: int, count: int, times: Sequence[int]) -> Timetable:
    """`times` are after the start, where they are not even."""
    if times:
        return Listed.of([start_ns + each for each in times])
    return Timetable(start_ns + first_ns, interval_ns, count)
