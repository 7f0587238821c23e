"""Ids and times of entries: an id has its time in milliseconds, and grows with every entry."""

ROUNDING = 0.001  # ms; what a float of so many seconds may be short of its whole millisecond
SEQUENCE_BITS = 16  # of an id, for entries within one millisecond; the bits above are milliseconds since the epoch


def first_id(at: float) -> int:
    """The least id that an entry of that time has, to the millisecond, in seconds since the epoch."""
    return int(at * 1000 + ROUNDING) << SEQUENCE_BITS


def time_of(number: int) -> float:
    """The time in an id, in seconds since the epoch, to the millisecond."""
    return (number >> SEQUENCE_BITS) / 1000
