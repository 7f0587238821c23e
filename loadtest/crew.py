"""The users of one process and their part in a run. Knows no other process: the conductor tells it what to do.

Four messages come from the conductor, in this order: `plan` (what this run is), `muster` (who is here?), `window`
(speak from this moment on), `collect` (what did you count?). Back go `status`, several times a second, `members` and
`statement`. A run in one process uses the same messages: Locust's local runner hands them over at once.
"""

import itertools
import time
from collections import Counter
from typing import Any, ClassVar

import gevent
from locust.exception import StopUser

from chat.wires.message import build
from loadtest import stamps
from loadtest.accounts import Account, Audience, Receiver
from loadtest.door import Door
from loadtest.generator import Health
from loadtest.options import Settings
from loadtest.pacer import Pacer, Voice
from loadtest.rows import Row
from loadtest.scenarios import SCENARIOS, Scenario
from loadtest.stamps import Stamp
from loadtest.users import ChatUser

_TICK_S = 0.2  # between reports to the conductor: how long it may think a finished window still runs
_SHOW_EVERY = 3  # ticks: going through the buckets for Locust's table takes some 0.3 ms
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class Member(ChatUser):
    """A user whose room and words the scenario decides."""

    abstract = True
    crew: "Crew"  # set by the plugin for the process
    number = -1

    def on_start(self) -> None:
        if self.crew.enlist(self) and self.enter(self.receiver.room):
            self.crew.admit(self)

    def stay(self) -> None:
        """All happens in the hub and in the pacer: this greenlet only keeps the user alive."""
        self.gone.wait()
        raise StopUser(self.gone_why)

    tasks: ClassVar = [stay]

    def on_stop(self) -> None:
        self.crew.discharge(self)
        self.leave()

    def refused(self, reason: str) -> None:
        self.crew.turn_away(reason)

    def lost(self, reason: str) -> None:
        self.crew.strike(self, self.gone_why or reason)


