"""How long the store cannot be reached, for one thread that tries again, and when that is too long."""

import logging
import time
from collections.abc import Callable

from chat.errors import SetupError
from chat.server.shared.store import StoreDown

NEVER = float("inf")

log = logging.getLogger(__name__)


class Outage:
    """Its thread calls `note` and `end`; any thread may read `since`."""

    def __init__(self, effect: str, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`effect` is what it means to users, for the operator; `patience` is in seconds."""
        self.since = NEVER
        self._effect = effect
        self._patience = patience
        self._clock = clock

    def note(self, began: float, error: StoreDown) -> None:
        """A call that began then has failed. Raises SetupError after too many seconds."""
        if self.since == NEVER:
            self.since = began
            log.error("%s; %s", error, self._effect)
        if self._clock() - self.since > self._patience:
            raise SetupError(f"{error}, for more than {self._patience:g} s")

    def end(self) -> bool:
        """A call has succeeded; whether that ends an outage."""
        if self.since == NEVER:
            return False
        log.warning("the shared log is back after %.1f s", self._clock() - self.since)
        self.since = NEVER
        return True
