"""This process's part of one measured window: its speakers, its account, its health. Knows no other process."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import gevent

from chat.wires.message import build
from loadtest import stamps
from loadtest.accounts import Account, Audience, Receiver
from loadtest.connection import Connection
from loadtest.generator import Health
from loadtest.notices import Notices
from loadtest.options import Settings
from loadtest.pacer import Pacer, Voice
from loadtest.rows import Row
from loadtest.slices import Slices
from loadtest.stamps import Stamp


class Listener(Protocol):
    """What a part needs of a user."""

    connection: Connection | None
    account: Account | None
    receiver: Receiver


class Part:
    """Speaks, listens, counts and watches itself, from the moment it is made."""

    def __init__(
        self, run: str, settings: Settings, members: Mapping[int, Listener], stats: Any, orders: dict[str, Any]
    ) -> None:
        self.number: int = orders["number"]
        self.sent: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._run = run
        self._size = settings.message_size
        self._members = dict(members)
        speakers: list[list[Any]] = orders["speakers"]
        start_ns: int = orders["start_ns"]
        death = orders.get("death")  # who of the users dies in this window, and when
        self.account = Account(
            stamps.pattern(run, self.number),
            round(settings.late_after * 1e9),
            self._audiences(speakers),
            Slices(start_ns, orders["slice_ns"]),
            Notices(stamps.nick_head(run), death["victims"], death["at_ns"]) if death else None,
        )
        self._rows = [Row(stats, kind, settings.scenario) for kind in ("send", "deliver")]
        self._health = Health()
        voices = self._voices(speakers)
        for member in self._members.values():
            member.account = self.account
        self._end_ns: int = orders["end_ns"]
        self._pacing = gevent.spawn(Pacer(voices, start_ns, self._health.send_lateness).run)
        self._watching = gevent.spawn(self._health.watch, start_ns, self._end_ns)

    @property
    def finished(self) -> bool:
        """Nothing more will be sent."""
        return bool(self._pacing.ready()) and time.monotonic_ns() >= self._end_ns

    def show(self) -> None:
        """Bring Locust's table up to date."""
        self.account.flush()
        self._rows[0].show(self._health.send_lateness)
        self._rows[1].show(self.account.fanout)

    def statement(self) -> dict[str, Any]:
        """Everything that the conductor needs of this process, in plain values."""
        self.show()
        account, health = self.account, self._health
        assert account.slices is not None
        return {
            "window": self.number,
            "sent": dict(self.sent),
            "delivered": account.delivered,
            "duplicated": account.duplicated,
            "reordered": account.reordered,
            "late": account.late,
            "slices": account.slices.pack(),
            "completed": account.take_completed(),
            "send_lateness": health.send_lateness.pack(),
            "loop_lag": health.loop_lag.pack(),
            "cpu_percent": health.cpu_percent(),
            "dropped": dict(self.dropped),
            "notices": account.notices.statement() if account.notices else None,
        }

    def close(self) -> None:
        gevent.killall([self._pacing, self._watching], block=False)

    def _audiences(self, speakers: list[list[Any]]) -> dict[int, Audience]:
        sizes = Counter(member.receiver.room for member in self._members.values())
        return {
            sender: Audience(room, sizes[room] - (user in self._members), count)
            for sender, user, room, _, _, count in speakers
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
            words = stamps.text(self._run, self.number, Stamp(sender, number, intended_ns), self._size)
            if member.connection and member.connection.send(build("PRIVMSG", room, words)):
                self.sent[room] += 1

        return say
