"""The users of one process and their part in a run. Knows no other process: the conductor tells it what to do.

The conductor's orders, in this sequence: `plan` (what this run is), `muster` (who is here?), `window` (speak from this
moment on), `collect` (what did you count?), and between them those that the scenario's role takes. Back go `status`,
several times a second, and an `answer` to each order that asks for one. A run in one process uses the same messages:
Locust's local runner hands them over at once.
"""

import itertools
import time
from collections import Counter
from typing import Any

import gevent
from locust.exception import StopUser
from locust.user.task import LOCUST_STATE_WAITING

from chat.errors import FanfareError
from loadtest.accounting import stamps
from loadtest.accounting.accounts import Receiver
from loadtest.network import files
from loadtest.network.connection import resolve
from loadtest.network.door import Door
from loadtest.network.sources import Sources, choose
from loadtest.scenarios import SCENARIOS, Scenario
from loadtest.settings.options import Settings
from loadtest.watch.clock import clock_id
from loadtest.wires import Wire, wire_of
from loadtest.worker.part import Part
from loadtest.worker.roles import ROLES, Member, Role
from loadtest.worker.roles.role import Order
from loadtest.worker.roll_call import roll_call

_TICK_S = 0.2  # between reports to the conductor: how long it may think a finished window still runs
_SHOW_EVERY = 3  # ticks: going through the buckets for Locust's table takes some 0.3 ms


class CrewMember(Member):
    """The user class that Locust starts: its crew says who it is, its role what it does."""

    abstract = True
    crew: "Crew"  # set by the plugin for the process

    def on_start(self) -> None:
        if self.crew.enlist(self):
            self.role.come(self)

    def stay(self) -> None:
        if self.number < 0:
            raise StopUser("there was no run to take part in")
        self._state = LOCUST_STATE_WAITING  # in no task that --stop-timeout is for: Locust may stop it at once
        self.role.stay(self)

    tasks = [stay]  # noqa: RUF012  (Locust's own way)

    def on_stop(self) -> None:
        self.crew.discharge(self)

    def connected(self) -> None:
        self.role.connected(self)

    def refused(self, reason: str) -> None:
        self.role.refused(self, reason)

    def lost(self, reason: str) -> None:
        self.role.lost(self, self.gone_why or reason)


