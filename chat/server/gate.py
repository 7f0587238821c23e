"""Who may connect: how many in all, and how many from one address. No sockets."""

import threading
from collections import Counter


class Gate:
    """Any thread may call any method."""

    def __init__(self, limit: int, limit_per_address: int) -> None:
        self.limit = limit
        self._limit_per_address = limit_per_address
        # Guards both counts. Not held across a system call.
        self._lock = threading.Lock()
        self._hosts: Counter[str] = Counter()
        self._total = 0

    def enter(self, host: str) -> str | None:
        """Count one connection in; if it may not come in, why, and nothing is counted."""
        with self._lock:
            if self._total >= self.limit:
                return f"server is full: {self._total:,} connections, the limit is {self.limit:,}"
            if self._hosts[host] >= self._limit_per_address:
                return f"too many connections from {host}: the limit is {self._limit_per_address:,}"
            self._total += 1
            self._hosts[host] += 1
            return None

    def leave(self, host: str) -> None:
        with self._lock:
            self._total -= 1
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]

    @property
    def total(self) -> int:
        return self._total
