"""A log in memory: `append` returns the entry at once, and the newest entries are kept."""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.server.log.entry import Entry
from chat.server.log.ids import SEQUENCE_BITS
from chat.server.log.log import Apply, Figures, Post
from chat.wires.message import Message

if TYPE_CHECKING:
    from chat.server.core.state import State


class Stamps:
    """Ids and times for a log with one writer. Ids grow and times never go back, also when the clock does."""

    __slots__ = ("_clock", "id")

    def __init__(self, clock: Callable[[], float], last: int = 0) -> None:
        """They go on behind `last`."""
        self._clock = clock  # seconds since the epoch
        self.id = last

    def next(self) -> tuple[int, float]:
        """A new id and its time, in seconds since the epoch."""
        wanted = int(self._clock() * 1000) << SEQUENCE_BITS
        self.id = number = wanted if wanted > self.id else self.id + 1
        return number, (number >> SEQUENCE_BITS) / 1000  # `time_of`, without a call for each message


class MemoryLog:
    """Formats nothing, and nothing outlives the process."""

    rooms_remembered = 0
    history = None

    def __init__(self, node: str, kept: int, clock: Callable[[], float]) -> None:
        """Keeps `kept` entries of the whole server: one bound, whatever the number of rooms."""
        self.entries: deque[Entry] = deque(maxlen=kept)
        self.keep = self.entries.append
        self._node = node
        self._stamps = Stamps(clock)

    def append(self, user: int, request: Message) -> Entry:
        number, at = self._stamps.next()
        return Entry(number, at, self._node, user, request)

    def restore(self, state: "State") -> None:
        """Nothing is left of the last run."""

    def deliver(self, apply: Apply) -> None:
        """No entry comes later."""

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        """It has no thread."""

    def status(self) -> str:
        return ""

    def figures(self) -> Figures:
        return Figures()

    def close(self) -> None:
        """It has no file."""
