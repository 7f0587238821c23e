"""When bytes came and when they were read. Plain integers: one of these is made for each read."""

# All in nanoseconds of the monotonic clock: when the kernel had the last of the bytes, when they were read, and the
# earliest moment at which the kernel may have had the first of them. Where the kernel notes no arrivals, the first two
# are the same.
Moment = tuple[int, int, int]


def just(ns: int) -> Moment:
    """Bytes that were read as they came."""
    return ns, ns, ns
