"""A window's deliveries by parts: by slices of its time, by who joined first, and what is overdue meanwhile.

A window has a limited number of slices, however long it is, so that they take a bounded amount of memory.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from loadtest.core.histogram import Histogram
from loadtest.core.schedules import Schedule

SLICE_NS = 1_000_000_000  # the least: a second holds enough messages for a p99
MOST = 120  # slices of one window; a histogram takes 30 KB


def slice_ns(window_ns: int) -> int:
    """How long a slice of such a window is: whole seconds."""
    return SLICE_NS * max(1, -(-window_ns // (MOST * SLICE_NS)))


class Slices:
    def __init__(self, start_ns: int, length_ns: int) -> None:
        self._start_ns = start_ns
        self._length_ns = length_ns
        self._histograms: list[Histogram] = []

    def at(self, moment_ns: int) -> Histogram:
        """The histogram of what was intended for this moment; what is before the window counts to its beginning."""
        index = min(max(0, moment_ns - self._start_ns) // self._length_ns, 2 * MOST)
        while index >= len(self._histograms):
            self._histograms.append(Histogram())
        return self._histograms[index]

    def between(self, from_ns: int, until_ns: int) -> Histogram:
        """All slices that begin in this time, together."""
        total = Histogram()
        for index, histogram in enumerate(self._histograms):
            if from_ns <= self._start_ns + index * self._length_ns < until_ns:
                total.merge(histogram)
        return total

    def each(self) -> list[Histogram]:
        """Those of all slices so far, in order."""
        return list(self._histograms)

    def last_end(self, moment_ns: int) -> int:
        """The end of the last slice that is over by then; the window's start when none is."""
        return self._start_ns + max(0, moment_ns - self._start_ns) // self._length_ns * self._length_ns

    def count_before(self, end_ns: int) -> int:
        """Samples of the slices up to this end of one."""
        return sum(each.count for each in self._histograms[: (end_ns - self._start_ns) // self._length_ns])

    def merge(self, several: Sequence[Histogram]) -> None:
        """Add another's, slice by slice."""
        for index, each in enumerate(several):
            self.at(self._start_ns + index * self._length_ns).merge(each)


TENTHS = 10
SAMPLE_NS = 50_000_000  # between two samples: 20 a second, each of which costs about 0.1 ms for 1,000 receivers


def tenth_of(place: int, members: int) -> int:
    """Of the member who came in `place`-th, from 0, of so many."""
    return place * TENTHS // members


class Fairness:
    def __init__(self) -> None:
        self.tenths = [Histogram() for _ in range(TENTHS)]

    def add(self, intended_ns: int, times: Sequence[int], tenths: Sequence[int]) -> None:
        """Receivers of these tenths had one message at these ascending times."""
        sorted_times: list[list[int]] = [[] for _ in range(TENTHS)]
        for tenth, moment in zip(tenths, times, strict=True):
            sorted_times[tenth].append(moment)
        for histogram, moments in zip(self.tenths, sorted_times, strict=True):
            histogram.add_sorted(moments, intended_ns)


class Dues(Protocol):
    """What is needed of a ledger."""

    @property
    def joined(self) -> int: ...
    @property
    def ended(self) -> int: ...
    def due(self, sent: Mapping[int, int]) -> int: ...
    def under_way(self, sent: Mapping[int, int]) -> int: ...


class Overdue:
    """`schedules` are those of all senders that are heard here."""

    def __init__(self, schedules: Mapping[int, Schedule], late_after_ns: int, slices: Slices, ledger: Dues) -> None:
        self._schedules = schedules
        self._late_after_ns = late_after_ns
        self._slices = slices
        self._ledger = ledger
        self._state = (0, 0, 0)
        self._planned: dict[int, int] = {}
        self._due = 0

    def count(self, now_ns: int, sent: Mapping[int, int]) -> int | None:
        """Those here; None while a sender is behind its schedule: then the server is not to blame.

        `sent` are the messages so far of the senders that this process has.
        """
        before_ns = self._slices.last_end(now_ns - self._late_after_ns)
        self._look_again(before_ns)
        if any(self._planned[sender] > count for sender, count in sent.items()):
            return None
        return max(0, self._due - self._slices.count_before(before_ns))

    def _look_again(self, before_ns: int) -> None:
        """Once a slice, and when somebody came or went: with many senders it takes its time."""
        state = (before_ns, self._ledger.joined, self._ledger.ended)
        if state == self._state:
            return
        self._state = state
        self._planned = {sender: table.number_from(before_ns) for sender, table in self._schedules.items()}
        self._due = self._ledger.due(self._planned) - self._ledger.under_way(self._planned)
