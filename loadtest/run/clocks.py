"""Compare the clocks of a run's processes: offsets from round trips, and how far off they may be. Sends nothing.

Processes of one host share its clock, to the nanosecond (see `clock_id`). For any other one, a round trip tells its
offset to within half of the time that the trip took: the answer was written at some moment between the question and
its arrival. The shortest of many trips tells most. A second comparison, after the window, shows how far the clocks have
drifted apart.
"""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_NAMESPACE = "/proc/self/ns/time"


def boot_id() -> str:
    """Names this boot of this machine; where it cannot be told (not Linux), the machine by its name."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return platform.node()


def clock_id() -> str:
    """Processes with the same one share their monotonic clock."""
    boot = boot_id()
    try:
        return f"{boot} {os.readlink(_TIME_NAMESPACE)}"
    except OSError:
        return boot  # a kernel before 5.6, or none of Linux: no such namespaces


TRIPS = 30  # a comparison: the shortest of so many is rarely held up by anything but the way itself


@dataclass(frozen=True, slots=True)
class Trip:
    """A question and its answer: when it was asked and heard by our clock, and answered by the other, in ns."""

    asked_ns: int
    answered_ns: int
    heard_ns: int

    @property
    def offset_ns(self) -> int:
        """What the other clock shows more than this process's."""
        return self.answered_ns - (self.asked_ns + self.heard_ns) // 2

    @property
    def error_ns(self) -> int:
        """How far off `offset_ns` may be."""
        return (self.heard_ns - self.asked_ns + 1) // 2


@dataclass(slots=True)
class Clocks:
    """The clocks of a window's generator processes, as seen from the process that leads."""

    ids: tuple[str, ...]  # of each process
    own: str = field(default_factory=clock_id)
    _best: dict[str, list[Trip]] = field(default_factory=dict)  # for each other clock: of each comparison

    @property
    def others(self) -> set[str]:
        return set(self.ids) - {self.own}

    def compare(self, trips: Iterable[tuple[str, Trip]]) -> None:
        """Take the trips to processes with these clocks; the best to each one counts."""
        best: dict[str, Trip] = {}
        for clock, trip in trips:
            if clock != self.own and (clock not in best or trip.error_ns < best[clock].error_ns):
                best[clock] = trip
        for clock, trip in best.items():
            self._best.setdefault(clock, []).append(trip)

    def offset_ns(self, clock: str) -> int:
        """What it showed more than the leader's at the first comparison: 0 for its own."""
        return self._best[clock][0].offset_ns if clock != self.own else 0

    def error_us(self) -> int:
        """How far off the time between two processes may be: the two worst clocks' errors together.

        0 where all processes share one clock, whichever it is: what is written by it is read by it.
        """
        if len(set(self.ids)) < 2:
            return 0
        worst = sorted(self._error_ns(clock) for clock in set(self.ids))[-2:]
        return -(-sum(worst) // 1000)

    def _error_ns(self, clock: str) -> int:
        """The first comparison's error; and the drift since, as far as the later one's error lets it be known."""
        if clock == self.own:
            return 0
        first, *later = self._best[clock]
        drift = max((abs(trip.offset_ns - first.offset_ns) + trip.error_ns for trip in later), default=0)
        return max(first.error_ns, drift)
