"""`Statement`: what one process counted in one window. `+` makes one of two, to the last bucket of a histogram.

It goes to the leader as JSON (see codec.py), whose sum over all processes a window's figures are made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import zip_longest
from typing import Any

from loadtest.core.histogram import Histogram
from loadtest.core.slices import TENTHS

Sample = tuple[float | None, int | None]  # CPU in percent of a core over the slice, bytes of memory at its end
Note = dict[str, float]  # of the generator's machine: see run/machine.py

_JOINED = frozenset(("completed", "partial", "orders", "usage", "here", "role"))
_HIGHEST = frozenset(("window", "cpu_percent", "stood_still_us"))


@dataclass(frozen=True, slots=True)
class Notices:
    """Who was reported gone to the observers of a process. Times count from when the victims were meant to die."""

    informed: Histogram = field(default_factory=Histogram)  # one sample an observer: when it was told of the last one
    notices: Histogram = field(default_factory=Histogram)  # one sample for each observer and victim
    reported: dict[int, tuple[int, str]] = field(default_factory=dict)  # user: µs, at the earliest, and the reason

    def __add__(self, other: "Notices") -> "Notices":
        reported = dict(self.reported)
        for user, told in other.reported.items():
            reported[user] = min(told, reported.get(user, told))
        return Notices(added(self.informed, other.informed), added(self.notices, other.notices), reported)


@dataclass(frozen=True, slots=True)
class Statement:
    """All counts are deliveries to this process's users, unless said otherwise."""

    window: int = 0
    sent: dict[int, int] = field(default_factory=dict)  # messages, by sender, of those who are here
    crowd_sent: dict[str, int] = field(default_factory=dict)  # messages, by room, of users who come and go
    crowd_left: dict[str, int] = field(default_factory=dict)  # and how many of these said that they leave
    due: int = 0
    under_way: int = 0  # due to users whose connection ended, and not there by then
    joined: int = 0  # users who came in the window
    ended: int = 0  # users whose connection ended
    delivered: int = 0
    duplicated: int = 0
    reordered: int = 0
    late: int = 0
    stray: int = 0
    corrupt: int = 0
    diverged: int = 0
    leaves_duplicated: int = 0
    leaves: Histogram = field(default_factory=Histogram)  # of what users said as they quit
    slices: list[Histogram] = field(default_factory=list)  # fan-out, a histogram for each slice of the window
    others: list[Histogram] = field(default_factory=list)  # of these, where one of several nodes dies: at the others
    lags: list[Histogram] = field(default_factory=list)  # loop lag, likewise
    completed: list[int] = field(default_factory=list)  # see LocalCompletions
    partial: list[int] = field(default_factory=list)
    tenths: list[Histogram] = field(default_factory=lambda: [Histogram() for _ in range(TENTHS)])
    read: Histogram = field(default_factory=Histogram)
    doubt: Histogram = field(default_factory=Histogram)
    send_lateness: Histogram = field(default_factory=Histogram)
    loop_lag: Histogram = field(default_factory=Histogram)
    receive_backlog: Histogram = field(default_factory=Histogram)
    within: Histogram = field(default_factory=Histogram)  # of the fan-out, where there are several nodes: to receivers
    across: Histogram = field(default_factory=Histogram)  # at the sender's node, and to those at others
    within_due: int = 0  # without what was under way as connections ended
    across_due: int = 0
    collections: Histogram = field(default_factory=Histogram)
    orders: list[tuple[str, list[int], int]] = field(default_factory=list)  # room, its order here, its receivers here
    cpu_percent: float = 0.0  # of the busiest process
    usage: list[list[Sample]] = field(default_factory=list)  # of each process, a sample for each slice
    stood_still_us: int = 0
    machine: Note | None = None
    dropped: dict[str, int] = field(default_factory=dict)  # connections that were lost, by reason
    notices: Notices | None = None  # where deaths are watched
    here: list[int] = field(default_factory=list)  # the users who were in at the end
    role: list[dict[str, Any]] = field(default_factory=list)  # of each process, what its scenario counted

    def __add__(self, other: "Statement") -> "Statement":
        return Statement(**{each.name: self._with(other, each.name) for each in fields(self)})

    def _with(self, other: "Statement", name: str) -> Any:
        mine, more = getattr(self, name), getattr(other, name)
        if name in _JOINED:
            return mine + more
        if name in _HIGHEST:
            return max(mine, more)
        if name == "machine":
            return worst(mine, more)
        if name == "notices":
            return mine + more if mine and more else mine or more
        return added(mine, more)


def total(statements: Sequence[Statement]) -> Statement:
    """Of all processes; of none, a statement of nothing."""
    return sum(statements, Statement())


def worst(one: Note | None, other: Note | None) -> Note | None:
    """Of two processes', perhaps on two machines, that of the one that waited more for a core."""
    return max((note for note in (one, other) if note), key=lambda note: note["waited_percent"], default=None)


def added(one: Any, other: Any) -> Any:
    """Of two counts or histograms, or of lists or dictionaries of such."""
    if isinstance(one, Histogram):
        both = Histogram()
        both.merge(one)
        both.merge(other)
        return both
    if isinstance(one, Mapping):
        return {**one, **other, **{key: added(one[key], other[key]) for key in one.keys() & other.keys()}}
    if isinstance(one, list):
        return [
            (mine or more) if mine is None or more is None else added(mine, more)
            for mine, more in zip_longest(one, other)
        ]
    return one + other
