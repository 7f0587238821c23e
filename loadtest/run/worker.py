"""The users of one process and their part in a run. Knows no other process: the leader tells it what to do.

The leader's orders, in this sequence: `plan` (what this run is), `here` (who is here?), `window` (an `Opening`: speak
from this moment on), `close`, `collect` (what did you count?), and between them those that the scenario's role takes.
Back go a `Status`, several times a second, and an answer to each order that asks for one. A run in one process uses the
same messages: Locust's local runner hands them over at once.
"""

import itertools
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent

from chat.errors import FanfareError
from loadtest.core import stamps
from loadtest.core.codec import decode, encode
from loadtest.net import limits
from loadtest.net.addresses import Sources, choose, resolve
from loadtest.net.connection import Door
from loadtest.run.clocks import clock_id
from loadtest.run.hosts import Hosts
from loadtest.run.messages import Opening, Plan, Status
from loadtest.run.part import NewRow, Part
from loadtest.run.role import Member, Order, Role, names_at_all
from loadtest.run.scenario import SCENARIOS, Scenario
from loadtest.run.settings import Settings
from loadtest.wires import Wire

_TICK_S = 0.2  # between reports to the leader: how long it may think a finished window still runs
_SHOW_EVERY = 3  # ticks: going through the buckets for Locust's table takes some 0.3 ms


