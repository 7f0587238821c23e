"""The gate: limits connections in all, from one address, and unframed ones from one address. No sockets."""

import threading
from collections import Counter
from typing import NamedTuple


class TurnedAway(NamedTuple):
    """Why a connection is refused: the kind, which logging counts, and the sentence that the peer gets."""

    kind: str
    reason: str


class Gate:
    """Any thread may call any method."""

    def __init__(self, limit: int, limit_per_address: int, unframed_per_address: int) -> None:
        """`unframed_per_address` is for the unframed wires, whose clients are kept without ever saying anything."""
        self.limit = limit
        self._limit_per_address = limit_per_address
        self._unframed_per_address = unframed_per_address
        # Guards both counts. Not held across a system call.
        self._lock = threading.Lock()
        self._hosts: Counter[str] = Counter()
        self._unframed: Counter[str] = Counter()
        self._total = 0
        self.refusals: Counter[str] = Counter()  # since the start, by kind; counted by the acceptor's thread

    def enter(self, host: str, unframed: bool) -> TurnedAway | None:
        """Count one connection, or return why it is refused and count nothing."""
        with self._lock:
            if self._total >= self.limit:
                return TurnedAway("full", f"server is full: {self._total:,} connections, the limit is {self.limit:,}")
            if self._hosts[host] >= self._limit_per_address:
                limit = self._limit_per_address
                return TurnedAway("address", f"too many connections from {host}: the limit is {limit:,}")
            if unframed and self._unframed[host] >= self._unframed_per_address:
                limit = self._unframed_per_address
                return TurnedAway(
                    "unframed", f"too many connections from {host} on this kind of port: the limit is {limit:,}"
                )
            self._total += 1
            self._hosts[host] += 1
            self._unframed[host] += unframed
            return None

    def leave(self, host: str, unframed: bool) -> None:
        with self._lock:
            self._total -= 1
            self._hosts[host] -= 1
            self._unframed[host] -= unframed
            if not self._hosts[host]:
                del self._hosts[host]
            if not self._unframed[host]:
                del self._unframed[host]

    @property
    def total(self) -> int:
        return self._total
