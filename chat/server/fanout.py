"""From the posts of one pass to bytes in outboxes: the rooms as one worker sees them. No sockets.

The owner's thread only. Membership changes come through the same inbox as everything else, so that they take effect in
their place among the events.
"""

from collections.abc import Callable
from typing import Any

from chat.server.audience import Audience, PushAll
from chat.server.inbox import Inbox
from chat.server.posts import Arrival, Departure, Direct, Recast, Remark, Seat, Spread


class FanOut:
    """`handlers` takes posts by their kind; `flush` ends a pass."""

    def __init__(self, inbox: Inbox, push_all: PushAll) -> None:
        self._inbox = inbox  # marks the seats that are ours
        self._push_all = push_all
        self._audiences: dict[str, Audience] = {}  # by room
        self._touched: dict[str, Audience] = {}  # those that a pass has changed
        self.handlers: dict[type, Callable[[Any], None]] = {
            Remark: self._remark,
            Arrival: self._arrive,
            Departure: self._depart,
            Spread: self._spread,
            Direct: self._direct,
            Recast: self._recast,
        }

    def flush(self) -> None:
        """Push the pass's events to everyone who is to have them."""
        for room, audience in self._touched.items():
            audience.flush()
            if not audience:
                del self._audiences[room]
        self._touched.clear()

    def _remark(self, post: Remark) -> None:
        audience = self._audiences[post.room]
        audience.remark(post)
        self._touched[post.room] = audience

    def _arrive(self, post: Arrival) -> None:
        audience = self._audiences.get(post.room)
        if audience is None:
            audience = self._audiences[post.room] = Audience(self._push_all)
        if post.seat.inbox is self._inbox:
            audience.arrive(post)
        else:
            audience.remark(post)
        self._touched[post.room] = audience

    def _depart(self, post: Departure) -> None:
        audience = self._audiences[post.room]
        audience.depart(post)
        self._touched[post.room] = audience

    def _spread(self, post: Spread) -> None:
        """Once to each seat that sits in any of the rooms; what those rooms said before comes first."""
        audiences = [audience for room in post.rooms if (audience := self._audiences.get(room)) is not None]
        for audience in audiences:
            audience.flush()
        told: set[Seat] = set()
        for audience in audiences:
            for dialect, seats in audience.seats.items():
                others = seats.keys() - told
                told |= others
                if post.copy is not None and post.seat in others:
                    others.discard(post.seat)
                    for data in post.copy.sends:
                        post.seat.push(data, len(data) if post.departs else 0)
                for data in post.encoded(dialect):
                    self._push_all(others, data, len(data) if post.departs else 0)
            if post.departs:
                audience.drop(post.seat)
        self._touched.update((room, self._audiences[room]) for room in post.rooms if room in self._audiences)

    def _direct(self, post: Direct) -> None:
        """Behind what the seat is owed already: into that batch when one room owes it, else after all of them."""
        owing = [audience for audience in self._touched.values() if audience.owes(post.seat)]
        if len(owing) == 1:
            owing[0].insert(post.seat, post.copy)
            return
        for audience in owing:
            audience.flush()
        for data in post.copy.sends:
            post.seat.push(data)

    def _recast(self, post: Recast) -> None:
        for audience in self._audiences.values():
            if post.seat in audience or audience.owes(post.seat):
                audience.flush()
                if audience.drop(post.seat):
                    audience.add(post.seat, post.dialect)
        post.seat.dialect = post.dialect
