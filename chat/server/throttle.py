"""A token bucket: how often one user may do something. No clock of its own."""


class Throttle:
    """`burst` at once, then `rate` a second. A rate of 0 allows everything."""

    __slots__ = ("_burst", "_rate", "_tokens", "_updated")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(burst, 1.0)
        self._tokens = self._burst
        self._updated = now

    def take(self, now: float) -> bool:
        """Use one token, if there is one."""
        if not self._rate:
            return True
        self._tokens = min(self._burst, self._tokens + (now - self._updated) * self._rate)
        self._updated = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def wait(self) -> float:
        """Seconds until the next token, as of the last `take`."""
        return (1.0 - self._tokens) / self._rate if self._rate and self._tokens < 1.0 else 0.0
