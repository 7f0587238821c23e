"""The four messages between the leader and its workers; the fourth, `Statement`, is in core.

The leader sends a `Plan` as a run begins and an `Opening` for each window. A worker sends a `Status` several times a
second, and a `Statement` when a window is over. Beside these there are short questions (`who is here?`, `what time is
it?`, those of a scenario), whose answers are plain dictionaries. All cross the wire as JSON values, see core/codec.py.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from loadtest.core.schedules import ListedSchedule, Schedule


@dataclass(frozen=True, slots=True)
class Plan:
    """What this run is, and which of its processes this one."""

    run_id: str
    rank: int  # of the process, from 0
    processes: int
    users: int  # of the whole run
    host: str
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SenderPlan:
    """Who sends what in a window: message k at `first_ns + k * interval_ns` after its start, or at `times_ns[k]`."""

    sender: int
    user: int
    room: str
    first_ns: int
    interval_ns: int
    count: int
    times_ns: list[int] = field(default_factory=list)
    node: int = 0  # that the user is at

    def schedule(self, start_ns: int) -> Schedule:
        if self.times_ns:
            return ListedSchedule.of([start_ns + each for each in self.times_ns])
        return Schedule(start_ns + self.first_ns, self.interval_ns, self.count)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Users who are heard in a room and come and go: many of them under one sender's number."""

    sender: int
    room: str
    leaves: bool  # what they say as they quit


@dataclass(frozen=True, slots=True)
class Death:
    """Who dies in a window, when, and in which way."""

    how: str
    victims: list[int]
    at_ns: int
    node: int = -1  # that dies, or is stopped, with them


@dataclass(frozen=True, slots=True)
class Opening:
    """A window opens. Its moments are of the leader's clock; `offset_ns` is what the worker's shows more."""

    number: int
    start_ns: int
    end_ns: int
    slice_ns: int
    senders: list[SenderPlan] = field(default_factory=list)  # who are heard by the process's users, or are among them
    crowds: list[Crowd] = field(default_factory=list)
    sizes: dict[int, list[int]] = field(default_factory=dict)  # of messages, by sender, where they differ
    offset_ns: int = 0
    nodes: int = 1
    death: Death | None = None
    more: dict[str, Any] = field(default_factory=dict)  # of the scenario

    def by_its_clock(self) -> "Opening":
        """With the moments of the worker's clock."""
        death = self.death and replace(self.death, at_ns=self.death.at_ns + self.offset_ns)
        return replace(self, start_ns=self.start_ns + self.offset_ns, end_ns=self.end_ns + self.offset_ns, death=death)


@dataclass(frozen=True, slots=True)
class Delta:
    """What is new in a window since the last status: histograms grow, all else is so far."""

    grown: dict[str, list[int]]
    sent: int
    overdue: int | None  # None where it cannot be told
    duplicated: int
    reordered: int
    stray: int
    corrupt: int
    late: int
    cpu_percent: float
    dropped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Status:
    """How it goes in one process."""

    joined: int = 0  # users who are in
    refused: int = 0
    refusal: str = ""  # why somebody did not get in, or was cut off
    window: int = 0  # the latest; 0 before the first
    finished: bool = False  # nothing more will be sent
    due: int = 0  # deliveries, once all is sent
    crowd_sent: dict[str, int] = field(default_factory=dict)
    crowd_left: dict[str, int] = field(default_factory=dict)
    delivered: int = 0
    leaves_delivered: int = 0
    completed: list[int] = field(default_factory=list)
    delta: Delta | None = None
