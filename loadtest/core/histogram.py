"""Count durations in log-linear buckets. Knows nothing of messages or clocks.

Up to 255 µs every microsecond has its own bucket; above, each power of two is cut into 128 equal buckets, so that a
bucket is at most 1/128 (0.8 %) of its value wide, and its middle within 0.4 % of every sample in it. A histogram's size
never changes, and adding two gives the same counts as taking all samples with one.
"""

from array import array
from bisect import bisect_left
from collections.abc import Sequence

_SUB_BITS = 7  # 128 buckets for each power of two: the width that keeps the error under 1 %
_EXACT = 2 << _SUB_BITS  # below this, in microseconds, a bucket is one microsecond wide
LONGEST_US = 3_600_000_000  # one hour; anything longer is counted in the last bucket
NEVER_US = LONGEST_US  # what stands for a delivery that never came


def bucket_of(us: int) -> int:
    shift = max(0, us.bit_length() - _SUB_BITS - 1)
    return (shift << _SUB_BITS) + (us >> shift)


def floor_of(bucket: int) -> int:
    """The smallest duration in `bucket`, in microseconds."""
    if bucket < _EXACT:
        return bucket
    shift = (bucket >> _SUB_BITS) - 1
    mask = (1 << _SUB_BITS) - 1
    return ((bucket & mask) | (mask + 1)) << shift


def middle_of(bucket: int) -> int:
    return (floor_of(bucket) + floor_of(bucket + 1) - 1) // 2


BUCKETS = bucket_of(LONGEST_US) + 1


class Histogram:
    """Samples in microseconds. `count`, `total`, `shortest` and `longest` are exact."""

    __slots__ = ("count", "counts", "longest", "shortest", "total")

    def __init__(self) -> None:
        self.counts = array("Q", bytes(8 * BUCKETS))
        self.count = 0
        self.total = 0
        self.shortest = 0
        self.longest = 0

    def add(self, us: int, times: int = 1) -> None:
        """Take one duration `times` over. A negative one counts as 0."""
        us = max(us, 0)
        self.counts[bucket_of(min(us, LONGEST_US))] += times
        self._note(times, us * times, us, us)

    def add_sorted(self, ends_ns: Sequence[int], start_ns: int, twin: "Histogram | None" = None) -> None:
        """Take end − start for each of `ends_ns`, which must ascend; `twin` takes the same.

        Costs a few steps for each bucket that the samples touch, not for each sample: ends that lie close together,
        as the receivers of one message do, share their buckets.
        """
        if not ends_ns:
            return
        size = len(ends_ns)
        first, last = (max((end - start_ns) // 1000, 0) for end in (ends_ns[0], ends_ns[-1]))
        total = (sum(ends_ns) - size * start_ns) // 1000
        for histogram in (self,) if twin is None else (self, twin):
            histogram._note(size, total, first, last)
        counts = self.counts
        others = None if twin is None else twin.counts
        at = bisect_left(ends_ns, start_ns)
        if at:
            self._put(0, at, twin)
        until = size if last <= LONGEST_US else bisect_left(ends_ns, start_ns + LONGEST_US * 1000)
        if until < size:
            self._put(LONGEST_US, size - until, twin)
        while at < until:  # `bucket_of` and `floor_of` in place: a call costs as much as all else
            us = (ends_ns[at] - start_ns) // 1000
            shift = us.bit_length() - _SUB_BITS - 1
            if shift <= 0:
                bucket, after_us = us, us + 1
            else:
                place = us >> shift
                bucket, after_us = (shift << _SUB_BITS) + place, (place + 1) << shift
            after = bisect_left(ends_ns, start_ns + after_us * 1000, at, until)
            counts[bucket] += after - at
            if others is not None:
                others[bucket] += after - at
            at = after

    def _put(self, us: int, times: int, twin: "Histogram | None") -> None:
        self.counts[bucket_of(us)] += times
        if twin is not None:
            twin.counts[bucket_of(us)] += times

    def merge(self, other: "Histogram") -> None:
        if other.count:
            low, high = (bucket_of(min(us, LONGEST_US)) for us in (other.shortest, other.longest))
            for bucket in range(low, high + 1):
                self.counts[bucket] += other.counts[bucket]
            self._note(other.count, other.total, other.shortest, other.longest)

    def percentile(self, percent: float, never: int = 0) -> int:
        """The duration that `percent` of the samples do not exceed, within 1 %; 0 when there are none.

        Where that is all of them it is the longest, to the microsecond, as `figures` has it.
        `never` more are taken for infinitely late: NEVER_US where a percentile is one of these.
        """
        whole = self.count + never
        if not whole:
            return 0
        # In thousandths of a percent, as a float may be a hair above a whole number; the p50 of three is the second.
        rank = max(1, -(-whole * round(percent * 1000) // 100_000))
        if rank > self.count:
            return NEVER_US
        if rank == self.count:
            return self.longest
        seen = 0
        for bucket, count in enumerate(self.counts):
            seen += count
            if seen >= rank:
                return min(max(middle_of(bucket), self.shortest), self.longest)
        return self.longest

    def figures(self, never: int = 0) -> dict[str, int]:
        """How many samples, and the percentiles that people look at; `never` more count as infinitely late."""
        named = {"p50": 50, "p90": 90, "p99": 99, "p999": 99.9}
        return {
            "count": self.count,
            **{name: self.percentile(percent, never) for name, percent in named.items()},
            "max": NEVER_US if never else self.longest,
        }

    def pack(self) -> list[int]:
        """Total, shortest and longest, then bucket and count for each bucket that is in use."""
        packed = [self.total, self.shortest, self.longest]
        if self.count:
            low, high = (bucket_of(min(us, LONGEST_US)) for us in (self.shortest, self.longest))
            for bucket, count in enumerate(self.counts[low : high + 1], low):
                if count:
                    packed += (bucket, count)
        return packed

    @classmethod
    def unpack(cls, packed: Sequence[int]) -> "Histogram":
        """The reverse of `pack`."""
        histogram = cls()
        histogram.add_packed(packed)
        return histogram

    def add_packed(self, packed: Sequence[int]) -> None:
        """Add what another's `pack` gave."""
        total, shortest, longest = packed[:3]
        for bucket, count in zip(packed[3::2], packed[4::2], strict=True):
            self.counts[bucket] += count
        self._note(sum(packed[4::2]), total, shortest, longest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.pack() == other.pack()

    def __hash__(self) -> int:
        raise TypeError("a histogram changes")

    def _note(self, count: int, total: int, shortest: int, longest: int) -> None:
        if count:
            self.shortest = min(self.shortest, shortest) if self.count else shortest
            self.longest = max(self.longest, longest)
            self.count += count
            self.total += total


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
