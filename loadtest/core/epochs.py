"""Membership epochs: which messages are due to users who are members for only a part of a window. Knows no bytes.

A user is a member from the moment when the server has told it that it is in, until it says goodbye or its connection
ends. Due to it is every message that is meant to leave in that time. The senders' schedules are fixed, so which ones
these are is a division, and no two processes can disagree. Two rules keep the account exact at the edges:

- a message that was meant to leave earlier, and reaches the user all the same, is due as well: the server had let the
  user in before the user knew;
- what is due and has not come when a connection ends is *under way*: neither delivered nor lost. A gap before it, that
  is a message that did not come though a later one of the same sender did, is lost.
"""

from bisect import bisect_right, insort
from collections.abc import Mapping
from typing import Protocol

from loadtest.core.schedules import Schedule


class Epoch(Protocol):
    """What is needed of a receiver."""

    room: str
    number: int  # its own as a sender, -1 when it has none
    next: dict[int, int]  # for each sender heard: the number after the last one
    starts: dict[int, int] | None  # for each sender: the first number that is due; None for all from 0 on


class Epochs:
    """The members of one process. Sizes, dues and ends are those of its own users."""

    def __init__(self, schedules: Mapping[int, Schedule], rooms: Mapping[str, list[int]]) -> None:
        """`rooms` has the senders of each room."""
        self.changed = False  # set when somebody ends; whoever counts on sizes clears it
        self.joined = 0
        self.ended = 0
        self._schedules = schedules
        self._rooms = rooms
        self._starts: dict[int, list[int]] = {}  # for each sender, ascending: from where it is due to one user more
        self._ends: dict[int, list[int]] = {}  # from where it is due to one user less
        self._tails: dict[int, list[tuple[int, int]]] = {}  # what was under way when users ended: from, until

    def join(self, receiver: Epoch, now_ns: int) -> None:
        """A user is in, from now on."""
        self.joined += 1
        receiver.starts = {}
        for sender in self._heard_by(receiver):
            first = receiver.starts[sender] = self._schedules[sender].number_from(now_ns)
            insort(self._starts.setdefault(sender, []), first)

    def heard(self, receiver: Epoch, sender: int, number: int) -> int:
        """The first number that is due to the receiver, now that it has this one: no higher."""
        if receiver.starts is None or sender not in receiver.starts:
            return 0
        first = receiver.starts[sender]
        if number < first:
            starts = self._starts[sender]
            del starts[bisect_right(starts, first) - 1]
            insort(starts, number)
            first = receiver.starts[sender] = number
        return first

    def end(self, receiver: Epoch, now_ns: int) -> None:
        """A user has said goodbye, or lost its connection, at that moment. Called when nothing more can come."""
        self.ended += 1
        self.changed = True
        for sender in self._heard_by(receiver):
            first = 0 if receiver.starts is None else receiver.starts[sender]
            had = receiver.next.get(sender, first)
            end = max(had, self._schedules[sender].number_from(now_ns))
            insort(self._ends.setdefault(sender, []), end)
            if had < end:
                self._tails.setdefault(sender, []).append((had, end))

    def more(self, sender: int, number: int) -> int:
        """How many more users a message is due to than there were at the window's start."""
        starts, ends = self._starts.get(sender), self._ends.get(sender)
        return (bisect_right(starts, number) if starts else 0) - (bisect_right(ends, number) if ends else 0)

    def more_due(self, sender: int, sent: int) -> int:
        """The same, summed up over the sender's first `sent` messages."""
        gained = sum(sent - first for first in self._starts.get(sender, ()) if first < sent)
        return gained - sum(sent - end for end in self._ends.get(sender, ()) if end < sent)

    def under_way(self, sender: int, sent: int) -> int:
        """Deliveries of the sender's first `sent` messages that were due, and not there, when connections ended."""
        return sum(max(0, min(end, sent) - had) for had, end in self._tails.get(sender, ()))

    def _heard_by(self, receiver: Epoch) -> list[int]:
        return [sender for sender in self._rooms.get(receiver.room, ()) if sender != receiver.number]
