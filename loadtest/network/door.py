"""Let a few users in at a time. Knows nothing of what they do inside.

Locust starts a second's users at once. Servers accept from a short queue (ngIRCd's holds 10), and what overflows it is
a connection that the client believes in and the server never hears of: it hangs for up to a minute.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import gevent
from gevent.lock import BoundedSemaphore

_HELD_S = 1.0  # after this the next one may come as well: a server that hangs must not stop the ramp


class Door:
    """`width` users at a time; one who takes long keeps the others waiting for a second at most."""

    def __init__(self, width: int) -> None:
        self._places = BoundedSemaphore(width)

    @contextmanager
    def passing(self) -> Iterator[None]:
        self._places.acquire()
        freeing = gevent.spawn_later(_HELD_S, self._places.release)
        try:
            yield
        finally:
            if not freeing.ready():
                freeing.kill()
                self._places.release()
