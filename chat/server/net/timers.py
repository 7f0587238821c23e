"""Deadlines of many items, one each; finding the due ones looks at no others. No sockets."""

import heapq
import math
from itertools import islice
from typing import Generic, TypeVar

GRANULARITY = 0.25  # s that a deadline may be noticed late; timeouts are seconds to minutes

Item = TypeVar("Item")


class Timers(Generic[Item]):
    """A timer wheel: buckets of deadlines. One thread only."""

    __slots__ = ("_bucket_of", "_buckets", "_order")

    def __init__(self) -> None:
        self._order: list[int] = []  # a heap of buckets; emptied ones stay until they come up
        self._buckets: dict[int, dict[Item, None]] = {}
        self._bucket_of: dict[Item, int] = {}

    def __len__(self) -> int:
        return len(self._bucket_of)

    def set(self, item: Item, deadline: float) -> None:
        """Set the item's deadline, in seconds, in place of an earlier one."""
        bucket = int(deadline / GRANULARITY) + 1
        if self._bucket_of.get(item) != bucket:
            self.cancel(item)
            self._bucket_of[item] = bucket
            if bucket not in self._buckets:
                self._buckets[bucket] = {}
                heapq.heappush(self._order, bucket)
            self._buckets[bucket][item] = None

    def cancel(self, item: Item) -> None:
        bucket = self._bucket_of.pop(item, None)
        if bucket is not None:
            del self._buckets[bucket][item]

    def next(self) -> float:
        """When the next deadline is due; infinite when there is none."""
        while self._order and not self._buckets[self._order[0]]:
            del self._buckets[heapq.heappop(self._order)]
        return self._order[0] * GRANULARITY if self._order else math.inf

    def due(self, now: float, most: int | None = None) -> list[Item]:
        """Take out the items that are due, at most `most`; the others stay due."""
        items: list[Item] = []
        while self._order and self._order[0] * GRANULARITY <= now and (most is None or len(items) < most):
            bucket = self._buckets[self._order[0]]
            taken = list(bucket if most is None else islice(bucket, most - len(items)))
            if len(taken) == len(bucket):
                del self._buckets[heapq.heappop(self._order)]
            else:
                for item in taken:
                    del bucket[item]
            items += taken
        for item in items:
            del self._bucket_of[item]
        return items
