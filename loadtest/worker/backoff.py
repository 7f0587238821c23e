"""How long a client waits before it tries again. Pure: no clock, no sockets.

"Full jitter": before attempt n, counted from 0, a random time from 0 to min(most, base * 2^n). Clients that were cut
off at one moment are then spread over the whole interval, and do not come back in waves. Source: Marc Brooker,
"Exponential Backoff And Jitter", https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
"""

import random

_MOST_DOUBLINGS = 64  # from a millisecond, that is longer than anybody waits; and a float still holds it


class Backoff:
    """One client's waits, in seconds, from the first attempt on; the same `chance` gives the same waits."""

    def __init__(self, base: float, most: float, chance: random.Random) -> None:
        self._base = base
        self._most = most
        self._chance = chance
        self._attempt = 0

    def next(self) -> float:
        """Seconds to wait before the next attempt."""
        longest = min(self._most, self._base * 2 ** min(self._attempt, _MOST_DOUBLINGS))
        self._attempt += 1
        return self._chance.uniform(0, longest)
