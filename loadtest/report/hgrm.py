"""A histogram in HdrHistogram's percentile output format, which its plotters and scripts read. Values in milliseconds.

Source: `outputPercentileDistribution` in HdrHistogram's AbstractHistogram.java, with five rows for each halving of the
distance to 100 %.
"""

from collections.abc import Iterator
from math import sqrt

from loadtest.core.histogram import BUCKETS, Histogram, middle_of

_ROWS_PER_HALF = 5
_SUB_BUCKETS = 256  # in HdrHistogram's terms: those of one power of two and of all below it
_HEAD = f"{'Value':>12} {'Percentile':>14} {'TotalCount':>10} {'1/(1-Percentile)':>14}\n\n"


def hgrm(histogram: Histogram) -> str:
    """Without a sample it has no rows, and ends as any does."""
    rows = "".join(_row(ms, share, seen) for ms, share, seen in percentiles(histogram))
    mean, deviation = _mean_ms(histogram), _deviation_ms(histogram)
    return (
        f"{_HEAD}{rows}"
        f"#[Mean    = {mean:12.3f}, StdDeviation   = {deviation:12.3f}]\n"
        f"#[Max     = {histogram.longest / 1000:12.3f}, Total count    = {histogram.count:12d}]\n"
        f"#[Buckets = {BUCKETS // (_SUB_BUCKETS // 2):12d}, SubBuckets     = {_SUB_BUCKETS:12d}]\n"
    )


def _row(ms: float, share: float, seen: int) -> str:
    """The last one has no fourth column: it would be infinite."""
    inverse = f" {1 / (1 - share):14.2f}" if share < 1 else ""
    return f"{ms:12.3f} {share:2.12f} {seen:10d}{inverse}\n"


def percentiles(histogram: Histogram) -> Iterator[tuple[float, float, int]]:
    """Milliseconds, the share of the samples that a row stands for, and how many do not exceed it."""
    shares = _shares()
    share, seen = next(shares), 0
    for bucket, count in enumerate(histogram.counts):
        if not count:
            continue
        seen += count
        ms = min(max(middle_of(bucket), histogram.shortest), histogram.longest) / 1000
        while round(share * histogram.count, 6) <= seen:
            yield ms, share, seen
            if seen == histogram.count:
                yield histogram.longest / 1000, 1.0, seen
                return
            share = next(shares)


def _shares() -> Iterator[float]:
    """0, 0.1, ... 0.5, 0.55, ... 0.75, 0.775, ...: without end, and always below 1."""
    rest = 1.0
    while True:
        for step in range(_ROWS_PER_HALF):
            yield 1 - rest + rest / 2 * step / _ROWS_PER_HALF
        rest /= 2


def _mean_ms(histogram: Histogram) -> float:
    return histogram.total / histogram.count / 1000 if histogram.count else 0.0


def _deviation_ms(histogram: Histogram) -> float:
    """As far as the buckets tell, whose middles stand for their samples."""
    if not histogram.count:
        return 0.0
    mean_us = histogram.total / histogram.count
    squares = sum(count * (middle_of(bucket) - mean_us) ** 2 for bucket, count in enumerate(histogram.counts) if count)
    return sqrt(squares / histogram.count) / 1000