class Worker:
    """One process's members, ledger, sender and health."""

    def __init__(self, environment: Any, new_row: NewRow) -> None:
        self.members: dict[int, Member] = {}
        self.part: Part | None = None
        self.run_id = ""  # empty while there is no run
        self.settings = Settings()
        self.scenario: Scenario
        self.rank, self.processes = 0, 1  # this process's place among them all, and how many they are
        self.sources = Sources()
        self.door = Door(1)
        self.hosts = Hosts(())
        self.role = Role(self)
        self._environment = environment
        self._new_row = new_row
        self._ticker: Any = None
        self._added = 0
        self._staying: list[Member] = []  # senders whom Locust has stopped: until the run's end
        self._gone_early: set[int] = set()  # who went in another's place, and whom Locust takes for users still
        self._refusals: Counter[str] = Counter()
        self._wire: Wire | None = None  # reads what everybody here hears
        self._orders: dict[str, Callable[[Any], dict[str, Any] | None]] = {
            "plan": self._plan,
            "here": self._here,
            "clock": lambda _: {"now_ns": time.monotonic_ns()},
            "window": self._open,
            "names": self._ask_names,
            "close": self._close,
            "collect": self._collect,
        }
        environment.runner.register_message("fanfare-order", self._obey)
        environment.events.test_stop.add_listener(lambda **_: self._end_run())

    def next_number(self) -> int:
        """Of a new user. Numbers interleave over the processes, so that rooms span them."""
        self._added += 1
        return (self._added - 1) * self.processes + self.rank

    def nick_of(self, number: int) -> str:
        return stamps.nick_of(self.run_id, number)

    def node_of(self, number: int) -> int:
        """The place of a user's host among several."""
        return self.hosts.node_of(number, self.processes)

    def refuse(self, reason: str) -> None:
        self._refusals[reason] += 1

    def report(self, kind: str, ns: int, error: Exception | None = None) -> None:
        self._environment.events.request.fire(
            request_type=kind,
            name=self.settings.scenario,
            response_time=ns / 1e6,
            response_length=0,
            exception=error,
            context={},
        )

    def remove(self, member: Member) -> None:
        """Locust stops the user. It says how many go, not who: a sender stays, and somebody else goes in its place."""
        goes = self._goes_for(member)
        if goes is not member:
            self._staying.append(member)
            self._gone_early.add(goes.number)
        goes.leave()
        if self.members.pop(goes.number, None) and self.part:
            self.part.remove(goes)

    def _goes_for(self, member: Member) -> Member:
        """The user itself, unless it has still something to say, or went in another's place before."""
        part = self.part
        if part is None or not (part.speaks(member.number) or member.number in self._gone_early):
            return member
        silent = (other for other in self.members.values() if not part.speaks(other.number))
        anyone = (other for other in (member, *self.members.values()) if other.number in self.members)
        return next(itertools.chain(silent, anyone), member)

    def _obey(self, environment: Any, msg: Any) -> None:
        """The process's own orders are done at once, in the order of their coming; a role's may take their time."""
        kind, data = msg.data["order"], msg.data["data"]
        if kind in self._orders:
            self._answer(kind, self._orders[kind], data)
        elif kind in self.role.orders:
            gevent.spawn(self._answer, kind, self.role.orders[kind], data)

    def _answer(self, kind: str, order: Order, data: Any) -> None:
        try:
            answer = order(data)
        except FanfareError as error:
            self._tell("answer", {"to": kind, "fault": str(error)})
            return
        if answer is not None:
            self._tell("answer", {"to": kind, "data": answer})

    def _plan(self, data: Any) -> dict[str, Any]:
        """A run begins. Users come only after it: Locust keeps the order of its messages.

        Raises SetupError when this process cannot hold its users; then there is no run here.
        """
        self._end_run()
        plan: Plan = decode(Plan, data, "plan")
        self.rank, self.processes = plan.rank, plan.processes
        kind = SCENARIOS[plan.settings["scenario"]]
        self.settings = kind.settings_type(**plan.settings)
        self.scenario = kind(self.settings, plan.users)
        self.hosts = Hosts.of(plan.host)
        self._check_room(plan.users)
        self.run_id = plan.run_id
        self.role = self.scenario.role(self)
        self.door = Door(max(1, self.settings.connecting // self.processes))
        self._added = 0
        self._refusals.clear()
        self.members.clear()
        self._ticker = gevent.spawn(self._tick)
        return {}

    def _check_room(self, users: int) -> None:
        """Whether this process has the open files, and the ports, that its users will need. Raises SetupError."""
        mine = range(self.rank, users, self.processes)
        held = sum(map(self.scenario.is_victim, mine))  # by a child, which has this process's limit
        limits.check(max(held, len(mine) - held), users)
        wire = self.hosts.wire
        self._wire = wire("")
        address = resolve(self.hosts.urls[0], wire.scheme, wire.port)
        self.sources = choose(self.settings.source_addresses, address, users)

    def _here(self, data: Any) -> dict[str, Any]:
        rooms: dict[str, list[int]] = {}
        for number, member in sorted(self.members.items()):
            rooms.setdefault(member.receiver.room, []).append(number)
        nodes: list[list[int]] = [[] for _ in self.hosts.urls]
        if len(nodes) > 1:
            for number, member in self.members.items():
                nodes[member.node].append(number)
        return {"rooms": rooms, "nodes": nodes, "clock": clock_id()}

    def _open(self, data: Any) -> None:
        if self.part:
            self.part.close()
        opening: Opening = decode(Opening, data, "window").by_its_clock()
        self.part = Part(self.run_id, self.settings, self.members, self._new_row, opening, self._wire)
        self.role.opened(self.part, opening)

    def _ask_names(self, data: Any) -> None:
        gevent.spawn(self._answer, "names", lambda _: {"rooms": self._names()}, data)

    def _names(self) -> dict[str, list[int]]:
        """Whom the server lists in each room, of this run's users."""
        return names_at_all(self.members.values(), stamps.nick_head(self.run_id), self.settings.patience)

    def _close(self, data: Any) -> dict[str, Any]:
        """Nothing more is sent. The answer says whose messages were fewer than planned."""
        if self.part is None:
            return {}
        self.part.stop_sending()
        return {"window": self.part.number, "short": [list(pair) for pair in self.part.short().items()]}

    def _collect(self, data: Any) -> dict[str, Any] | None:
        if self.part is None:
            return None
        statement = self.part.statement(dict(data["short"]))
        answer: dict[str, Any] = encode(replace(statement, here=sorted(self.members), role=[self.role.statement()]))
        return answer

    def _tick(self) -> None:
        for tick in itertools.count():
            gevent.sleep(_TICK_S)
            part = self.part
            if part:
                part.flush()
                if tick % _SHOW_EVERY == 0:
                    part.show()
            status = Status(
                joined=len(self.members) + self.role.standing,
                refused=sum(self._refusals.values()),
                refusal=next(iter(self._refusals), ""),
                **(part.so_far() if part else {}),
            )
            self._tell("status", encode(status))

    def _tell(self, kind: str, data: dict[str, Any]) -> None:
        self._environment.runner.send_message(f"fanfare-{kind}", data)

    def _end_run(self) -> None:
        if self.part:
            self.part.show()  # Locust's last report follows
            self.part.close()
        self.part = None
        for member in self._staying:
            member.leave()
        self._staying.clear()
        self._gone_early.clear()
        self.role.end()
        if self._ticker:
            self._ticker.kill(block=False)
        self._ticker = None
        self.run_id = ""
