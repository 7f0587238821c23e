"""When senders are to speak: evenly, as a Poisson process, in bursts, or as a recorded log of real chat. Pure, seeded.

Every moment is fixed before the first message leaves, so that accounts stay exact whatever the schedule.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from random import Random

from chat.errors import SetupError
from loadtest.core.stamps import MAX_SIZE, MIN_SIZE

SCHEDULES = {
    "even": "at equal intervals",
    "poisson": "at random, on average so many a second",
    "bursts": "silence, then --burst messages of every sender at once, at random moments; on average so many a second",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a recorded log."""

    at_s: float  # since the log's first one
    size: int  # bytes of text; at least what a stamp takes, at most what a line holds


def drawn(seed: str, rate: float, length_s: float) -> list[float]:
    """Seconds after the window's start, of a Poisson process of so many a second."""
    chance, times = Random(seed), []
    at = chance.expovariate(rate)
    while at < length_s:
        times.append(at)
        at += chance.expovariate(rate)
    return times


def in_bursts(seed: str, rate: float, length_s: float, burst: int) -> list[float]:
    """Seconds after the window's start, as many as at equal intervals: `burst` messages share each moment.

    Each burst has a span of its own, as long as its messages take on average, and begins anywhere in it. So there is
    one in the shortest window, and two may follow hard upon one another. The last has the messages that are left.
    """
    chance, times, span_s = Random(seed), [], burst / rate
    count = ceil(round(length_s * rate, 6))
    for number, first in enumerate(range(0, count, burst)):
        begins_s, ends_s = number * span_s, min((number + 1) * span_s, length_s)
        moment = min(begins_s + chance.random() * (ends_s - begins_s), length_s - 1e-6)
        times += [moment] * min(burst, count - first)
    return times


def read_log(path: str) -> list[Event]:
    """A line for each message: its time in seconds, and its size in bytes. Raises SetupError with the line's number."""
    events = []
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        raise SetupError(f"--replay {path}: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        try:
            at_s, size = float(words[0]), int(words[1]) if len(words) > 1 else MIN_SIZE
        except ValueError:
            raise SetupError(f"--replay {path}, line {number}: {line[:40]!r} is not like `12.5 80`") from None
        events.append(Event(at_s, min(max(size, MIN_SIZE), MAX_SIZE)))
    if not events:
        raise SetupError(f"--replay {path}: there is no message in it")
    events.sort(key=lambda each: each.at_s)
    return [Event(each.at_s - events[0].at_s, each.size) for each in events]


def dealt(events: Sequence[Event], senders: int, length_s: float) -> list[list[Event]]:
    """Each sender's share of a log, in turn; what is beyond the window is left out."""
    inside = [event for event in events if event.at_s < length_s]
    return [list(inside[sender::senders]) for sender in range(senders)]


@dataclass(frozen=True, slots=True)
class Schedule:
    """One sender's: message k is meant to leave at `first_ns + k * interval_ns`, for k below `count`."""

    first_ns: int
    interval_ns: int
    count: int

    def at(self, number: int) -> int:
        """When message `number` is meant to leave."""
        return self.first_ns + number * self.interval_ns

    def number_from(self, moment_ns: int) -> int:
        """The first message that is meant to leave at that moment or later; `count` when none is."""
        return min(self.count, max(0, -(-(moment_ns - self.first_ns) // self.interval_ns)))


@dataclass(frozen=True, slots=True)
class ListedSchedule(Schedule):
    """At moments of its own: message k is meant to leave at `times_ns[k]`. They ascend."""

    times_ns: tuple[int, ...] = ()

    @classmethod
    def of(cls, times_ns: Sequence[int]) -> "ListedSchedule":
        return cls(times_ns[0] if times_ns else 0, 1, len(times_ns), tuple(times_ns))

    def at(self, number: int) -> int:
        return self.times_ns[number]

    def number_from(self, moment_ns: int) -> int:
        return bisect_left(self.times_ns, moment_ns)
