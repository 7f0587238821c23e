"""The users of one process and their part in a run. Knows no other process: the conductor tells it what to do.

Four messages come from the conductor, in this order: `plan` (what this run is), `muster` (who is here?), `window`
(speak from this moment on), `collect` (what did you count?). Back go `status`, several times a second, `members` and
`statement`. A run in one process uses the same messages: Locust's local runner hands them over at once.
"""

import itertools
from collections import Counter
from typing import Any, ClassVar

import gevent
from locust.exception import StopUser

from loadtest import stamps
from loadtest.accounts import Receiver
from loadtest.door import Door
from loadtest.options import Settings
from loadtest.part import Part
from loadtest.scenarios import SCENARIOS, Scenario
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
        self._part: Part | None = None
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
            if self._part:
                self._part.dropped[reason] += 1

    def discharge(self, member: Member) -> None:
        """Locust stops the user."""
        if self._members.pop(member.number, None) and self._part:
            self._part.dropped["stopped by Locust"] += 1

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
        if self._part:
            self._part.close()
        self._part = Part(self._run, self._settings, self._members, environment.stats, msg.data)

    def _collect(self, environment: Any, msg: Any) -> None:
        if self._part:
            self._tell("statement", self._part.statement())

    def _tick(self) -> None:
        for tick in itertools.count():
            gevent.sleep(_TICK_S)
            part = self._part
            if part:
                part.account.flush()
                if tick % _SHOW_EVERY == 0:
                    part.show()
            self._tell(
                "status",
                {
                    "joined": len(self._members),
                    "refused": sum(self._refusals.values()),
                    "refusal": next(iter(self._refusals), ""),
                    "window": part.number if part else 0,
                    "finished": part.finished if part else False,
                    "delivered": part.account.delivered if part else 0,
                    "sent": dict(part.sent) if part else {},
                    "completed": part.account.take_completed() if part else [],
                },
            )

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._environment.runner.send_message(f"fanfare-{kind}", data)

    def _disband(self) -> None:
        if self._part:
            self._part.show()  # Locust's last report follows
            self._part.close()
        self._part = None
        if self._ticker:
            self._ticker.kill(block=False)
        self._ticker = None
        self._run = ""


def _base36(number: int) -> str:
    digits = _DIGITS[number % 36]
    while number := number // 36:
        digits = _DIGITS[number % 36] + digits
    return digits
