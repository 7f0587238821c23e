"""Log lines of one kind as a count every few seconds, so that an attack does not fill a disk.

No threads: its owner calls `add`, and `report` when `due_in` says so.
"""

from collections.abc import Callable

INTERVAL = 10.0  # s between two lines of one kind


class CountedLog:
    """The first of a kind is logged at once; those that follow within the interval are one line at its end."""

    def __init__(self, write: Callable[[str], None], one: str, many: str) -> None:
        """`one` and `many` are the texts for one event and for several: `refused {:,} connections`."""
        self._write = write
        self._one = one
        self._many = many
        self._open: dict[str, _Interval] = {}

    def add(self, kind: str, text: str, now: float) -> None:
        interval = self._open.get(kind)
        if interval is None:
            self._open[kind] = _Interval(now)
            self._write(f"{self._one}: {text}")
            return
        interval.count += 1
        interval.last = text

    def due_in(self, now: float) -> float | None:
        """Seconds until `report` has something to do; None when nothing is being counted."""
        if not self._open:
            return None
        return max(0.0, min(interval.began for interval in self._open.values()) + INTERVAL - now)

    def report(self, now: float) -> None:
        """Log the intervals that are over. A kind that went on starts its next interval; a quiet one is forgotten."""
        for kind, interval in list(self._open.items()):
            if now >= interval.began + INTERVAL:
                del self._open[kind]
                if interval.count:
                    self._report(interval, now)
                    self._open[kind] = _Interval(now)

    def close(self, now: float) -> None:
        """Log the counts so far."""
        for interval in self._open.values():
            if interval.count:
                self._report(interval, now)
        self._open.clear()

    def _report(self, interval: "_Interval", now: float) -> None:
        counted = self._one if interval.count == 1 else self._many.format(interval.count)
        self._write(f"{counted} in {now - interval.began:.0f} s, the last: {interval.last}")


class _Interval:
    __slots__ = ("began", "count", "last")

    def __init__(self, began: float) -> None:
        self.began = began
        self.count = 0
        self.last = ""
