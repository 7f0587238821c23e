"""Ids and times of entries: an id has the milliseconds of its time, and grows with every entry."""

from collections.abc import Callable

SEQUENCE_BITS = 16  # of an id, for entries within one millisecond; the bits above are milliseconds since the epoch


class Stamps:
    """Ids and times for a log with one writer. Ids grow and times never go back, also when the clock does."""

    __slots__ = ("_clock", "at", "id")

    def __init__(self, clock: Callable[[], float], last: int = 0, at: float = 0.0) -> None:
        """They go on behind `last` and `at`."""
        self._clock = clock  # seconds since the epoch
        self.id = last
        self.at = at

    def next(self) -> tuple[int, float]:
        """A new id and its time, in seconds since the epoch."""
        now = self._clock()
        if now > self.at:
            self.at = now
        wanted = int(self.at * 1000) << SEQUENCE_BITS
        self.id = wanted if wanted > self.id else self.id + 1
        return self.id, self.at


def first_id(at: float) -> int:
    """The least id that an entry of that time has, to the millisecond, in seconds since the epoch."""
    return int(at * 1000) << SEQUENCE_BITS
