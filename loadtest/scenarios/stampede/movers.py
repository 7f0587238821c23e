"""Users of a cluster: those of a drained node come back by other hosts, all others listen on, every word is counted."""

import time
from collections import Counter
from typing import Any

import gevent

from loadtest.core.histogram import Histogram
from loadtest.core.reasons import count
from loadtest.core.stamps import Stamp, Stamps
from loadtest.run.role import Member
from loadtest.scenarios.stampede.history import Words
from loadtest.scenarios.stampede.speakers import Heard, Speakers

_LOOK_EVERY_S = 0.05  # whether all have heard everything


class Timed(Heard):
    """What one user hears, and when, counted with what the others hear."""

    def __init__(self, stamps: Stamps, seen: dict[Words, int], times: Histogram) -> None:
        super().__init__(stamps, seen)
        self._times = times

    def _note(self, stamp: Stamp, at_ns: int) -> None:
        super()._note(stamp, at_ns)
        self._times.add((at_ns - stamp.intended_ns) // 1000)


class Movers(Speakers):
    """`watch` names the node that is about to go, and all that take nobody."""

    def __init__(self, worker: Any, settings: Any) -> None:
        super().__init__(worker, settings, talks_on=True)
        self._open: list[int] = []  # nodes to come back to
        self._others: list[int] = []  # users of other nodes than the one that goes
        self._cut_off: Counter[str] = Counter()  # of those, by the reason
        self._times = Histogram()  # fan-out of what they hear

    def lost(self, member: Member, reason: str) -> None:
        if member.number in self._others:
            count(self._cut_off, reason)
        super().lost(member, reason)

    def _leaving(self, orders: dict[str, Any]) -> set[int]:
        members = self.worker.members
        self._open = [node for node in range(self.worker.hosts.count) if node not in orders["closed"]]
        self._others = [number for number, member in members.items() if member.node != orders["node"]]
        self._cut_off.clear()
        self._times = Histogram()
        return set(members) - set(self._others)

    def _aim(self, member: Member, attempt: int) -> None:
        """In turn, so that those of one node are spread over all others; an attempt that failed is not made again."""
        member.at(self._open[(member.number + attempt) % len(self._open)])

    def _ear(self, number: int) -> Heard:
        is_other = number in self._others
        return Timed(self._stamps, self._seen, self._times) if is_other else super()._ear(number)

    def _history(self, orders: dict[str, Any]) -> dict[str, Any]:
        """Beside it, what the users of other nodes have heard of `due`, for whom it is waited up to `grace_s`."""
        due = {(speaker, number) for speaker, number in orders["due"]}
        heard = {number: self._heard[number].words for number in self._others if number in self.worker.members}
        until = time.monotonic() + orders["grace_s"]
        while (missed := self._lacking(due, heard)) and time.monotonic() < until:
            gevent.sleep(_LOOK_EVERY_S)
        others = {
            "users": len(self._others),
            "cut_off": dict(self._cut_off),
            "missed": missed,
            "doubled": sum(len(words) - len(set(words)) for words in heard.values()),
            "fanout": self._times.pack(),
        }
        return {**super()._history(orders), "others": others}

    @staticmethod
    def _lacking(due: set[Words], heard: dict[int, list[Words]]) -> int:
        """Deliveries; nobody hears its own words."""
        return sum(len({words for words in due if words[0] != number}.difference(had)) for number, had in heard.items())
