"""What one pass has to send: for each connection its bytes, once. The owner's thread only.

Most members get the same bytes as everybody in their room, and their sockets take all of it. This is laid out for them:
`push_all` enters a whole room in one operation on dictionaries, and what is left for each member is a system call and a
comparison. Who has bytes waiting already, or takes none, is `apart`: what is for them goes through their outbox.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from chat.server.connection import Connection

JOINED_BYTES = 16_384  # up to which two pieces for one member are joined here; copying more costs as much as the outbox

Data: TypeAlias = bytes | memoryview
Piece: TypeAlias = tuple[Data, int, int]  # the bytes, how many they are, and how many of them are notices


class Sends:
    """`push` and `push_all` plan, `take` hands the plan over, `set_apart` and `reunite` say who has a part in it."""

    __slots__ = ("_apart", "_plan", "_unflushed")

    def __init__(self) -> None:
        self._plan: dict[Connection, Piece] = {}
        self._apart: dict[Connection, None] = {}
        self._unflushed: list[Connection] = []  # of those apart, who have something that their sockets were not offered

    def push(self, connection: "Connection", data: Data, notices: int = 0) -> None:
        """Plan a send of `data` to one connection, behind what it is to get already."""
        if connection not in self._apart:
            planned = self._plan.get(connection)
            if planned is None:
                self._plan[connection] = (data, len(data), notices)
                return
            before, size, noticed = planned
            if connection.dialect.framed and size + len(data) <= JOINED_BYTES:
                self._plan[connection] = (b"".join((before, data)), size + len(data), noticed + notices)
                return
            self.set_apart(connection)
        outbox = connection.outbox
        if outbox.size > outbox.limit:  # a reader that has stopped: no socket tells the worker of it
            self._unflushed.append(connection)
        outbox.push(data, notices)

    def push_all(self, connections: Iterable["Connection"], data: Data, notices: int = 0) -> None:
        """As `push`, for many."""
        piece = (data, len(data), notices)
        fresh = dict.fromkeys(connections, piece)
        for known in (self._plan, self._apart):
            if not known.keys().isdisjoint(fresh.keys()):
                for connection in known.keys() & fresh.keys():
                    del fresh[connection]
                    connection.push(data, notices)
        self._plan.update(fresh)

    def set_apart(self, connection: "Connection") -> None:
        """From here on its bytes go through its outbox, with what was planned for it first."""
        if connection not in self._apart:
            self._apart[connection] = None
            planned = self._plan.pop(connection, None)
            if planned is not None:
                connection.outbox.push(planned[0], planned[2])
                self._unflushed.append(connection)

    def reunite(self, connection: "Connection") -> None:
        """Its outbox is empty, and it takes what comes."""
        self._apart.pop(connection, None)

    def offer(self, connection: "Connection") -> None:
        """Have `take` name a connection that is apart, though nothing was pushed to it."""
        self._unflushed.append(connection)

    def forget(self, connection: "Connection") -> None:
        """It is closed."""
        self._apart.pop(connection, None)
        self._plan.pop(connection, None)

    def take(self) -> tuple[dict["Connection", Piece], list["Connection"]]:
        """The plan, and of those apart who are to be flushed. Both begin anew."""
        plan, unflushed = self._plan, self._unflushed
        self._plan, self._unflushed = {}, []
        return plan, unflushed
