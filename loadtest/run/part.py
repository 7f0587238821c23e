"""This process's part of one measured window: its senders, its ledgers, its health. Knows no other process."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import gevent

from loadtest.core.examine import Language
from loadtest.core.histogram import Growth, Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.receiver import Receiver, Sink
from loadtest.core.slices import TENTHS, Overdue, Slices, tenth_of
from loadtest.core.stamps import Stamp, Stamps
from loadtest.core.statement import Statement
from loadtest.net.connection import Connection
from loadtest.run.health import Collections, Health, settle
from loadtest.run.ledgers import Ledgers, sizes_of
from loadtest.run.machine import Sampler
from loadtest.run.messages import Delta, Opening, SenderPlan
from loadtest.run.sender import Say, Sender
from loadtest.run.settings import Settings

Show = Callable[[Histogram], None]  # brings a row of Locust's table up to date
NewRow = Callable[[str, str], Show]  # of this kind and name


class Listener(Protocol):
    """What a part needs of a user."""

    connection: Connection | None
    ledger: Sink | None
    receiver: Receiver
    node: int  # that it is connected to: the place of its host among several

    def send_words(self, room: str, words: str) -> bool: ...


class Part:
    """Speaks, listens, counts and watches itself, from the moment it is made."""

    def __init__(
        self,
        run_id: str,
        settings: Settings,
        members: Mapping[int, Listener],
        new_row: NewRow,
        opening: Opening,
        wire: Language | None = None,
    ) -> None:
        """`opening` has the moments of this process's clock; `wire` reads what the members hear."""
        self.number = opening.number
        self.sent: Counter[int] = Counter()  # messages of each sender that is here
        self.crowd_sent: Counter[str] = Counter()  # by room, of users who come and go
        self.crowd_left: Counter[str] = Counter()  # and how many of those said that they leave
        self.dropped: Counter[str] = Counter()
        settle()
        self._members = dict(members)
        self._stamps = Stamps(run_id, self.number, settings.message_size, opening.offset_ns, opening.sizes)
        start_ns = opening.start_ns
        late_after_ns = round(settings.late_after * 1e9)
        self._ledgers = Ledgers(run_id, opening, self._members, self._stamps, late_after_ns, wire)
        self._planned: dict[int, int] = {}  # messages of each sender that is here
        self._speaking: set[int] = set()  # the users who are senders
        self._rows = [new_row(kind, settings.scenario) for kind in ("send", "deliver", "leave")]
        self._health = Health(Slices(start_ns, opening.slice_ns))
        self._collections = Collections()
        self._collections.watch()
        self._growths = {name: Growth() for name in self._growing()}
        schedules = {each.sender: each.schedule(start_ns) for each in opening.senders}
        self._overdue = Overdue(schedules, late_after_ns, self._ledgers.slices, self._ledgers)
        self._has_crowds = bool(opening.crowds)
        self._reset_receivers()
        sender = Sender(
            [(each.schedule(start_ns), self._say(each)) for each in opening.senders if each.user in self._members],
            self._health.send_lateness,
        )
        for member in self._members.values():
            member.ledger = self.ledgers[member.node]
        self._end_ns = opening.end_ns
        self._sending = [gevent.spawn(sender.run)]
        self._usage = Sampler(os.getpid())
        self._watching = [
            gevent.spawn(self._health.watch, start_ns, self._end_ns),
            gevent.spawn(self._usage.watch, start_ns, self._end_ns, opening.slice_ns),
        ]

    @property
    def finished(self) -> bool:
        """Nothing more will be sent."""
        return all(each.ready() for each in self._sending) and time.monotonic_ns() >= self._end_ns

    @property
    def ledgers(self) -> Sequence[Ledger]:
        """Of those at each node."""
        return self._ledgers.each

    @property
    def send_lateness(self) -> Histogram:
        """One sample a message that was sent."""
        return self._health.send_lateness

    def wait_for(self, greenlet: Any) -> None:
        """It sends too: the part is not finished before it, and ends it when closed."""
        self._sending.append(greenlet)

    def words(self, stamp: Stamp) -> str:
        """A stamped message of this window; the stamp's time is this process's, in the message it is the leader's."""
        return self._stamps.text(stamp)

    def leave_words(self, stamp: Stamp) -> str:
        """What somebody says as they quit."""
        return self._stamps.head(stamp)

    def admit(self, member: Listener) -> None:
        """A user is in, who was not as the window began."""
        member.receiver = Receiver(member.receiver.room, tenth=TENTHS - 1)
        ledger = member.ledger = self.ledgers[member.node]
        ledger.join(member.receiver, time.monotonic_ns())

    def remove(self, member: Listener, why: str = "") -> None:
        """A member's connection has ended, or is closed now; `why` where nobody wanted it."""
        ledger = self.ledgers[member.node]
        if member.ledger is ledger:
            ledger.end(member.receiver, time.monotonic_ns())
            member.ledger = None
        if why:
            self.dropped[why] += 1

    def speaks(self, number: int) -> bool:
        """Whether a user has something to say yet."""
        return number in self._speaking and not self.finished

    def stop_sending(self) -> None:
        """Nothing more is to be sent."""
        gevent.killall(self._sending, block=True)
        self._end_ns = min(self._end_ns, time.monotonic_ns())

    def show(self) -> None:
        """Bring Locust's table up to date."""
        self.flush()
        self._rows[0](self._health.send_lateness)
        self._rows[1](self._ledgers.fanout)
        self._rows[2](self._ledgers.leaves)

    def flush(self) -> None:
        """Count what was noted."""
        self._ledgers.flush()

    def so_far(self) -> dict[str, Any]:
        """What was sent, and what came of it, as in a `Status`: the leader waits until they agree."""
        return {
            "window": self.number,
            "finished": self.finished,
            "due": self._due_here() if self.finished else 0,
            "crowd_sent": dict(self.crowd_sent),
            "crowd_left": dict(self.crowd_left),
            "delivered": self._ledgers.delivered,
            "leaves_delivered": self._ledgers.leaves_delivered,
            "completed": self._ledgers.take_completed(),
            "delta": self._delta(),
        }

    def _delta(self) -> Delta:
        """What is new since the last call, for those who look on. It costs little."""
        own = {sender: self.sent[sender] for sender in self._planned}
        return Delta(
            grown={name: self._growths[name].take(each) for name, each in self._growing().items()},
            sent=self.sent.total() + self.crowd_sent.total(),
            overdue=None if self._has_crowds else self._overdue.count(time.monotonic_ns(), own),  # no schedule
            **self._ledgers.counts_so_far(),
            cpu_percent=self._health.cpu_percent(),
            dropped=dict(self.dropped),
        )

    def _growing(self) -> dict[str, Histogram]:
        health = self._health
        return {**self._ledgers.growing(), "send_lateness": health.send_lateness, "loop_lag": health.loop_lag}

    def _due_here(self) -> int:
        """What may still come, as far as is known here: that a sender elsewhere has sent less comes out at the end."""
        short = self.short()
        return self._ledgers.due(short) - self._ledgers.under_way(short)

    def short(self) -> dict[int, int]:
        """The senders here who sent fewer messages than planned, and how many these were."""
        return {sender: self.sent[sender] for sender, count in self._planned.items() if self.sent[sender] < count}

    def statement(self, short: Mapping[int, int]) -> Statement:
        """Everything that the leader needs of this process; `short` are all processes' `short`.

        What has arrived by now is read before: a process that was late must not call it lost.
        """
        for member in self._members.values():
            if member.connection:
                member.connection.read_now()
        self._health.finish()
        self.show()
        self._usage.finish()
        health = self._health
        return replace(
            self._ledgers.statement(short),
            window=self.number,
            sent=dict(self.sent),
            crowd_sent=dict(self.crowd_sent),
            crowd_left=dict(self.crowd_left),
            lags=health.lags.each() if health.lags else [],
            send_lateness=health.send_lateness,
            loop_lag=health.loop_lag,
            collections=self._collections.times,
            cpu_percent=health.cpu_percent(),
            usage=[self._usage.samples],
            stood_still_us=health.stood_still_us,
            machine=health.machine,
            dropped=dict(self.dropped),
        )

    def close(self) -> None:
        self._collections.stop()
        gevent.killall([*self._sending, *self._watching], block=False)

    def _reset_receivers(self) -> None:
        """Give everyone here a clean receiver, in the order in which they came in."""
        sizes, places = sizes_of(self._members), Counter[str]()
        for member in self._members.values():
            room = member.receiver.room
            member.receiver = Receiver(room, tenth=tenth_of(places[room], sizes[room]))
            places[room] += 1

    def _say(self, plan: SenderPlan) -> Say:
        """What says one message of a sender who is here."""
        member, sender, room = self._members[plan.user], plan.sender, plan.room
        self._speaking.add(plan.user)
        self._planned[sender] = plan.count
        member.receiver.number = sender

        def say(number: int, intended_ns: int) -> None:
            if member.send_words(room, self.words(Stamp(sender, number, intended_ns))):
                self.sent[sender] += 1

        return say
