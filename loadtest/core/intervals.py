"""How sure a percentile is: intervals of 95 %, and how many messages one takes. Pure: no chance that is not seeded.

Deliveries of one message share their fate, and messages of one second share what the machine did just then. So the
fan-out's interval comes from resampling whole slices of the window's time (a block bootstrap): as many slices as there
were are drawn at random, with replacement, many times over. Of figures with one sample a message the interval follows
from the ranks of the samples, without any assumption about their distribution.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil, exp, floor, log, sqrt
from random import Random
from statistics import fmean, stdev

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


_DROP = 1.92  # of the log-likelihood: half of what chi-squared of one degree exceeds in 5 %
_PLACES = 200  # of the limit that are tried, evenly in its logarithm
_SLOPES = [4.0**n for n in range(9)]  # from a load that is missed ever so gradually to one that is a wall


def of_limit(tries: Iterable[tuple[float, bool]]) -> tuple[float | None, float | None]:
    """Where the load lies that holds as often as not, of loads above 0 that were tried, and whether each held.

    A load is taken to hold the less often the higher it is, by a logistic curve in its logarithm. The interval is that
    of the likelihood: every limit that explains the tries, with the slope that suits it best, not much worse than the
    best limit of all. It does not mind that what was tried depended on what came before. A side that nothing bounds is
    None. When no two tries contradict one another, it is the gap between the highest that held and the lowest that
    missed; from three tries of each on it is no wider.
    """
    counts = Counter(tries)
    loads = sorted({load for load, _ in counts})
    if not loads:
        return None, None
    low, high = loads[0] / 2, loads[-1] * 2
    places = sorted({low, high, *loads, *(low * (high / low) ** (n / _PLACES) for n in range(1, _PLACES))})
    likely = [_log_likelihood(counts, place) for place in places]
    least = max(likely) - _DROP
    inside = [n for n, each in enumerate(likely) if each >= least]
    first, last = inside[0], inside[-1]
    return places[first - 1] if first else None, places[last + 1] if last + 1 < len(places) else None


_STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)  # 97.5 %, by degrees of freedom


def of_ratios(pairs: Iterable[tuple[float, float]]) -> tuple[float, float, float] | None:
    """How many times the second of each pair is the first, and the two ends of the interval. None of fewer than two.

    A pair is what was measured in one round, so that what the machine did meanwhile is in both. The ratio is the
    geometric mean of the rounds' ratios, the interval Student's, of their logarithms. All must be above 0.
    """
    logs = [log(second / first) for first, second in pairs]
    if len(logs) < 2:
        return None
    free = len(logs) - 1
    times = _STUDENT[free - 1] if free <= len(_STUDENT) else _Z + 2.37 / free + 2.8 / free**2
    middle, spread = fmean(logs), times * stdev(logs) / sqrt(len(logs))
    return exp(middle), exp(middle - spread), exp(middle + spread)


def _log_likelihood(counts: Counter[tuple[float, bool]], limit: float) -> float:
    """Of the tries, were this the limit, with the slope that explains them best."""
    return max(
        sum(
            times * _log_share(slope * log(load / limit) * (-1 if held else 1))
            for (load, held), times in counts.items()
        )
        for slope in _SLOPES
    )


def _log_share(steps: float) -> float:
    """The logarithm of 1 / (1 + e^-steps), of which neither end overflows."""
    return -log(1 + exp(-steps)) if steps > -30 else steps


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