class Crew:
    """One process's members, account, pacer and health."""

    def __init__(self, environment: Any) -> None:
        self.members: dict[int, Member] = {}
        self.part: Part | None = None
        self.run = ""  # empty while there is no run
        self.settings = Settings()
        self.scenario: Scenario
        self._environment = environment
        self._role: Role = Role(self)
        self._ticker: Any = None
        self.rank, self._processes = 0, 1  # this process's place among them all, and how many they are
        self._enlisted = 0
        self._staying: list[Member] = []  # senders whom Locust has stopped: until the run's end
        self._gone_early: set[int] = set()  # who went in another's place, and whom Locust takes for users still
        self._refusals: Counter[str] = Counter()
        self._door = Door(1)
        self.sources = Sources()
        self._wire: Wire | None = None  # reads what everybody here hears
        self._orders: dict[str, Order] = {
            "plan": self._plan,
            "muster": self._muster,
            "clock": lambda _: {"now_ns": time.monotonic_ns()},
            "window": self._open,
            "names": self._call_rolls,
            "close": self._close,
            "collect": self._collect,
        }
        environment.runner.register_message("fanfare-order", self._obey)
        environment.events.test_stop.add_listener(lambda **_: self._disband())

    def enlist(self, member: Member) -> bool:
        """Give a new user number, name and room; False when there is no run, as this process came too late for it.

        Numbers interleave over the processes, so that rooms span them.
        """
        if not self.run:
            return False
        number = member.number = self._enlisted * self._processes + self.rank
        self._enlisted += 1
        member.role = self._role
        member.nick = self.nick_of(number)
        member.label = self.settings.scenario
        member.door = self._door
        member.sources = self.sources
        member.wire = wire_of(member.host)
        member.patience = self.settings.patience
        member.tls_ca = self.settings.tls_ca
        member.login = self.settings.login()
        member.capabilities = tuple(name for name in self.settings.capabilities.split(",") if name)
        member.receiver = Receiver(self.scenario.room_of(number))
        return True

    def nick_of(self, number: int) -> str:
        return stamps.nick_of(self.run, number)

    def turn_away(self, reason: str) -> None:
        self._refusals[reason] += 1

    def discharge(self, member: Member) -> None:
        """Locust stops the user. It says how many go, not who: a sender stays, and somebody else goes in its place."""
        goes = self._goes_for(member)
        if goes is not member:
            self._staying.append(member)
            self._gone_early.add(goes.number)
        goes.leave()
        if self.members.pop(goes.number, None) and self.part:
            self.part.part_with(goes)

    def _goes_for(self, member: Member) -> Member:
        """The user itself, unless it has still something to say, or went in another's place before."""
        part = self.part
        if part is None or not (part.speaks(member.number) or member.number in self._gone_early):
            return member
        silent = (other for other in self.members.values() if not part.speaks(other.number))
        anyone = (other for other in (member, *self.members.values()) if other.number in self.members)
        return next(itertools.chain(silent, anyone), member)

    def _obey(self, environment: Any, msg: Any) -> None:
        """The crew's own orders are done at once, in the order of their coming; a role's may take their time."""
        kind = msg.data["order"]
        if kind in self._orders:
            self._answer(kind, self._orders[kind], msg.data)
        elif kind in self._role.orders:
            gevent.spawn(self._answer, kind, self._role.orders[kind], msg.data)

    def _answer(self, kind: str, order: Order, data: dict[str, Any]) -> None:
        try:
            answer = order(data)
        except FanfareError as error:
            answer = {"fault": str(error)}
        if answer is not None:
            self._tell("answer", {"to": kind, **answer})

    def _plan(self, orders: dict[str, Any]) -> dict[str, Any]:
        """A run begins. Users come only after it: Locust keeps the order of its messages.

        Raises SetupError when this process cannot hold its users; then there is no run here.
        """
        self._disband()
        self.rank = orders["rank"]
        self._processes = orders["processes"]
        self.settings = Settings(**orders["settings"])
        self.scenario = SCENARIOS[self.settings.scenario](self.settings, orders["users"])
        self._check_room(orders["users"], orders["host"])
        self.run = orders["run"]
        self._role = ROLES[self.scenario.role](self)
        self._enlisted = 0
        self._door = Door(max(1, self.settings.connecting // self._processes))
        self._refusals.clear()
        self.members.clear()
        self._ticker = gevent.spawn(self._tick)
        return {}

    def _check_room(self, users: int, host: str) -> None:
        """Whether this process has the open files, and the ports, that its users will need. Raises SetupError."""
        mine = range(self.rank, users, self._processes)
        held = sum(map(self.scenario.is_victim, mine))  # by a child, which has this process's limit
        files.check(max(held, len(mine) - held), users)
        wire = wire_of(host)
        self._wire = wire("")
        self.sources = choose(self.settings.source_addresses, resolve(host, wire.scheme, wire.port), users)

    def _muster(self, orders: dict[str, Any]) -> dict[str, Any]:
        rooms: dict[str, list[int]] = {}
        for number, member in sorted(self.members.items()):
            rooms.setdefault(member.receiver.room, []).append(number)
        return {"rooms": rooms, "clock": clock_id()}

    def _open(self, orders: dict[str, Any]) -> None:
        if self.part:
            self.part.close()
        orders = _by_this_clock(orders)
        self.part = Part(self.run, self.settings, self.members, self._environment.stats, orders, self._wire)
        self._role.opened(self.part, orders)
        if stall := orders.get("stall"):  # the self-check's: is it noticed?
            delay_s = (orders["start_ns"] - time.monotonic_ns()) / 1e9 + stall["after_s"]
            gevent.spawn_later(delay_s, _stand_still, stall["for_s"])

    def _call_rolls(self, orders: dict[str, Any]) -> None:
        gevent.spawn(self._answer, "names", lambda _: {"rooms": self._rolls()}, orders)

    def _rolls(self) -> dict[str, list[int]]:
        """Whom the server lists in each room, of this run's users: one member here asks for each room."""
        askers = {member.receiver.room: member for member in self.members.values()}
        return {
            room: roll_call(asker, stamps.nick_head(self.run), self.settings.patience) for room, asker in askers.items()
        }

    def _close(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Nothing more is sent. The answer says whose messages were fewer than planned."""
        if self.part is None:
            return {}
        self.part.hush()
        return {"window": self.part.number, "short": [list(pair) for pair in self.part.short().items()]}

    def _collect(self, orders: dict[str, Any]) -> dict[str, Any] | None:
        if self.part is None:
            return None
        return {
            **self.part.statement(dict(orders["short"])),
            "here": sorted(self.members),
            "role": self._role.statement(),
        }

    def _tick(self) -> None:
        for tick in itertools.count():
            gevent.sleep(_TICK_S)
            part = self.part
            if part:
                part.account.flush()
                if tick % _SHOW_EVERY == 0:
                    part.show()
            self._tell(
                "status",
                {
                    "joined": len(self.members) + self._role.standing,
                    "refused": sum(self._refusals.values()),
                    "refusal": next(iter(self._refusals), ""),
                    "window": part.number if part else 0,
                    "finished": part.finished if part else False,
                    **(part.so_far() if part else {}),
                    "completed": part.account.take_completed() if part else [],
                    "fresh": part.fresh() if part else {},
                },
            )

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._environment.runner.send_message(f"fanfare-{kind}", data)

    def _disband(self) -> None:
        if self.part:
            self.part.show()  # Locust's last report follows
            self.part.close()
        self.part = None
        for member in self._staying:
            member.leave()
        self._staying.clear()
        self._gone_early.clear()
        self._role.end()
        if self._ticker:
            self._ticker.kill(block=False)
        self._ticker = None
        self.run = ""


def _stand_still(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def _by_this_clock(orders: dict[str, Any]) -> dict[str, Any]:
    """A window's moments are the leader's: `offset_ns` is what the clock here shows more."""
    offset_ns: int = orders["offset_ns"]
    moved = {name: orders[name] + offset_ns for name in ("start_ns", "end_ns")}
    if death := orders.get("death"):
        moved["death"] = {**death, "at_ns": death["at_ns"] + offset_ns}
    return {**orders, **moved}
