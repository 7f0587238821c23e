"""Deadlines of many things, each with one, found without looking at those that are not due. No sockets."""

from typing import Generic, TypeVar

GRANULARITY = 0.25  # s that a deadline may be noticed late; timeouts are seconds to minutes

Item = TypeVar("Item")


class Wheel(Generic[Item]):
    """Buckets of deadlines that fall together. One thread only."""

    __slots__ = ("_bucket_of", "_buckets")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[Item, None]] = {}
        self._bucket_of: dict[Item, int] = {}

    def __len__(self) -> int:
        return len(self._bucket_of)

    def set(self, item: Item, deadline: float) -> None:
        """Give `item` this deadline, in seconds, in place of any that it had."""
        bucket = int(deadline / GRANULARITY) + 1
        if self._bucket_of.get(item) != bucket:
            self.cancel(item)
            self._bucket_of[item] = bucket
            self._buckets.setdefault(bucket, {})[item] = None

    def cancel(self, item: Item) -> None:
        bucket = self._bucket_of.pop(item, None)
        if bucket is not None:
            items = self._buckets[bucket]
            del items[item]
            if not items:
                del self._buckets[bucket]

    def next(self) -> float | None:
        """When to look again; None when there is nothing to wait for."""
        return min(self._buckets) * GRANULARITY if self._buckets else None

    def due(self, now: float) -> list[Item]:
        """Take out everything whose deadline is over."""
        latest = now / GRANULARITY
        items: list[Item] = []
        for bucket in sorted(bucket for bucket in self._buckets if bucket <= latest):
            items.extend(self._buckets.pop(bucket))
        for item in items:
            del self._bucket_of[item]
        return items
