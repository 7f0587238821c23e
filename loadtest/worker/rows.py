"""Show our figures in Locust's own table and charts, in bulk. Knows nothing of how they are measured.

Firing `events.request` for each delivery costs more than the delivery. A row instead compares a histogram with what it
showed of it so far, and adds the difference to Locust's statistics. Locust rounds its keys to whole milliseconds; ours
keep two significant digits, so that its percentiles stay meaningful below a millisecond.
"""

import time
from typing import Any

from locust.stats import StatsEntry

from loadtest.accounting.growth import Growth
from loadtest.accounting.histogram import Histogram, middle_of


class Row:
    """One line of Locust's table, `kind` its type and `name` its name."""

    def __init__(self, stats: Any, kind: str, name: str) -> None:
        self._stats = stats
        self._kind = kind
        self._name = name
        self._growth = Growth()

    def show(self, histogram: Histogram) -> None:
        """Add what is new in a histogram that only grows."""
        grown = self._growth.take(histogram)
        if not grown:
            return
        fresh = list(zip(grown[3::2], grown[4::2], strict=True))
        entry = StatsEntry(self._stats, self._name, self._kind)
        count = sum(grown[4::2])
        now = time.time()
        entry.num_requests = count
        entry.num_reqs_per_sec = {int(now): count}
        entry.last_request_timestamp = now
        entry.total_response_time = grown[0] / 1000
        entry.min_response_time = middle_of(fresh[0][0]) / 1000
        entry.max_response_time = min(middle_of(fresh[-1][0]), histogram.longest) / 1000
        for bucket, n in fresh:
            key = round_key(middle_of(bucket) / 1000)
            entry.response_times[key] += n
        self._stats.get(self._name, self._kind).extend(entry)
        self._stats.total.extend(entry)


def round_key(ms: float) -> float:
    """Two significant digits: 0.347 becomes 0.35, 147 becomes 150; whole numbers as int, as Locust's own are."""
    rounded = float(f"{ms:.2g}")
    return int(rounded) if rounded.is_integer() else rounded
