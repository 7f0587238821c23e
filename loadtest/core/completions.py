"""When each message had reached its first, its median and its last receiver. Knows no bytes and no sockets.

`LocalCompletions` puts that together for the receivers of one process, `Completions` for those of all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from loadtest.core.histogram import NEVER_US, Histogram

_PENDING = 100_000  # messages of which some receiver has nothing yet; the oldest are given up beyond
_SIZES = 100  # histograms by size at most, 24 KB each: the sizes beyond them count to the nearest one


@dataclass(slots=True)
class _Partly:
    """A message that some receivers have, and their times."""

    intended_ns: int
    count: int
    lists: list[list[int]]


class LocalCompletions:
    """The messages that some receivers of this process have, and others do not have yet."""

    def __init__(self, size: Callable[[int, int], int], heard: Collection[int] | None = None) -> None:
        """`size` is to how many receivers of this process a message, by sender and number, is due.

        `heard` are the senders that have a receiver here as the window begins, of whom alone the leader waits for news.
        """
        self._size = size
        self._heard = heard
        self._pending: dict[tuple[int, int], _Partly] = {}
        self._completed: list[int] = []
        self._done: dict[tuple[int, int], None] = {}  # the latest of them, so that none is told of twice

    def add(self, sender: int, number: int, intended_ns: int, times: list[int]) -> None:
        """Receivers had a message at these ascending times. The list is kept, and must not change any more."""
        key = (sender, number)
        if key in self._done or (self._heard is not None and sender not in self._heard):
            return  # to somebody who came later, or whose connection ended meanwhile
        pending = self._pending.get(key)
        if pending is None:
            if len(times) == self._size(sender, number):
                self._complete(key, intended_ns, times)
                return
            if len(self._pending) >= _PENDING:
                del self._pending[next(iter(self._pending))]
            self._pending[key] = _Partly(intended_ns, len(times), [times])
            return
        pending.count += len(times)
        pending.lists.append(times)
        if pending.count == self._size(sender, number):
            self._complete(key, intended_ns, _merged(pending.lists))
            del self._pending[key]

    def look_again(self) -> None:
        """Sizes have changed: what was waited for may be all there."""
        for key, pending in list(self._pending.items()):
            if pending.count == self._size(*key):
                self._complete(key, pending.intended_ns, _merged(pending.lists))
                del self._pending[key]

    def take_partial(self) -> list[int]:
        """As `take_completed`, for the messages that some here have not got; NEVER_US for what never came."""
        partial: list[int] = []
        for key, pending in self._pending.items():
            size, times = self._size(*key), _merged(pending.lists)
            middle = (size - 1) // 2
            first, median = (
                (times[n] - pending.intended_ns) // 1000 if n < len(times) else NEVER_US for n in (0, middle)
            )
            partial += (*key, size, first, median, NEVER_US)
        return partial

    def take_completed(self) -> list[int]:
        """For each message that all here have, and that was not taken yet, six numbers.

        Sender, number, receivers, and microseconds from the intended time to the first, the median and the last.
        """
        completed, self._completed = self._completed, []
        return completed

    def _complete(self, key: tuple[int, int], intended_ns: int, times: list[int]) -> None:
        if len(self._done) >= _PENDING:
            del self._done[next(iter(self._done))]
        self._done[key] = None
        first, median, last = times[0], times[(len(times) - 1) // 2], times[-1]
        self._completed += (
            *key,
            len(times),
            *((moment - intended_ns) // 1000 for moment in (first, median, last)),
        )


def _merged(lists: list[list[int]]) -> list[int]:
    return sorted(time for times in lists for time in times)


@dataclass(slots=True)
class _Message:
    """What has been said of one message so far."""

    processes: int  # to come
    size: int = 0
    first_us: int = 0
    last_us: int = 0
    medians: list[tuple[int, int]] | None = None  # microseconds, and receivers of that process


class Completions:
    """All processes' messages, each complete with the process that completes it last."""

    def __init__(self, processes: Mapping[int, int]) -> None:
        """`processes` is, for each sender, in how many of them it has receivers."""
        self.first = Histogram()
        self.median = Histogram()
        self.last = Histogram()
        self.by_size: dict[int, Histogram] = {}  # of the last ones
        self._processes = processes
        self._pending: dict[tuple[int, int], _Message] = {}

    def add(self, completed: list[int]) -> None:
        """Take what an `LocalCompletions.take_completed` gave."""
        six = iter(completed)
        for sender, number, size, first_us, median_us, last_us in zip(six, six, six, six, six, six, strict=True):
            processes = self._processes.get(sender, 0)
            if processes == 1:
                self._count(size, first_us, median_us, last_us)
            elif processes:
                self._join((sender, number), size, first_us, median_us, last_us)

    def _join(self, key: tuple[int, int], size: int, first_us: int, median_us: int, last_us: int) -> None:
        """The median is the middle of the processes' medians, each with the weight of its receivers.

        Users are dealt out to the processes in turn, so that each has a fair sample of a room.
        """
        message = self._pending.pop(key, None)
        if message is None:
            message = _Message(self._processes[key[0]], 0, first_us, last_us, [])
        assert message.medians is not None
        message.processes -= 1
        message.size += size
        message.first_us = min(message.first_us, first_us)
        message.last_us = max(message.last_us, last_us)
        message.medians.append((median_us, size))
        if not message.processes:
            self._count(message.size, message.first_us, _middle(message.medians), message.last_us)
            return
        if len(self._pending) >= _PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[key] = message

    def finish(self) -> None:
        """No process will say more: of the messages that some have not told of, the first receiver is known."""
        for message in self._pending.values():
            self._count(message.size, message.first_us, NEVER_US, NEVER_US)
        self._pending.clear()

    def _count(self, size: int, first_us: int, median_us: int, last_us: int) -> None:
        """What never came has no sample: it is told by how many there are."""
        for histogram, us in ((self.first, first_us), (self.median, median_us), (self.last, last_us)):
            if us != NEVER_US:
                histogram.add(us)
        if last_us == NEVER_US:
            return
        if size not in self.by_size:
            if len(self.by_size) >= _SIZES:
                size = min(self.by_size, key=lambda known: abs(known - size))
            else:
                self.by_size[size] = Histogram()
        self.by_size[size].add(last_us)


def _middle(weighted: Iterable[tuple[int, int]]) -> int:
    """The lower weighted median."""
    ranked = sorted(weighted)
    half, seen = sum(weight for _, weight in ranked) / 2, 0
    for value, weight in ranked:
        seen += weight
        if seen >= half:
            return value
    return 0
