"""Whether the place in the order of joining decides who is served last. A sample: it costs next to nothing that way.

Each receiver belongs to a tenth of its process's members of a room, in the order in which they came in. Several times a
second, everyone who reads the same bytes is noted with its tenth, and the latency of their first message is counted for
each tenth apart.
"""

from collections.abc import Sequence

from loadtest.accounting.histogram import Histogram

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

    def pack(self) -> list[list[int]]:
        return [histogram.pack() for histogram in self.tenths]
