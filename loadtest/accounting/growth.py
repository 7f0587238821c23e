"""What a histogram that only grows has got since the last look. Knows nothing of what is measured."""

from array import array

from loadtest.accounting.histogram import BUCKETS, Histogram

_STRETCH = 64  # buckets compared at once: most have not changed, and comparing memory takes next to no time


class Growth:
    """One reader's: it remembers what it has seen of one histogram."""

    def __init__(self) -> None:
        self._seen = array("Q", bytes(8 * BUCKETS))
        self._count = 0
        self._total = 0

    def take(self, histogram: Histogram) -> list[int]:
        """As `Histogram.pack`, of the new samples; shortest and longest are those of all. Empty without any."""
        if histogram.count == self._count:
            return []
        grown = [histogram.total - self._total, histogram.shortest, histogram.longest]
        self._count, self._total = histogram.count, histogram.total
        for low in range(0, BUCKETS, _STRETCH):
            now, seen = histogram.counts[low : low + _STRETCH], self._seen[low : low + _STRETCH]
            if now != seen:
                for bucket, (count, old) in enumerate(zip(now, seen, strict=True), low):
                    if count != old:
                        grown += (bucket, count - old)
                self._seen[low : low + _STRETCH] = now
        return grown
