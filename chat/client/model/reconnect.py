"""When to try again after a connection ended: growing waits with jitter. Knows no sockets and no Tk.

Attempt k waits a random time up to min(CAP, BASE * 2 ** k) seconds ("full jitter"): after a server's restart its users
come back spread over time and not in waves. The waits start again after a connection that lasted.
"""

import random
import time
from collections.abc import Callable

BASE = 1.0  # s; most lost connections come back at once
CAP = 60.0  # s; a person who waits for a server to come back looks at it every few minutes
LASTED = 30.0  # s; a server that takes us in and drops us sooner is in trouble


class Reconnect:
    """The waits of one conversation. `clock` is in seconds and only goes forward; `chance` is from 0 to 1."""

    def __init__(
        self,
        base: float = BASE,
        cap: float = CAP,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._base = base
        self._cap = cap
        self._clock = clock
        self._chance = chance
        self._failures = 0  # attempts in a row that came to nothing
        self._since: float | None = None  # when the server took us in
        self._due: float | None = None

    def welcomed(self) -> None:
        """The server took us in."""
        self._since = self._clock()

    def lost(self) -> None:
        """The connection ended, or never came to be: another attempt is due in a while."""
        now = self._clock()
        if self._since is not None and now - self._since >= LASTED:
            self._failures = 0
        self._since = None
        longest = min(self._cap, self._base * 2 ** min(self._failures, 63))  # more would only make a huge number
        self._failures += 1
        self._due = now + longest * self._chance()

    def stop(self) -> None:
        """An attempt begins, or none is wanted."""
        self._due = None

    @property
    def left(self) -> float | None:
        """Seconds until the next attempt, 0 when it is due; None when there is to be none."""
        return None if self._due is None else max(0.0, self._due - self._clock())
