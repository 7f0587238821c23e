"""How many deliveries are overdue while a window runs. Knows the senders' timetables and what has come, no sockets.

What is on its way is no loss yet, so only messages count that were meant to leave longer ago than a delivery may take
without being late; whole slices of them, as deliveries are counted by slices.
"""

from collections.abc import Mapping
from typing import Protocol

from loadtest.accounting.epochs import Timetable
from loadtest.accounting.slices import Slices


class Dues(Protocol):
    """What is needed of an account."""

    @property
    def joined(self) -> int: ...
    @property
    def ended(self) -> int: ...
    def due(self, sent: Mapping[int, int]) -> int: ...
    def under_way(self, sent: Mapping[int, int]) -> int: ...


class Overdue:
    """`timetables` are those of all senders that are heard here."""

    def __init__(self, timetables: Mapping[int, Timetable], late_after_ns: int, slices: Slices, account: Dues) -> None:
        self._timetables = timetables
        self._late_after_ns = late_after_ns
        self._slices = slices
        self._account = account
        self._state = (0, 0, 0)
        self._planned: dict[int, int] = {}
        self._due = 0

    def count(self, now_ns: int, sent: Mapping[int, int]) -> int | None:
        """Those here; None while a sender is behind its timetable: then the server is not to blame.

        `sent` are the messages so far of the senders that this process has.
        """
        before_ns = self._slices.last_end(now_ns - self._late_after_ns)
        self._look_again(before_ns)
        if any(self._planned[sender] > count for sender, count in sent.items()):
            return None
        return max(0, self._due - self._slices.count_before(before_ns))

    def _look_again(self, before_ns: int) -> None:
        """Once a slice, and when somebody came or went: with many senders it takes its time."""
        state = (before_ns, self._account.joined, self._account.ended)
        if state == self._state:
            return
        self._state = state
        self._planned = {sender: table.number_from(before_ns) for sender, table in self._timetables.items()}
        self._due = self._account.due(self._planned) - self._account.under_way(self._planned)
