"""Pacing of sends to unframed clients, so that each send is one `recv` of the client.

Two sends to one client stay `GAP` seconds apart while few are due: read by one `recv`, the second would be lost. Beyond
that they follow one another at once, and no byte is lost on the way into the socket. Notices of joins, departures and
renames are limited in rate; those above it are merged into one that gives their number.
"""

import math
from typing import TYPE_CHECKING

from chat.server.core.delivery import Separate
from chat.server.net.throttle import Bucket

if TYPE_CHECKING:
    from chat.server.net.connection import Connection

GAP = 0.006  # s; clients read immediately, and 5 ms suffice on a machine that is not overloaded
FEW = 10  # sends that may wait, for 60 ms; where more are due, the oldest leave without a gap


class Pacer:
    """The loop's thread only. `now` is the time of the pass, set by the loop."""

    def __init__(self, rate: float, burst: float) -> None:
        """`rate` notices a second, after `burst` at once."""
        self.now = 0.0
        self._rate = rate
        self._burst = burst
        self.waiting: dict[Connection, float] = {}  # connections with a send due, and when it may leave

    def push(self, connection: "Connection", data: bytes, notice: bool) -> None:
        if connection.notices is None:
            connection.notices = Bucket(self._rate, self._burst, self.now)
        if notice and (connection.merged or connection.notices.wait(self.now)):
            connection.merged += 1
        else:
            connection.notices.spend(notice)
            connection.queue.push(data, 0)
        self.waiting.setdefault(connection, max(self.now, connection.sent_at + GAP))

    def push_all(self, connection: "Connection", separate: Separate) -> None:
        """What a pass has for all; costs no more where there are more notices."""
        if connection.merged:
            words, notices = separate.all_words, separate.all_notices
        else:
            words, notices = separate.words, separate.notices
            for data, notice in separate.first:
                self.push(connection, data, notice)
        connection.queue.extend(words)
        connection.merged += notices
        if words or notices:
            self.waiting.setdefault(connection, max(self.now, connection.sent_at + GAP))

    def forget(self, connection: "Connection") -> None:
        self.waiting.pop(connection, None)

    def next(self) -> float:
        """When the next send may leave; infinite when none waits."""
        return min(self.waiting.values(), default=math.inf)

    def due(self) -> list["Connection"]:
        """The connections that may be sent something now. `sends` says how much."""
        return [connection for connection, at in self.waiting.items() if at <= self.now]

    def sends(self, connection: "Connection") -> int:
        """How many sends may leave now."""
        self._say_merged(connection)
        return max(1, len(connection.queue) - FEW)

    def sent(self, connection: "Connection", blocked: bool) -> None:
        """Note that sends have left. `blocked`: the socket takes nothing now; the poller will report when it does."""
        connection.sent_at = self.now
        if blocked or not (connection.queue or connection.merged):
            self.waiting.pop(connection, None)
        elif connection.queue:
            self.waiting[connection] = self.now + GAP
        elif connection.notices is not None:
            self.waiting[connection] = self.now + max(GAP, connection.notices.wait(self.now))

    def _say_merged(self, connection: "Connection") -> None:
        if connection.merged and connection.notices is not None and not connection.notices.wait(self.now):
            for data in connection.dialect.summary(connection.merged):
                connection.queue.push(data, 0)
            connection.notices.spend(1)
            connection.merged = 0
