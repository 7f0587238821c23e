"""The plan of one pass: each connection's bytes, as one send. Makes no send itself.

Most members get the same bytes as everybody in their room, and their sockets take all of them. This is laid out for
that case: `push_all` plans a whole room in one operation on dictionaries, and each member costs a system call and a
comparison. A connection that has bytes waiting already, or whose wire has no framing, uses its send queue instead.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from chat.server.core.delivery import Separate
from chat.server.net.pacing import Pacer
from chat.server.net.sender import Data, Planned

JOINED_BYTES = 16_384  # up to which the data for one member is joined here; copying more costs as much as the queue


class Writes:
    """The sink of the fan-out, whose clients are this node's connections. The loop's thread only."""

    __slots__ = ("_pacer", "_plan", "_queued", "_unflushed", "bytes", "sends")

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self.sends = 0  # planned since the start; a send queue's are not among them
        self.bytes = 0  # given to connections since the start, whether or not their peers take them
        self._plan: dict[Any, Planned] = {}
        self._queued: dict[Any, None] = {}
        self._unflushed: dict[Any, None] = {}  # those that use their queue and are to be flushed in this pass

    def push(self, connection: Any, data: Data, answers: int = 0) -> None:
        """Plan a send of `data` to one connection, behind what is planned for it already."""
        self.bytes += len(data)
        if connection not in self._queued:
            planned = self._plan.get(connection)
            if planned is None:
                self._plan[connection] = (data, len(data), answers)
                return
            before, size, answered = planned
            if size + len(data) <= JOINED_BYTES:
                self._plan[connection] = (b"".join((before, data)), size + len(data), answered + answers)
                return
            self.use_queue(connection)
        connection.queue.push(data, answers)
        if connection.queue.lag > connection.lag_limit:  # a stopped reader: its socket never becomes ready
            self._unflushed[connection] = None

    def push_all(self, connections: Iterable[Any], data: Data) -> None:
        """As `push`, for many."""
        piece = (data, len(data), 0)
        fresh = dict.fromkeys(connections, piece)
        for known in (self._plan, self._queued):
            if not known.keys().isdisjoint(fresh.keys()):
                for connection in known.keys() & fresh.keys():
                    del fresh[connection]
                    self.push(connection, data)
        self.bytes += len(data) * len(fresh)
        self._plan.update(fresh)

    def push_separately(self, connection: Any, sends: Sequence[bytes], notice: bool) -> None:
        """Queue sends that are never joined, for a wire without framing."""
        self._queued[connection] = None
        for data in sends:
            self.bytes += len(data)
            self._pacer.push(connection, data, notice)

    def push_all_separately(self, connections: Iterable[Any], separate: Separate) -> None:
        """As `push_separately`, the same sends for many."""
        size = sum(map(len, separate.words))
        for data, _ in separate.first:
            size += len(data)
        for connection in connections:
            self.bytes += size
            self._queued[connection] = None
            self._pacer.push_all(connection, separate)

    def use_queue(self, connection: Any) -> None:
        """From here on the connection's bytes go through its send queue, beginning with what was planned for it."""
        if connection not in self._queued:
            self._queued[connection] = None
            planned = self._plan.pop(connection, None)
            if planned is not None:
                connection.queue.push(planned[0], planned[2])
                self._unflushed[connection] = None

    def use_plan(self, connection: Any) -> None:
        """The connection's send queue is empty: plan its bytes again."""
        self._queued.pop(connection, None)

    def flush_later(self, connection: Any) -> None:
        """Have `take` name a connection that uses its queue, though nothing was pushed to it."""
        self._unflushed[connection] = None

    def forget(self, connection: Any) -> None:
        """The connection is closed."""
        self._queued.pop(connection, None)
        self._plan.pop(connection, None)
        self._unflushed.pop(connection, None)

    @property
    def queued(self) -> Iterable[Any]:
        return self._queued

    def take(self) -> tuple[dict[Any, Planned], Iterable[Any]]:
        """The plan, and the queued connections to flush. Begins new ones."""
        plan, unflushed = self._plan, self._unflushed
        self.sends += len(plan)
        self._plan, self._unflushed = {}, {}
        return plan, unflushed
