"""Token buckets of a connection and of all connections from one address. Reads no clock.

A command takes one token, and more for more work. A bucket may go into debt by one command, since the cost is known
only once it has run.
"""

from collections.abc import Callable

SETTLED_AFTER = 10.0  # s until a new connection may spend its whole burst whatever others at its address do


class Bucket:
    """Holds up to `burst` tokens and earns `rate` a second."""

    __slots__ = ("_rate", "_updated", "burst", "tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self.burst = max(burst, 1.0)
        self.tokens = self.burst
        self._updated = now

    def wait(self, now: float) -> float:
        """Seconds until there is a token; 0 when there is one."""
        if now > self._updated:
            self.tokens = min(self.burst, self.tokens + (now - self._updated) * self._rate)
            self._updated = now
        return (1.0 - self.tokens) / self._rate if self.tokens < 1.0 else 0.0

    def spend(self, tokens: float) -> None:
        self.tokens -= tokens

    def is_full(self, now: float) -> bool:
        self.wait(now)
        return self.tokens >= self.burst


class Throttle:
    """Limits one connection by its own bucket and by its address's.

    As it ages, a connection may spend its own burst also when others have emptied its address's bucket. So a new
    connection is no new burst, and nobody who has been here waits for what a neighbour does.
    """

    __slots__ = ("_address", "_own", "_since")

    def __init__(self, own: Bucket, address: Bucket, now: float) -> None:
        self._own = own
        self._address = address
        self._since = now

    def wait(self, now: float) -> float:
        """Seconds until the next command may run; 0 when it may."""
        own, address = self._own.wait(now), self._address.wait(now)
        if address <= own:
            return own
        spent = self._own.burst - self._own.tokens
        reserved = self._own.burst * min(1.0, (now - self._since) / SETTLED_AFTER)
        return own if spent + 1.0 <= reserved else address

    def spend(self, tokens: float) -> None:
        self._own.spend(tokens)
        if self._address.tokens > 0.0:  # its debt is never more than one command's
            self._address.spend(tokens)


class Addresses:
    """The buckets of addresses with connections, now or recently: a new connection gets no new burst."""

    def __init__(self, make: Callable[[float], Bucket]) -> None:
        self._make = make
        self._buckets: dict[str, Bucket] = {}
        self._look_at = 64  # the number of buckets at which full ones are next looked for

    def __len__(self) -> int:
        return len(self._buckets)

    def bucket(self, host: str, now: float) -> Bucket:
        bucket = self._buckets.get(host)
        if bucket is None:
            if len(self._buckets) >= self._look_at:
                self._forget_full(now)
            bucket = self._buckets[host] = self._make(now)
        return bucket

    def _forget_full(self, now: float) -> None:
        """Drop full buckets, which equal new ones. A connection that still uses one gains one burst at most."""
        self._buckets = {host: bucket for host, bucket in self._buckets.items() if not bucket.is_full(now)}
        self._look_at = max(64, 2 * len(self._buckets))
