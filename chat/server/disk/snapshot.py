"""Snapshots of the state in the log's file: a start reads one, and the entries behind it, not the whole log.

The state is made from the file again, in the writer's thread: the loop takes no part.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from chat.errors import SetupError, WireError
from chat.server.core.apply import apply
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, Refusal, State
from chat.server.log.log import Entry
from chat.wires.message import parse

AT_ONCE = 200  # entries that are read and applied in one portion; some 2 ms
NEWEST = (1 << 63) - 1
EVERY = 20_000  # entries between two snapshots; that many take 0.2 s to be read at a start


def read_snapshot(connection: sqlite3.Connection, state: State) -> int:
    """Load the newest snapshot into a new state; gives the id up to which it reaches. Raises SetupError."""
    found = connection.execute("SELECT id, state FROM snapshot ORDER BY id DESC LIMIT 1").fetchone()
    if found is None:
        return 0
    try:
        load(state, found[1])
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"the log's snapshot of the state cannot be read: {error!r}") from None
    return int(found[0])


def read_entries(connection: sqlite3.Connection, after: int, upto: int, words: bool) -> list[Entry]:
    """A portion of the entries behind an id, in their order."""
    rows = connection.execute(
        f"SELECT id, at, node, line FROM entry WHERE id > ? AND id <= ? {'' if words else 'AND NOT said'}"
        " ORDER BY id LIMIT ?",
        (after, upto, AT_ONCE),
    ).fetchall()
    entries = []
    for number, at, node, line in rows:
        with suppress(WireError):  # somebody has edited the file
            entries.append(Entry(number, float(at), node, parse(line)))
    return entries


def replay(
    connection: sqlite3.Connection, state: State, after: int, upto: int = NEWEST, words: bool = True
) -> Iterator[tuple[list[Entry], list[Entry]]]:
    """Apply what is behind an id, a portion at a time; gives those entries, and those that were refused."""
    while entries := read_entries(connection, after, upto, words):
        applied, refused = [], []
        for entry in entries:
            try:
                apply(state, entry)
                applied.append(entry)
            except Refusal:
                refused.append(entry)
        after = entries[-1].id
        yield applied, refused


def write_snapshot(connection: sqlite3.Connection, state: State, upto: int) -> None:
    """Replace the snapshot."""
    write_dump(connection, state.dump(), upto)


def write_dump(connection: sqlite3.Connection, dump: str, upto: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM snapshot")
    connection.execute("INSERT INTO snapshot VALUES (?, ?)", (upto, dump))
    connection.execute("COMMIT")


class Snapshots:
    """The writer's thread only."""

    def __init__(self, connection: sqlite3.Connection, limits: Limits, settled: int) -> None:
        self.settled = settled  # up to this id it is noted which rooms show an entry
        self._connection = connection
        self._limits = limits
        self._work: Iterator[None] | None = None
        self.since = 0  # entries written since

    def portion(self) -> bool:
        """Do a little of what is due; False when nothing is."""
        if self._work is None:
            if self.since < EVERY:
                return False
            self.since = 0
            self._work = self._make()
        if next(self._work, self) is self:
            self._work = None
        return True

    def finish(self) -> None:
        """A snapshot of all that is in the file."""
        for _ in self._work or ():
            pass
        for _ in self._make():
            pass

    def clear(self, after: int, upto: int) -> None:
        """Have the entries between go that no room shows: a snapshot has been written."""
        self._work = self._clear(after, upto)

    def take(self, dump: str, upto: int) -> None:
        """Write a snapshot that the loop has made, over a gap in the file."""
        self._work = None
        with suppress(sqlite3.Error):  # the writer finds the same, and tries again
            write_dump(self._connection, dump, upto)

    def _make(self) -> Iterator[None]:
        state = State(self._limits)
        before = read_snapshot(self._connection, state)
        (newest,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()
        upto = max(before, min(newest, self.settled))
        for _ in replay(self._connection, state, before, upto, words=False):
            yield
        write_snapshot(self._connection, state, upto)
        yield from self._clear(before, upto)

    def _clear(self, after: int, upto: int) -> Iterator[None]:
        """Delete the entries up to there that no room shows."""
        while after < upto:
            yield
            found = self._connection.execute(
                "SELECT id FROM entry WHERE id > ? AND id <= ? AND NOT said ORDER BY id LIMIT ?", (after, upto, AT_ONCE)
            ).fetchall()
            ids = [number for (number,) in found]
            if not ids:
                return
            after = ids[-1]
            self._connection.execute(
                "DELETE FROM entry WHERE id BETWEEN ? AND ? AND NOT said"
                " AND NOT EXISTS (SELECT 1 FROM place WHERE place.id = entry.id AND NOT place.said)",
                (ids[0], after),
            )