class Crew:
    """One process's members, account, pacer and health."""

    def __init__(self, environment: Any) -> None:
        self._environment = environment
        self._members: dict[int, Member] = {}
        self._window: Window | None = None
        self._ticker: Any = None
        self._run = ""  # empty while there is no run
        self._rank, self._processes = 0, 1
        self._enlisted = 0
        self._refusals: Counter[str] = Counter()
        self._door = Door(1)
        self._settings = Settings()
        for kind, listener in (
            ("plan", self._plan),
            ("muster", self._muster),
            ("window", self._open),
            ("collect", self._collect),
        ):
            environment.runner.register_message(f"fanfare-{kind}", listener)
        environment.events.test_stop.add_listener(lambda **_: self._disband())

    def enlist(self, member: Member) -> bool:
        """Give a new user number, name and room; False when there is no run, as this process came too late for it.

        Numbers interleave over the processes, so that rooms span them.
        """
        if not self._run:
            member.gone.set()
            return False
        number = member.number = self._enlisted * self._processes + self._rank
        self._enlisted += 1
        member.nick = f"f{self._run[:3]}{_base36(number)}"[:9]  # 9 characters: what RFC 1459 servers allow
        member.label = self._settings.scenario
        member.door = self._door
        member.patience = self._settings.patience
        member.capabilities = tuple(name for name in self._settings.capabilities.split(",") if name)
        member.receiver = Receiver(self._scenario.room_of(number))
        return True

    def admit(self, member: Member) -> None:
        """The user is in, unless the connection ended right then."""
        if member.connection and member.connection.is_open:
            self._members[member.number] = member
        else:
            self.turn_away(f"lost: {member.gone_why}")

    def turn_away(self, reason: str) -> None:
        """A user did not get in, or will not be back: the conductor must not wait for it."""
        self._refusals[reason] += 1

    def strike(self, member: Member, reason: str) -> None:
        """A member's connection ended. Called in the hub."""
        if self._members.pop(member.number, None):
            self.turn_away(f"lost: {reason}")
            if self._window:
                self._window.dropped[reason] += 1

    def discharge(self, member: Member) -> None:
        """Locust stops the user."""
        if self._members.pop(member.number, None) and self._window:
            self._window.dropped["stopped by Locust"] += 1

    def _plan(self, environment: Any, msg: Any) -> None:
        """A run begins. Users come only after it: Locust keeps the order of its messages."""
        self._disband()
        self._run = msg.data["run"]
        self._rank = msg.data["rank"]
        self._processes = msg.data["processes"]
        self._settings = Settings(**msg.data["settings"])
        self._scenario: Scenario = SCENARIOS[self._settings.scenario](self._settings)
        self._enlisted = 0
        self._door = Door(max(1, self._settings.connecting // self._processes))
        self._refusals.clear()
        self._members.clear()
        self._ticker = gevent.spawn(self._tick)

    def _muster(self, environment: Any, msg: Any) -> None:
        rooms: dict[str, list[int]] = {}
        for number, member in sorted(self._members.items()):
            rooms.setdefault(member.receiver.room, []).append(number)
        self._tell("members", {"rooms": rooms, "boot_id": stamps.boot_id()})

    def _open(self, environment: Any, msg: Any) -> None:
        if self._window:
            self._window.close()
        self._window = Window(self._run, self._settings, self._members, environment.stats, msg.data)

    def _collect(self, environment: Any, msg: Any) -> None:
        if self._window:
            self._tell("statement", self._window.statement())

    def _tick(self) -> None:
        for tick in itertools.count():
            gevent.sleep(_TICK_S)
            window = self._window
            if window:
                window.account.flush()
                if tick % _SHOW_EVERY == 0:
                    window.show()
            self._tell(
                "status",
                {
                    "joined": len(self._members),
                    "refused": sum(self._refusals.values()),
                    "refusal": next(iter(self._refusals), ""),
                    "window": window.number if window else 0,
                    "finished": window.finished if window else False,
                    "delivered": window.account.delivered if window else 0,
                    "sent": dict(window.sent) if window else {},
                    "completed": window.account.take_completed() if window else [],
                },
            )

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._environment.runner.send_message(f"fanfare-{kind}", data)

    def _disband(self) -> None:
        if self._window:
            self._window.show()  # Locust's last report follows
            self._window.close()
        self._window = None
        if self._ticker:
            self._ticker.kill(block=False)
        self._ticker = None
        self._run = ""


class Window:
    """One measured window in this process."""

    def __init__(
        self, run: str, settings: Settings, members: dict[int, Member], stats: Any, orders: dict[str, Any]
    ) -> None:
        self.number: int = orders["number"]
        self.sent: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._run = run
        self._size = settings.message_size
        self._members = dict(members)
        speakers: list[list[Any]] = orders["speakers"]
        self.account = Account(
            stamps.pattern(run, self.number), round(settings.late_after * 1e9), self._audiences(speakers)
        )
        self._rows = [Row(stats, kind, settings.scenario) for kind in ("send", "deliver")]
        self._health = Health()
        voices = self._voices(speakers)
        for member in self._members.values():
            member.account = self.account
        start_ns: int = orders["start_ns"]
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
        return {
            "window": self.number,
            "sent": dict(self.sent),
            "delivered": account.delivered,
            "duplicated": account.duplicated,
            "reordered": account.reordered,
            "late": account.late,
            "fanout": account.fanout.pack(),
            "completed": account.take_completed(),
            "send_lateness": health.send_lateness.pack(),
            "loop_lag": health.loop_lag.pack(),
            "cpu_percent": health.cpu_percent(),
            "dropped": dict(self.dropped),
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

    def _voice(self, sender: int, member: Member, room: str) -> Any:
        def say(number: int, intended_ns: int) -> None:
            words = stamps.text(self._run, self.number, Stamp(sender, number, intended_ns), self._size)
            if member.connection and member.connection.send(build("PRIVMSG", room, words)):
                self.sent[room] += 1

        return say


def _base36(number: int) -> str:
    digits = _DIGITS[number % 36]
    while number := number // 36:
        digits = _DIGITS[number % 36] + digits
    return digits
