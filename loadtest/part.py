"""This process's part of one measured window: its speakers, its account, its health. Knows no other process."""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gevent

from loadtest import stamps
from loadtest.accounts import Account, Audience, Receiver
from loadtest.arrivals import sample
from loadtest.connection import Connection
from loadtest.generator import Health
from loadtest.histogram import Histogram
from loadtest.notices import Notices
from loadtest.options import Settings
from loadtest.pacer import Pacer, Voice
from loadtest.resources import Sampler
from loadtest.rows import Row
from loadtest.slices import Slices
from loadtest.stamps import Stamp

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
        self, run: str, settings: Settings, members: Mapping[int, Listener], stats: Any, orders: dict[str, Any]
    ) -> None:
        self.number: int = orders["number"]
        self.sent: Counter[str] = Counter()
        self.crowd_sent: Counter[str] = Counter()  # the same of users who are no members: all members hear them
        self.crowd_left: Counter[str] = Counter()  # and how many of those said that they leave
        self.dropped: Counter[str] = Counter()
        self.stopped = 0  # members whom Locust stopped meanwhile, and no server
        self._run = run
        self._size = settings.message_size
        self._members = dict(members)
        speakers: list[list[Any]] = orders["speakers"]
        start_ns: int = orders["start_ns"]
        death = orders.get("death")  # who of the users dies in this window, and when
        self.account = Account(
            stamps.pattern(run, self.number),
            round(settings.late_after * 1e9),
            {**self._audiences(speakers), **self._crowds(orders["crowds"])},
            Slices(start_ns, orders["slice_ns"]),
            Notices(stamps.nick_head(run), death["victims"], death["at_ns"]) if death else None,
        )
        self._rows = [Row(stats, kind, settings.scenario) for kind in ("send", "deliver", "leave")]
        self._health = Health()
        voices = self._voices(speakers)
        for member in self._members.values():
            member.account = self.account
        self._watched = [each.connection for each in sample(list(self._members.values())) if each.connection]
        for connection in self._watched:
            connection.watch(self._health.arrivals)
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
        """A stamped message of this window."""
        return stamps.text(self._run, self.number, stamp, self._size)

    def show(self) -> None:
        """Bring Locust's table up to date."""
        self.account.flush()
        self._rows[0].show(self._health.send_lateness)
        self._rows[1].show(self.account.fanout)
        self._rows[2].show(self.account.leaves.fanout)

    def under_way(self) -> dict[str, Any]:
        """What was sent, and what came of it: the conductor waits until they agree."""
        account = self.account
        return {
            "sent": dict(self.sent),
            "crowd_sent": dict(self.crowd_sent),
            "crowd_left": dict(self.crowd_left),
            "delivered": account.delivered,
            "told": account.leaves.delivered,
        }

    def statement(self) -> dict[str, Any]:
        """Everything that the conductor needs of this process, in plain values.

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
            **self.under_way(),
            "duplicated": account.duplicated,
            "reordered": account.reordered,
            "late": account.late,
            "leaves": account.leaves.statement(),
            "slices": account.slices.pack(),
            "completed": account.take_completed(),
            "send_lateness": health.send_lateness.pack(),
            "loop_lag": health.loop_lag.pack(),
            "receive_backlog": health.arrivals.waits.pack(),
            "cpu_percent": health.cpu_percent(),
            "usage": self._usage.samples,
            "stood_still_us": health.stood_still_us,
            "machine": health.machine,
            "dropped": dict(self.dropped),
            "stopped": self.stopped,
            "notices": account.notices.statement() if account.notices else None,
        }

    def close(self) -> None:
        gevent.killall([*self._pacing, *self._watching], block=False)
        for connection in self._watched:
            connection.watch(None)

    def _audiences(self, speakers: list[list[Any]]) -> dict[int, Audience]:
        sizes = Counter(member.receiver.room for member in self._members.values())
        return {
            sender: Audience(room, sizes[room] - (user in self._members), count)
            for sender, user, room, _, _, count in speakers
        }

    def _crowds(self, crowds: list[list[Any]]) -> dict[int, Audience]:
        sizes = Counter(member.receiver.room for member in self._members.values())
        return {
            sender: Audience(room, sizes[room], _UNPLANNED, leaves=leaves, ordered=False)
            for sender, room, leaves in crowds
        }

    def _voices(self, speakers: list[list[Any]]) -> list[Voice]:
        """The speakers who are here; also gives everyone here a clean receiver."""
        for member in self._members.values():
            member.receiver = Receiver(member.receiver.room)
        voices = []
        for sender, user, room, first_ns, interval_ns, count in speakers:
            if user in self._members:
                self._members[user].receiver.number = sender
                voices.append(Voice(first_ns, interval_ns, count, self._voice(sender, self._members[user], room)))
        return voices

    def _voice(self, sender: int, member: Listener, room: str) -> Callable[[int, int], None]:
        def say(number: int, intended_ns: int) -> None:
            words = self.words(Stamp(sender, number, intended_ns))
            if member.send_words(room, words):
                self.sent[room] += 1

        return say
