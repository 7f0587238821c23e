"""Retention: entries too old, or too many for their room, leave the file in portions, in the writer's thread."""

import sqlite3
from collections.abc import Callable

from chat.server.disk.file import NEWEST, ids_of_room
from chat.server.log.ids import SEQUENCE_BITS

AT_ONCE = 500  # entries that go in one transaction; some 3 ms
EVERY = 60.0  # s between two sweeps through all rooms


class Retention:
    def __init__(self, connection: sqlite3.Connection, length: int, age: float, clock: Callable[[], float]) -> None:
        """`length` entries of a room stay, for `age` days; 0 is no limit."""
        self.cut = 0  # up to this id nothing stays
        self._connection = connection
        self._length = length
        self._seconds = age * 86_400.0
        self._clock = clock
        self._room: str | None = ""  # the one that was swept last; None between two sweeps
        self._next = 0.0  # when the next sweep begins

    def portion(self) -> bool:
        """Sweep one room, or a part of it; False when the sweep is over."""
        if not self._length and not self._seconds and not self.cut:
            return False
        if self._room is None:
            if self._clock() < self._next:
                return False
            self._room = ""
        (room,) = self._connection.execute("SELECT min(room) FROM place WHERE room > ?", (self._room,)).fetchone()
        if room is None:
            self._room, self._next = None, self._clock() + EVERY
            return False
        if not self._sweep(room):
            self._room = room
        return True

    def _sweep(self, room: str) -> bool:
        """Delete up to a portion of the room's entries; True when there may be more."""
        bound = self.cut + 1
        if self._seconds:
            bound = max(bound, int((self._clock() - self._seconds) * 1000) << SEQUENCE_BITS)
        if self._length:
            last = self._connection.execute(
                f"{ids_of_room(words=False, newest=True)} LIMIT 1 OFFSET :length",
                {"room": room, "after": 0, "before": NEWEST, "length": self._length},
            ).fetchone()
            if last is not None:
                bound = max(bound, last[0] + 1)
        found = self._connection.execute(
            f"{ids_of_room(words=False, newest=False)} LIMIT {AT_ONCE}", {"room": room, "after": 0, "before": bound}
        ).fetchall()
        ids = [number for (number,) in found]
        if ids:
            forget(self._connection, room, ids[-1])
        return len(ids) == AT_ONCE


def forget(connection: sqlite3.Connection, room: str, upto: int) -> None:
    """Take the room's entries up to an id out of its history, and those that no other room shows out of the file.

    An entry that the next snapshot needs stays until then.
    """
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "DELETE FROM entry WHERE id IN (SELECT id FROM place WHERE room = ?1 AND said IN (0, 1) AND id <= ?2)"
        " AND (said OR (id <= (SELECT coalesce(max(id), 0) FROM snapshot) AND NOT EXISTS"
        " (SELECT 1 FROM place WHERE place.id = entry.id AND NOT place.said AND room <> ?1)))",
        (room, upto),
    )
    connection.execute("DELETE FROM place WHERE room = ? AND said IN (0, 1) AND id <= ?", (room, upto))
    connection.execute("COMMIT")
