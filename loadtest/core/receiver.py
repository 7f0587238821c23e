"""What one user had, and the bytes that many had alike. Plain values: some of these are made for each read."""

from dataclasses import dataclass, field
from typing import Protocol

from loadtest.core import stamps
from loadtest.core.notices import Gone
from loadtest.core.order import UNPLACED, Key, Order, Span
from loadtest.core.stamps import Stamp

# All in nanoseconds of the monotonic clock: when the kernel had the last of the bytes, when they were read, and the
# earliest moment at which the kernel may have had the first of them. Where the kernel notes no arrivals, the first two
# are the same.
Moment = tuple[int, int, int]


def just(ns: int) -> Moment:
    """Bytes that were read as they came."""
    return ns, ns, ns


@dataclass(slots=True)
class Receiver:
    """What one user has had of each sender it heard. `number` is the user's own as a sender, -1 when it has none."""

    room: str
    number: int = -1
    tenth: int = 0  # of those who were in as the window began, by the order of their coming
    told: int = 0  # of whose end: a bit for each user
    rank: int = UNPLACED  # of the last message that it had, in its room's order
    top: int = UNPLACED  # the highest that it had
    unplaced: list[Key] = field(default_factory=list)  # messages since then that have no place in it yet
    next: dict[int, int] = field(default_factory=dict)
    missing: dict[int, set[int]] = field(default_factory=dict)
    starts: dict[int, int] | None = None  # the first number due of each sender, for one who came in the window


class Sink(Protocol):
    """What takes what a receiver reads: a window's ledger, or a scenario's own notes."""

    def receive(self, receiver: Receiver, data: bytes, at: Moment) -> bool:
        """Whole messages. True when one may want an answer."""


class Batch:
    """The stamps in some bytes, and when the receivers of exactly these bytes had them."""

    __slots__ = (
        *("after", "corrupt", "data", "first", "gone", "moments", "order", "runs", "sender", "span", "stamps"),
        *("is_sample", "tenths", "urgent"),
    )

    def __init__(self, data: bytes, found: list[Stamp], corrupt: int = 0) -> None:
        self.data = data
        self.gone: Gone | None = None  # whose end it tells of, where that is watched
        self.stamps = found
        self.corrupt = corrupt  # messages that are not what was sent: such a batch is taken stamp by stamp
        self.runs = None if corrupt else stamps.runs(found)
        # Of one sender alone, as mostly, these are its run; else no sender has this number.
        self.sender, self.first, self.after = self.runs[0] if self.runs and len(self.runs) == 1 else (-1, 0, 0)
        self.order: Order | None = None  # of its room, where several speak there
        self.span: Span | None = None
        self.moments: list[Moment] = []
        self.is_sample = False
        self.tenths: list[int] | None = None  # of the same receivers, in a sample
        self.urgent = b"PING" in data or b"ERROR" in data  # perhaps a line that the connection must answer
