"""A log that answers late, as one that several servers share does."""

from collections import deque
from collections.abc import Callable

from chat.server.core.state import Refusal
from chat.server.log.entry import Entry
from chat.server.log.log import Apply
from chat.server.log.memory import MemoryLog
from chat.wires.message import Message


class LateLog(MemoryLog):
    """Entries come when `release` is called, as from a log that is shared with others."""

    def __init__(self, node: str, kept: int, clock: Callable[[], float]) -> None:
        super().__init__(node, kept, clock)
        self.waiting: deque[Entry] = deque()
        self._apply: Apply = _lost

    def append(self, user: int, request: Message) -> None:  # type: ignore[override]
        self.waiting.append(super().append(user, request))

    def deliver(self, apply: Apply) -> None:
        self._apply = apply

    def release(self, most: int) -> None:
        for _ in range(min(most, len(self.waiting))):
            self._apply(self.waiting.popleft())


def _lost(entry: Entry, refusal: Refusal | None = None) -> None:
    raise AssertionError("nobody takes the log's entries")
