"""The guests of one process in one window: who comes when, what they say, when they go, and what that took.

When guests come and when they go is fixed before the first one comes: an open-loop Poisson process. So a server that is
slow meets no fewer guests for it, and what they wait counts from the time at which they were meant to come. Knows
neither Locust nor other processes. Everything is in the hub's thread.
"""

import heapq
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Protocol

import gevent
from gevent.pool import Group

from chat.errors import FanfareError
from chat.wires.message import build
from loadtest.core.histogram import Histogram
from loadtest.core.ledger import Ledger
from loadtest.core.reasons import count
from loadtest.core.stamps import Stamp
from loadtest.net.addresses import Address, Sources
from loadtest.run.sender import Alarm
from loadtest.scenarios.churn.visit import Visit
from loadtest.wires.wire import Login

_MOST_CLOSING = 1 / 3  # of a window, in which nobody comes any more and the last ones go


@dataclass(frozen=True, slots=True)
class Times:
    """When a guest is to come and to go, in nanoseconds after the window's start."""

    come_ns: int
    go_ns: int


def closing_s(stay_s: float, length_s: float) -> float:
    """The end of a window, in which nobody comes: a mean stay, as the last go at about the rate of all others then."""
    return min(stay_s, length_s * _MOST_CLOSING)


def arrivals(seed: str, rate: float, stay_s: float, length_s: float) -> list[Times]:
    """Arrivals at `rate` a second, who stay `stay_s` on average, and all go within the window.

    Both waits are exponential. Whoever would still be there at the window's end goes at some moment of its closing
    time, so that no crowd leaves at once.
    """
    random = Random(seed)
    closing = length_s - closing_s(stay_s, length_s)
    times = []
    come = random.expovariate(rate)
    while come < closing:
        go = come + random.expovariate(1 / stay_s)
        if go > length_s:
            go = random.uniform(closing, length_s)
        times.append(Times(round(come * 1e9), round(go * 1e9)))
        come += random.expovariate(rate)
    return times


LEVELS = 1_000  # of a window: how many are in is noted for each, so that the processes' numbers can be added up
FAREWELL_S = 10.0  # for the server to close after QUIT: Fanfare itself gives a last line no longer
_BURST = 256  # overdue comings and goings before the readers get a turn; each is one short send, or less

Report = Callable[[str, int, Exception | None], None]  # what a guest did, its nanoseconds, why it failed


class Book(Protocol):
    """What a flow needs of the window's part."""

    crowd_sent: Counter[str]
    crowd_left: Counter[str]

    @property
    def ledgers(self) -> Sequence[Ledger]: ...  # of those at each node
    @property
    def send_lateness(self) -> Histogram: ...
    def words(self, stamp: Stamp) -> str: ...
    def leave_words(self, stamp: Stamp) -> str: ...


@dataclass(frozen=True, slots=True)
class Way:
    """How guests get in, and where."""

    addresses: Sequence[Address]  # of each node
    room: str
    patience: float = 60.0  # seconds from connecting to being in, before it counts as refused
    late_ns: int = 20_000_000  # after its time from which an arrival counts as late
    capabilities: tuple[str, ...] = ()
    sources: Sources = field(default_factory=Sources)
    login: Login = field(default_factory=Login)


Guest = tuple[str, int]  # name and node


