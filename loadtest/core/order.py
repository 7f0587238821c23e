"""Whether all receivers of a room saw its messages in one order, whoever sent them. Knows no bytes and no clock.

Each message gets a rank once its place is sure: a receiver read it right after the highest-ranked one, or between two
neighbours. A receiver that had two messages one after the other, of which the second has the lower rank, or gets it
later, contradicts that order; what it missed, or said itself, does not matter. Each contradiction is a vote on two
messages: who turns out to be few is *diverged*.
`across` does the same for the orders of processes.
"""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

Key = tuple[int, int]  # sender and number
UNPLACED = -1
_UNPLACED_MOST = 64  # messages that one receiver keeps in mind until their place shows
_GAP = 1 << 256  # between the ranks of two messages: room for as many halvings; an int may be of any size
_MOST = 200_000  # messages of a room whose rank is remembered, some 40 MB; the older half is forgotten beyond


class Follower(Protocol):
    rank: int  # of the last message that it had; UNPLACED before the first
    top: int  # the highest that it had; what it reads behind that, it reads behind everything
    unplaced: list[Key]  # messages since then that have no rank


class Span(NamedTuple):
    """The ranks of some bytes' messages."""

    first: int
    last: int
    rises: bool  # from each to the next


class Order:
    """One room's in one process."""

    def __init__(self) -> None:
        self._ranks: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}  # the reverse
        self._sorted: list[int] = []
        self._forgotten: dict[int, int] = {}  # for each sender, the highest number whose rank is forgotten
        self._votes: Counter[tuple[Key, Key]] = Counter()  # how many had the first, and then the second, against rank
        # Of messages without a rank: how many had these two, of which it is one, one after the other.
        self._waiting: dict[Key, Counter[tuple[Key, Key]]] = {}

    def span(self, keys: Sequence[Key]) -> Span | None:
        """Of messages; None where one has no rank."""
        ranks = [self._ranks.get(key, UNPLACED) for key in keys]
        if UNPLACED in ranks:
            return None
        return Span(ranks[0], ranks[-1], all(low < high for low, high in pairwise(ranks)))

    def follow(self, follower: Follower, keys: Sequence[Key]) -> None:
        """A receiver had these messages, one after the other."""
        for key in keys:
            rank = self._ranks.get(key)
            if rank is None:
                if key[1] <= self._forgotten.get(key[0], -1):
                    continue
                if follower.top == (self._sorted[-1] if self._sorted else UNPLACED):
                    rank = self._place(key, max(follower.top, 0) + _GAP)
            elif follower.unplaced:
                self._fill(follower, rank)
            last = follower.unplaced[-1] if follower.unplaced else self._keys.get(follower.rank)
            if last:
                self._hold(last, key)
            if rank is not None:
                follower.unplaced.clear()
                follower.rank, follower.top = rank, max(follower.top, rank)
            elif len(follower.unplaced) < _UNPLACED_MOST:
                follower.unplaced.append(key)

    def _fill(self, follower: Follower, rank: int) -> None:
        """A receiver goes on to this rank: what it had in between gets one where nothing else is known to be."""
        at = bisect_right(self._sorted, follower.top)
        if at < len(self._sorted) and self._sorted[at] == rank:
            low = max(follower.top, 0)
            for between in follower.unplaced:
                if between not in self._ranks and low < (middle := (low + rank) // 2):
                    low = self._place(between, middle)

    def _hold(self, first: Key, second: Key, receivers: int = 1) -> None:
        """Hold the ranks of two messages, once both have one, against how so many receivers had them."""
        for key in (first, second):
            if key not in self._ranks:
                if key in self._waiting or len(self._waiting) < _MOST:
                    self._waiting.setdefault(key, Counter())[first, second] += receivers
                return
        # Two messages of one sender are its order, which is counted apart.
        if self._ranks[second] < self._ranks[first] and first[0] != second[0]:
            self._votes[first, second] += receivers

    def _place(self, key: Key, rank: int) -> int:
        if len(self._ranks) >= _MOST:
            self._forget()
        self._ranks[key] = rank
        self._keys[rank] = key
        insort(self._sorted, rank)
        for (first, second), receivers in self._waiting.pop(key, {}).items():
            self._hold(first, second, receivers)
        return rank

    def diverged(self, hearers: Callable[[Key, Key], int]) -> int:
        """Deliveries that came in another order than most receivers had; `hearers` are those of both messages."""
        return sum(min(votes, max(0, hearers(*pair) - votes)) for pair, votes in self._votes.items())

    def majority(self, hearers: Callable[[Key, Key], int]) -> list[int]:
        """Sender and number of each message, in the order that most receivers had."""
        order = sorted(self._ranks, key=self._ranks.__getitem__)
        for (first, second), votes in self._votes.items():
            if 2 * votes > hearers(first, second) and first in self._ranks and second in self._ranks:
                order.remove(first)
                order.insert(order.index(second), first)
        return [each for key in order for each in key]

    def _forget(self) -> None:
        for key in list(self._ranks)[: _MOST // 2]:
            self._keys.pop(self._ranks.pop(key), None)
            self._forgotten[key[0]] = max(key[1], self._forgotten.get(key[0], -1))
        self._sorted = sorted(self._ranks.values())


def across(orders: Sequence[tuple[Sequence[int], int]]) -> int:
    """Contradictions between processes: each one's order of a room, as `majority` gives it, and its receivers.

    Counted for as many receivers as are in the smaller part.
    """
    ranked = sorted(orders, key=lambda each: -each[1])
    if len(ranked) < 2:
        return 0
    whole = sum(receivers for _, receivers in ranked)
    reference = {key: rank for rank, key in enumerate(_keys(ranked[0][0]))}
    votes: Counter[tuple[Key, Key]] = Counter()
    for packed, receivers in ranked[1:]:
        last: Key | None = None
        for key in _keys(packed):
            if key not in reference:
                continue
            if last and reference[key] < reference[last] and last[0] != key[0]:
                votes[last, key] += receivers
            last = key
    return sum(min(count, whole - count) for count in votes.values())


def _keys(packed: Sequence[int]) -> list[Key]:
    two = iter(packed)
    return list(zip(two, two, strict=True))
