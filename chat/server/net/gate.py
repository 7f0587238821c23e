"""The gate: limits how many connections there are and how fast they come, in all and from one network. No sockets."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from chat.server.net.throttle import Addresses, Bucket
from chat.server.networks import Networks, shares

WIDE = 4  # how many times as fast a whole /24 or /48 may connect as one address


KINDS = ("full", "address", "unframed", "unframed in all", "rate", "proxy", "descriptors", "memory")


class TurnedAway(NamedTuple):
    """Why a connection is refused: the kind, which logging counts, and the sentence that the peer gets."""

    kind: str
    reason: str


class Gate:
    """Any thread may call any method."""

    def __init__(
        self,
        limit: int,
        limit_per_address: int,
        unframed_per_address: int,
        *,
        unframed_total: int = 0,
        rate: float = 0.0,
        burst: float = 0.0,
        exempt: Networks | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`unframed_per_address` and `unframed_total` are for the unframed wires, whose clients are kept without ever
        saying anything.

        A `limit_per_address` of 0 lets nobody hold more places than are left free: an address no more than half of
        all, the next no more than half of the rest. So no two addresses, nor ten, can take all. `rate` and `burst` are
        new connections of one address; a rate of 0 is no limit, as is an `unframed_total` of 0. Addresses in `exempt`
        count only towards the whole.
        """
        self.limit = limit
        self._limit_per_address = limit_per_address
        self._unframed_per_address = unframed_per_address
        self._unframed_total = unframed_total
        self._clock = clock
        # Guards all below. Not held across a system call.
        self._lock = threading.Lock()
        self.exempt = exempt or Networks(())  # replaced as a whole
        self._hosts: Counter[str] = Counter()  # by address, or IPv6 /64
        self._wide: Counter[str] = Counter()  # by /24 or /48
        self._unframed: Counter[str] = Counter()
        self._unframed_all = 0
        self._total = 0
        # Since the start, by kind; counted by the acceptor's thread. Those of 0 are there: an alert sees the first.
        self.refusals = Counter(dict.fromkeys(KINDS, 0))
        self._rates = Addresses(lambda now: Bucket(rate, burst, now)) if rate else None
        self._wide_rates = Addresses(lambda now: Bucket(WIDE * rate, WIDE * burst, now)) if rate else None

    def enter(self, host: str, unframed: bool) -> TurnedAway | None:
        """Count one connection, or return why it is refused and count nothing."""
        address, wide = shares(host)
        with self._lock:
            if self._total >= self.limit:
                return TurnedAway("full", f"server is full: {self._total:,} connections, the limit is {self.limit:,}")
            if host not in self.exempt:
                refusal = (
                    self._too_many(host, address, wide)
                    or (self._too_many_unframed(host, address) if unframed else None)
                    or self._too_fast(host, address, wide)
                )
                if refusal is not None:
                    return refusal
            self._total += 1
            self._hosts[address] += 1
            self._wide[wide] += 1
            self._unframed[address] += unframed
            self._unframed_all += unframed
            return None

    def _too_many(self, host: str, address: str, wide: str) -> TurnedAway | None:
        limit, held = self._limit_per_address, self._hosts[address]
        if limit:
            if held >= limit:
                return TurnedAway("address", f"too many connections from {host}: the limit is {limit:,}")
            return None
        free = self.limit - self._total
        held = max(held, self._wide[wide])
        if held >= free:
            reason = f"too many connections from {host}: it has {held:,}, and {free:,} places are free"
            return TurnedAway("address", reason)
        return None

    def _too_many_unframed(self, host: str, address: str) -> TurnedAway | None:
        limit, total = self._unframed_per_address, self._unframed_total
        if self._unframed[address] >= limit:
            return TurnedAway(
                "unframed", f"too many connections from {host} on this kind of port: the limit is {limit:,}"
            )
        if total and self._unframed_all >= total:
            return TurnedAway("unframed in all", f"too many connections on this kind of port: the limit is {total:,}")
        return None

    def _too_fast(self, host: str, address: str, wide: str) -> TurnedAway | None:
        if self._rates is None or self._wide_rates is None:
            return None
        now = self._clock()
        buckets = self._rates.bucket(address, now), self._wide_rates.bucket(wide, now)
        wait = max(bucket.wait(now) for bucket in buckets)
        if wait:
            return TurnedAway("rate", f"too many new connections from {host}: try again in {wait:.0f} s or later")
        for bucket in buckets:
            bucket.spend(1.0)
        return None

    def leave(self, host: str, unframed: bool) -> None:
        address, wide = shares(host)
        with self._lock:
            self._total -= 1
            self._unframed_all -= unframed
            for counts, key, number in (
                (self._hosts, address, 1),
                (self._wide, wide, 1),
                (self._unframed, address, int(unframed)),
            ):
                counts[key] -= number
                if not counts[key]:
                    del counts[key]

    @property
    def total(self) -> int:
        return self._total