class Flow:
    """`run` it once. `statement` says at any time what came of it so far."""

    def __init__(self, book: Book, way: Way, senders: tuple[int, int], stamps_leaves: bool = True) -> None:
        """`senders` number what the guests say, and what they say as they quit, unless the server keeps that back."""
        self.report: Report = lambda kind, ns, error: None
        self._book = book
        self._way = way
        self._says, self._leaves = senders
        self._stamps_leaves = stamps_leaves
        self._idle: deque[Guest] = deque()
        self._visits: dict[int, Visit] = {}
        self._overdue: set[int] = set()  # who should have gone before they were in
        self._counts: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._cut_off: Counter[str] = Counter()
        self._stayed_ns = 0
        self._connect, self._join, self._lateness = Histogram(), Histogram(), Histogram()
        self._present = 0
        self._start_ns, self._level_ns = 0, 1
        self._levels: dict[int, tuple[int, int]] = {}  # the most who were in, and how many were at its end

    def run(self, guests: Sequence[Guest], times: Sequence[Times], start_ns: int, end_ns: int) -> None:
        """Have these guests come and go at these times of the window; returns after the last has gone."""
        self._start_ns, self._level_ns = start_ns, max(1, (end_ns - start_ns) // LEVELS)
        self._idle.extend(guests)
        group = Group()
        alarm = Alarm(first=True)
        try:
            for due_ns, goes, index in self._moments(times, alarm):
                late_ns = time.monotonic_ns() - due_ns
                self._lateness.add(late_ns // 1000)
                if goes:
                    self._go(index, due_ns)
                elif not self._idle:
                    self._counts["no_guest"] += 1
                else:
                    self._counts["arrivals"] += 1
                    self._counts["late_arrivals"] += late_ns > self._way.late_ns
                    nick, node = guest = self._idle.popleft()
                    visit = self._visits[index] = Visit(nick, self._way.room, self._way.capabilities, self._way.login)
                    visit.on_joined = partial(self._joined, index, visit, self._book.ledgers[node], due_ns)
                    group.spawn(self._visit, index, visit, due_ns, guest)
            group.join()
        finally:
            alarm.close()
            group.kill(block=False)

    def statement(self) -> dict[str, Any]:
        names = ("arrivals", "late_arrivals", "no_guest", "departures", "unclosed")
        return {
            **{name: self._counts[name] for name in names},
            "refused": dict(self._refused),
            "cut_off": dict(self._cut_off),
            "stayed_ns": self._stayed_ns,
            "connect": self._connect.pack(),
            "join": self._join.pack(),
            "lateness": self._lateness.pack(),
            "levels": self._filled_levels(),
        }

    def _moments(self, times: Sequence[Times], alarm: Alarm) -> Iterator[tuple[int, bool, int]]:
        """Each coming and going at its time: when it was due, which of the two, and whose it is."""
        comings = ((each.come_ns, False, index) for index, each in enumerate(times))
        goings = sorted((each.go_ns, True, index) for index, each in enumerate(times))
        burst = 0
        for after_ns, goes, index in heapq.merge(comings, goings):
            due_ns = self._start_ns + after_ns
            if time.monotonic_ns() < due_ns:
                alarm.wait_until(due_ns)
                burst = 0
            elif burst == _BURST:
                gevent.sleep(0)
                burst = 0
            burst += 1
            yield due_ns, goes, index

    def _visit(self, index: int, visit: Visit, come_ns: int, guest: Guest) -> None:
        nick, node = guest
        try:
            visit.enter(self._way.addresses[node], self._way.patience, self._way.sources)
            closed = visit.see_out(FAREWELL_S)
        except (OSError, FanfareError) as error:  # what a server or a network does; anything else is our own fault
            count(self._refused, _nameless(str(error), nick))
            self.report("join" if visit.welcomed_ns else "connect", time.monotonic_ns() - come_ns, error)
        else:
            if not visit.quit_ns:
                count(self._cut_off, _nameless(visit.gone_why, nick))
                self._change(-1)
            elif not closed:
                self._counts["unclosed"] += 1
        finally:
            visit.close()
            if visit.joined_ns:
                self._book.ledgers[node].end(visit.receiver, visit.quit_ns or time.monotonic_ns())
            del self._visits[index]
            self._overdue.discard(index)
            self._idle.append(guest)

    def _joined(self, index: int, visit: Visit, ledger: Ledger, come_ns: int, now_ns: int) -> None:
        """In the hub."""
        book, room = self._book, self._way.room
        ledger.join(visit.receiver, now_ns)
        visit.on_heard = partial(ledger.receive, visit.receiver)
        self._change(1)
        self._connect.add((visit.welcomed_ns - come_ns) // 1000)
        self._join.add((now_ns - come_ns) // 1000)
        self.report("connect", visit.welcomed_ns - come_ns, None)
        self.report("join", now_ns - visit.welcomed_ns, None)
        stamp = Stamp(self._says, book.crowd_sent[room], now_ns)
        if visit.say(build("PRIVMSG", room, book.words(stamp))):
            book.crowd_sent[room] += 1
            book.send_lateness.add((time.monotonic_ns() - now_ns) // 1000)
        if index in self._overdue:
            self._quit(visit, now_ns)

    def _go(self, index: int, due_ns: int) -> None:
        visit = self._visits.get(index)
        if visit and visit.is_in:
            self._quit(visit, due_ns)
        elif visit:
            self._overdue.add(index)

    def _quit(self, visit: Visit, due_ns: int) -> None:
        stamp = Stamp(self._leaves, self._book.crowd_left[self._way.room], due_ns)
        if visit.quit(self._book.leave_words(stamp) if self._stamps_leaves else "done"):
            self._counts["departures"] += 1
            self._stayed_ns += visit.quit_ns - visit.joined_ns
            self._book.crowd_left[self._way.room] += self._stamps_leaves
            self._change(-1)

    def _change(self, by: int) -> None:
        level = min(LEVELS - 1, max(0, (time.monotonic_ns() - self._start_ns) // self._level_ns))
        most, _ = self._levels.get(level, (self._present, 0))
        self._present += by
        self._levels[level] = max(most, self._present), self._present

    def _filled_levels(self) -> list[int]:
        filled, present = [], 0
        for level in range(LEVELS):
            most, present = self._levels.get(level, (present, present))
            filled.append(most)
        return filled


def _nameless(reason: str, nick: str) -> str:
    """The same for all whose names it holds."""
    return reason.replace(nick, "NICK")
