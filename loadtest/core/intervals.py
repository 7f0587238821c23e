"""How sure a percentile is: intervals of 95 %, and how many messages one takes. Pure: no chance that is not seeded.

Deliveries of one message share their fate, and messages of one second share what the machine did just then. So the
fan-out's interval comes from resampling whole slices of the window's time (a block bootstrap): as many slices as there
were are drawn at random, with replacement, many times over. Of figures with one sample a message the interval follows
from the ranks of the samples, without any assumption about their distribution.
"""

from collections.abc import Sequence
from math import ceil, floor, sqrt
from random import Random

from loadtest.core.histogram import NEVER_US, Histogram, middle_of

Interval = tuple[int, int]  # microseconds; NEVER_US where it reaches as far as what never came

_SLOWER = 3  # messages that must lie beyond a percentile, or it is one message's luck: p99 takes 300, p99.9 3,000
_DRAWS = 200  # of which the 5th and the 195th bound the interval
_LEAST_SLICES = 5  # fewer are drawn alike too often
_Z = 1.96


def enough_for(percent: float) -> int:
    """Messages below which this percentile is not given; the maximum is what it is."""
    return 1 if percent >= 100 else ceil(round(_SLOWER * 100 / min(percent, 100 - percent), 6))


def of_ranks(histogram: Histogram, percent: float, never: int = 0) -> Interval | None:
    """Where each sample is one message's. None with too few."""
    whole = histogram.count + never
    if whole < enough_for(percent) or percent >= 100:
        return None
    share = percent / 100
    spread = _Z * sqrt(whole * share * (1 - share))
    low, high = max(0.0, floor(whole * share - spread)), min(float(whole), ceil(whole * share + spread) + 1)
    return histogram.percentile(100 * low / whole, never), histogram.percentile(100 * high / whole, never)


def of_slices(slices: Sequence[Histogram], percent: float, never: int = 0, seed: str = "") -> Interval | None:
    """Of deliveries, a histogram for each slice of time. None with too few slices."""
    filled = [_sparse(each) for each in slices if each.count]
    if len(filled) < _LEAST_SLICES or percent >= 100:
        return None
    chance, found = Random(seed), []
    for _ in range(_DRAWS):
        total: dict[int, int] = {}
        for counts in chance.choices(filled, k=len(filled)):
            for bucket, count in counts:
                total[bucket] = total.get(bucket, 0) + count
        found.append(_percentile(total, percent, never))
    found.sort()
    edge = _DRAWS // 40
    return found[edge], found[-edge - 1]


def _sparse(histogram: Histogram) -> list[tuple[int, int]]:
    packed = histogram.pack()
    return list(zip(packed[3::2], packed[4::2], strict=True))


def _percentile(counts: dict[int, int], percent: float, never: int) -> int:
    whole = sum(counts.values()) + never
    rank = max(1, -(-whole * round(percent * 1000) // 100_000))
    seen = 0
    for bucket in sorted(counts):
        seen += counts[bucket]
        if seen >= rank:
            return middle_of(bucket)
    return NEVER_US
