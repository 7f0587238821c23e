"""Users who come back. `watch` says that the server is about to go: from then on, who loses the connection is away.

Each of them backs off and returns, as often as it takes. `returned` waits until all here are back, or for a given
moment; it ends that time, gives up who is still away, and answers with the figures. Before and after, all are
ordinary members.
"""

import itertools
import random
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import gevent
from gevent.event import Event

from chat.errors import FanfareError
from loadtest.core.histogram import Histogram
from loadtest.core.reasons import count
from loadtest.run.health import Health
from loadtest.run.role import Gone, Member, Order, Role, Worker
from loadtest.scenarios.stampede.returns import TENTH_NS, Attempts, ReturnSettings

_MOST_DOUBLINGS = 64  # from a millisecond, that is longer than anybody waits; and a float still holds it


class Backoff:
    """One client's waits, in seconds, from the first attempt on; the same `chance` gives the same waits.

    "Full jitter": before attempt n, counted from 0, a random time from 0 to min(most, base * 2^n). Clients that were
    cut off at one moment are then spread over the whole interval, and do not come back in waves. Source: Marc Brooker,
    "Exponential Backoff And Jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, base: float, most: float, chance: random.Random) -> None:
        self._base = base
        self._most = most
        self._chance = chance
        self._attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        longest = min(self._most, self._base * 2 ** min(self._attempt, _MOST_DOUBLINGS))
        self._attempt += 1
        return self._chance.uniform(0, longest)


_TOO_LATE = "the time to return in was over"
_MOST = 0.9  # of the users: until so many are back, they come in numbers
_LONGEST_NS = 3_600_000_000_000  # an hour: the canary's end, where no other comes


class GivenUp(FanfareError):
    """The time to return in is over."""


class Absence:
    """The time from `watch` to `returned`: who of this process's users is away, who is back, and what it took."""

    def __init__(self, users: set[int]) -> None:
        self.users = users
        self.away: set[int] = set()
        self.back_ns: dict[int, int] = {}
        self.all_back = Event()
        self.cut_off: Counter[str] = Counter()
        self.lost_again = 0
        self.attempts = Attempts()
        self.trying: dict[int, int] = {}  # who is on the way in, and since when
        self.connect = Histogram()
        self.first_ns: int | None = None
        self.health = Health()
        self.cpu_percent: float | None = None
        now_ns = time.monotonic_ns()
        self._watching = gevent.spawn(self.health.watch, now_ns, now_ns + _LONGEST_NS)

    @property
    def is_over(self) -> bool:
        """All are back, who ever were away."""
        return len(self.back_ns) == len(self.users)

    def lose(self, user: int, reason: str) -> None:
        count(self.cut_off, reason)
        if self.back_ns.pop(user, None) is not None:
            self.lost_again += 1
            self.all_back.clear()
        self.away.add(user)

    def attempt(self, user: int) -> None:
        self.attempts.made += 1
        self.trying[user] = time.monotonic_ns()

    def connected(self, user: int) -> None:
        now_ns = time.monotonic_ns()
        self.connect.add((now_ns - self.trying[user]) // 1000)
        if self.first_ns is None:
            self.first_ns = now_ns
            self.health.count_cpu()  # before it, the process had little to do but to wait

    def succeed(self, user: int) -> None:
        self.attempts.succeeded += 1
        del self.trying[user]
        self.away.remove(user)
        self.back_ns[user] = time.monotonic_ns()
        if self.cpu_percent is None and len(self.back_ns) >= _MOST * len(self.users):
            self.cpu_percent = self.health.cpu_percent()  # what follows is the waiting for a few with bad luck
        if self.is_over:
            self.all_back.set()

    def fail(self, user: int, error: Exception | None, reason: str) -> None:
        self.attempts.fail(error, reason)
        del self.trying[user]

    def close(self) -> None:
        """Who is on the way in stays there, for the figures."""
        self.health.finish()
        self._watching.kill(block=False)
        self.attempts.unfinished = len(self.trying)

    def figures(self, since_ns: int) -> dict[str, Any]:
        back = Histogram()
        tenths: Counter[int] = Counter()
        for moment_ns in self.back_ns.values():
            back.add((moment_ns - since_ns) // 1000)
            tenths[(moment_ns - since_ns) // TENTH_NS] += 1
        return {
            "users": len(self.users),
            "still_away": len(self.away),
            "kept": len(self.users) - len(self.away) - len(self.back_ns),
            "cut_off": dict(self.cut_off),
            "lost_again": self.lost_again,
            "attempts": self.attempts.plain(),
            "back": back.pack(),
            "tenths": sorted(tenths.items()),
            "connect": self.connect.pack(),
            "first_ns": self.first_ns,
            "loop_lag": self.health.loop_lag.pack(),
            "cpu_percent": self.health.cpu_percent() if self.cpu_percent is None else self.cpu_percent,
        }


class Returners(Role):
    def __init__(self, worker: Worker, settings: ReturnSettings) -> None:
        super().__init__(worker)
        self._settings = settings
        self._absence: Absence | None = None
        self._returning: dict[int, Any] = {}  # the greenlets of users who are away
        self._chances: dict[int, random.Random] = {}  # one for each user: no two share a schedule

    @property
    def standing(self) -> int:
        return len(self._absence.away) if self._absence else 0

    @property
    def orders(self) -> Mapping[str, Order]:
        return {"watch": self._watch, "returned": self._returned}

    def stay(self, member: Member) -> None:
        while True:
            member.gone.wait()
            if not self._absence or member.number not in self._absence.away:
                raise Gone(member.gone_why)
            self._returning[member.number] = gevent.getcurrent()
            try:
                self._return(member, self._absence)
            except GivenUp as end:
                raise Gone(str(end)) from None
            finally:
                del self._returning[member.number]
            self.back(member)

    def back(self, member: Member) -> None:
        """The user is in again. In its greenlet."""

    def connected(self, member: Member) -> None:
        if self._absence and member.number in self._absence.trying:
            self._absence.connected(member.number)

    def refused(self, member: Member, reason: str) -> None:
        if member.number not in self._returning:
            super().refused(member, reason)

    def lost(self, member: Member, reason: str) -> None:
        if self._absence and member.number in self._absence.users:
            if self.worker.members.pop(member.number, None):
                self._absence.lose(member.number, reason)
        else:
            super().lost(member, reason)

    def end(self) -> None:
        if self._absence:
            self._absence.close()
            self._absence = None

    def _leaving(self, orders: dict[str, Any]) -> set[int]:
        """Who is about to lose the connection."""
        return set(self.worker.members)

    def _aim(self, member: Member, attempt: int) -> None:
        """Where the next attempt of one who is away goes; attempts count from 0."""

    def _watch(self, orders: dict[str, Any]) -> dict[str, Any]:
        self._absence = Absence(self._leaving(orders))
        for member in self.worker.members.values():
            member.ledger = None  # until the next window gives it one: the news of who goes and comes need none
        return {}

    def _returned(self, orders: dict[str, Any]) -> dict[str, Any]:
        absence = self._absence
        assert absence
        while not absence.is_over and (left_ns := orders["until_ns"] - time.monotonic_ns()) > 0:
            absence.all_back.wait(left_ns / 1e9)
        absence.close()
        self._absence = None
        for number in absence.away:
            self.worker.refuse(_TOO_LATE)
            if number in self._returning:
                self._returning[number].kill(GivenUp(_TOO_LATE), block=False)
        return absence.figures(orders["since_ns"])

    def _return(self, member: Member, absence: Absence) -> None:
        """Back off, try, and so on until the user is back. Raises GivenUp when the time is over."""
        settings = self._settings
        if member.number not in self._chances:
            self._chances[member.number] = random.Random(f"{self.worker.run_id} {member.number}")
        backoff = Backoff(settings.backoff, settings.backoff_most, self._chances[member.number])
        member.at_once = True  # to limit them would hide the stampede
        member.connect_patience = settings.attempt_timeout
        member.label = f"{settings.scenario}, return"
        for attempt in itertools.count():
            gevent.sleep(backoff.next())
            self._aim(member, attempt)
            absence.attempt(member.number)
            with suppress(GivenUp):
                member.enter(member.receiver.room)
            if self._absence is not absence:
                member.leave()
                raise GivenUp(_TOO_LATE)
            if member.is_in:
                self.worker.members[member.number] = member
                absence.succeed(member.number)
                return
            absence.fail(member.number, member.failure, member.gone_why)
