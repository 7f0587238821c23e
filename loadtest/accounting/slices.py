"""Latency over a window's time: a histogram for each slice of it. Knows nothing of messages.

A window has a limited number of slices, however long it is, so that they take a bounded amount of memory.
"""

from collections.abc import Sequence

from loadtest.accounting.histogram import Histogram

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

    def merge(self, packed: Sequence[Sequence[int]]) -> None:
        """Add what another's `pack` gave, slice by slice."""
        for index, each in enumerate(packed):
            self.at(self._start_ns + index * self._length_ns).merge(Histogram.unpack(each))

    def pack(self) -> list[list[int]]:
        return [histogram.pack() for histogram in self._histograms]
