"""Keep Python's search for garbage out of a window. It stops everything for as long as it looks at all objects.

Once all users are in, what is there stays: `settle` takes it out of the search. Reading makes many small values that
live for milliseconds and refer to nothing, so a search after each 700 of them, as is usual, finds nothing either.
"""

import gc
import time
from typing import Any

from loadtest.accounting.histogram import Histogram

_YOUNG = 50_000  # new objects before the youngest are searched: some hundred times a second at a million deliveries


def settle() -> None:
    """Nothing that exists now is looked at again."""
    gc.set_threshold(_YOUNG, 10, 10)
    gc.collect()
    gc.freeze()


class Collections:
    """Count them, and how long each took, from `watch` to `stop`."""

    def __init__(self) -> None:
        self.times = Histogram()
        self._began_ns = 0

    def watch(self) -> None:
        gc.callbacks.append(self._note)

    def stop(self) -> None:
        """Harmless when stopped."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "start":
            self._began_ns = time.monotonic_ns()
        elif self._began_ns:
            self.times.add((time.monotonic_ns() - self._began_ns) // 1000)
