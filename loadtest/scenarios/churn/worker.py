"""Users who come and go. A process's guests are a pool: at each arrival an idle one pays a visit (see flow.py).

`rehearse` has the first process find out whether the server passes on what users say as they quit; a window's orders
say whether guests do, and under which numbers. The other users of this process, the residents, are ordinary members.
"""

import re
from collections.abc import Mapping
from typing import Any, Protocol

import gevent
from gevent.event import AsyncResult

from loadtest.core.receiver import Moment
from loadtest.core.stamps import Stamp, Stamps
from loadtest.net.addresses import resolve
from loadtest.run.messages import Opening
from loadtest.run.part import Part
from loadtest.run.role import Member, Order, Role, Worker
from loadtest.scenarios.churn.flow import Flow, Way, arrivals
from loadtest.scenarios.churn.visit import Visit
from loadtest.wires.wire import Refused

_LATE_NS = 20_000_000  # after its time, from which an arrival counts as late
_NOTICE_S = 5.0  # for a resident to learn that somebody has quit: a server that has not said so by then keeps it back


class Flowing(Protocol):
    """What is needed of the scenario."""

    users: int

    @property
    def guests(self) -> int: ...
    @property
    def arrivals(self) -> float: ...
    @property
    def stay_s(self) -> float: ...
    def is_guest(self, user: int) -> bool: ...
    def room_of(self, user: int) -> str: ...


class Guests(Role):
    def __init__(self, worker: Worker, scenario: Flowing) -> None:
        super().__init__(worker)
        self._scenario = scenario
        self._guests: list[Member] = []  # of this process
        self._flow: Flow | None = None

    @property
    def standing(self) -> int:
        return len(self._guests)

    @property
    def orders(self) -> Mapping[str, Order]:
        return {"rehearse": self._rehearse}

    def come(self, member: Member) -> None:
        if self._scenario.is_guest(member.number):
            self._guests.append(member)
        else:
            super().come(member)

    def stay(self, member: Member) -> None:
        if not self._scenario.is_guest(member.number):
            super().stay(member)
        gevent.sleep(float("inf"))  # its visits are greenlets of their own

    def opened(self, part: Part, opening: Opening) -> None:
        self._flow = None
        if not self._guests or "visits" not in opening.more:  # none come while all warms up
            return
        rank, visits = self.worker.rank, opening.more["visits"]
        seconds = (opening.end_ns - opening.start_ns) / 1e9
        rate = self._scenario.arrivals * len(self._guests) / self._scenario.guests
        times = arrivals(f"{self.worker.run_id}.{part.number}.{rank}", rate, self._scenario.stay_s, seconds)
        flow = self._flow = Flow(part, self._way(), tuple(visits["senders"][rank]), visits["stamps_leaves"])
        flow.report = self.worker.report
        guests = [(guest.nick, guest.node) for guest in self._guests]
        part.wait_for(gevent.spawn(flow.run, guests, times, opening.start_ns, opening.end_ns))

    def statement(self) -> dict[str, Any]:
        return self._flow.statement() if self._flow else {}

    def end(self) -> None:
        self._guests.clear()

    def _way(self) -> Way:
        settings, scenario = self.worker.settings, self._scenario
        return Way(
            [resolve(url) for url in self.worker.hosts.urls],
            scenario.room_of(0),
            settings.patience,
            _LATE_NS,
            tuple(name for name in settings.capabilities.split(",") if name),
            self.worker.sources,
            settings.login(),
        )

    def _rehearse(self, orders: dict[str, Any]) -> dict[str, Any]:
        """One visit outside the accounts. Answers with the line that a resident reads of its end, empty when none.

        Raises Refused, or SetupError where the host is none.
        """
        resident = next(iter(self.worker.members.values()), None)
        if self.worker.rank or resident is None or resident.connection is None:
            return {}
        nick = self.worker.nick_of(self._scenario.users)
        notice = re.compile(rb"^(?:@\S+ )?:%b(?:!\S+)? (?:QUIT|PART)\b[^\r\n]*" % nick.encode(), re.M)
        heard: Any = AsyncResult()
        listening = resident.connection.on_lines

        def overhear(data: bytes, at: Moment) -> None:
            if found := notice.search(data):
                heard.set(found[0].decode(errors="replace"))
            listening(data, at)

        resident.connection.on_lines = overhear
        stamp = Stamps(self.worker.run_id, 0).head(Stamp(0, 0, 0))
        try:
            self._pay_visit(nick, self._way(), stamp)
            line: str = heard.wait(_NOTICE_S) or ""
        finally:
            resident.connection.on_lines = listening
        return {"line": line, "shown": stamp in line}

    def _pay_visit(self, nick: str, way: Way, farewell: str) -> None:
        """Raises Refused."""
        visit = Visit(nick, way.room, way.capabilities, way.login)
        try:
            visit.enter(way.addresses[0], way.patience, way.sources)
            visit.quit(farewell)
            visit.see_out(_NOTICE_S)
        except (OSError, Refused) as error:
            raise Refused(f"the guest who rehearsed did not get in: {error}") from None
        finally:
            visit.close()
