"""Snapshots of the state in the log's file: a start reads one, and the entries behind it, not the whole log.

The state is made from the file again, by a process of its own: a thread would hold the interpreter's lock for some
200 ms where there are 10,000 users, and the loop would stand still so long.
"""

import logging
import os
import pickle
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from chat.errors import SetupError, WireError
from chat.server.core.apply import apply
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, Refusal, State
from chat.server.disk.file import NEWEST, connect
from chat.server.log.entry import Entry
from chat.server.log.ids import time_of
from chat.wires.message import parse

AT_ONCE = 200  # entries that are read and applied in one portion; some 2 ms
EVERY = 20_000  # entries between two snapshots; that many take 0.2 s to be read at a start

log = logging.getLogger(__name__)


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
        f"SELECT id, node, user, line FROM entry WHERE id > ? AND id <= ? {'' if words else 'AND NOT said'}"
        " ORDER BY id LIMIT ?",
        (after, upto, AT_ONCE),
    ).fetchall()
    entries = []
    for number, node, user, line in rows:
        with suppress(WireError):  # somebody has edited the file
            entries.append(Entry(number, time_of(number), node, user, parse(line)))
    return entries


def replay(
    connection: sqlite3.Connection, state: State, after: int, upto: int = NEWEST, words: bool = True
) -> Iterator[tuple[Entry, bool]]:
    """Apply what is behind an id; gives each entry once that was done, and whether it was accepted."""
    while entries := read_entries(connection, after, upto, words):
        for entry in entries:
            accepted = True
            try:
                apply(state, entry)
            except Refusal:
                accepted = False
            yield entry, accepted
        after = entries[-1].id


def write_snapshot(connection: sqlite3.Connection, state: State, upto: int) -> None:
    """Replace the snapshot."""
    write_dump(connection, state.dump(), upto)


def write_dump(connection: sqlite3.Connection, dump: str, upto: int) -> None:
    """Replace the snapshot, unless the one that is there reaches further."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM snapshot WHERE id <= ?", (upto,))
    connection.execute("INSERT INTO snapshot SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM snapshot)", (upto, dump))
    connection.execute("COMMIT")


def make_snapshot(connection: sqlite3.Connection, limits: Limits, settled: int) -> None:
    """Take what came behind the snapshot, up to an id, into a new one."""
    state = State(limits)
    before = read_snapshot(connection, state)
    upto = _reach(connection, before, settled)
    for _ in replay(connection, state, before, upto, words=False):
        pass
    write_snapshot(connection, state, upto)


def _reach(connection: sqlite3.Connection, before: int, settled: int) -> int:
    newest: int
    (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()
    return max(before, min(newest, settled))


class Snapshots:
    """The writer's thread only."""

    def __init__(self, connection: sqlite3.Connection, path: Path, limits: Limits, settled: int) -> None:
        self.settled = settled  # up to this id it is noted which rooms show an entry
        self.since = 0  # entries written since the last one was begun
        self._connection = connection
        self._path = path
        self._limits = limits
        self._work: Iterator[bool] | None = None  # gives whether it can go on at once
        self._process: subprocess.Popen[bytes] | None = None
        self._cleared = 0  # up to this id the entries that no room shows are gone

    def portion(self) -> bool:
        """Do a little of what is due; False when nothing can be done now."""
        if self._work is None:
            if self.since < EVERY:
                return False
            self.since = 0
            self._work = self._make()
        more = next(self._work, None)
        if more is None:
            self._work = None
        return more is not False

    def finish(self) -> None:
        """A snapshot of all that is in the file, made here: nobody waits for the lock any more."""
        self._end_process()
        make_snapshot(self._connection, self._limits, self.settled)
        for _ in self._clear(self._last()):
            pass

    def clear(self, after: int, upto: int) -> None:
        """Have the entries between go that no room shows: a snapshot has been written."""
        self._cleared = after
        self._work = self._clear(upto)

    def take(self, dump: str, upto: int) -> None:
        """Write a snapshot that the loop has made, over a gap in the file."""
        self._end_process()
        self._work = None
        with suppress(sqlite3.Error):  # the writer finds the same, and tries again
            write_dump(self._connection, dump, upto)

    def stop(self) -> None:
        """The file is given up."""
        self._end_process()

    def _last(self) -> int:
        (last,) = self._connection.execute("SELECT coalesce(max(id), 0) FROM snapshot").fetchone()
        return int(last)

    def _make(self) -> Iterator[bool]:
        before = self._last()
        upto = _reach(self._connection, before, self.settled)
        (changed,) = self._connection.execute(
            "SELECT EXISTS (SELECT 1 FROM entry WHERE id > ? AND id <= ? AND NOT said)", (before, upto)
        ).fetchone()
        if not changed:  # words alone: the state is still that of the snapshot
            self._connection.execute("UPDATE snapshot SET id = ?", (upto,))
            return
        limits = pickle.dumps(self._limits).hex()
        command = [sys.executable, "-m", __name__, str(self._path), str(upto), limits]
        nothing = subprocess.DEVNULL
        try:
            # Python's files are not inherited anyway; to close each of 10,000 would hold the lock.
            self._process = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, close_fds=False)
        except OSError as error:
            log.warning("no snapshot of the log's state was made: %s", error.strerror)
            return
        while (status := self._process.poll()) is None:
            yield False
        self._process = None
        if status:
            log.warning("no snapshot of the log's state was made: its process ended with status %d", status)
            return
        yield from self._clear(upto)

    def _end_process(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _clear(self, upto: int) -> Iterator[bool]:
        """Delete the entries up to there that no room shows."""
        while self._cleared < upto:
            yield True
            found = self._connection.execute(
                "SELECT id FROM entry WHERE id > ? AND id <= ? AND NOT said ORDER BY id LIMIT ?",
                (self._cleared, upto, AT_ONCE),
            ).fetchall()
            ids = [number for (number,) in found]
            if ids:
                self._connection.execute(
                    "DELETE FROM entry WHERE id BETWEEN ? AND ? AND NOT said"
                    " AND NOT EXISTS (SELECT 1 FROM place WHERE place.id = entry.id AND NOT place.said)",
                    (ids[0], ids[-1]),
                )
            self._cleared = ids[-1] if ids else upto


def main(path: str, settled: str, limits: str) -> None:
    """Make one snapshot of a file, up to an id; `limits` as its parent has packed them."""
    os.nice(10)  # nobody waits for it
    with closing(connect(Path(path))) as connection:
        make_snapshot(connection, pickle.loads(bytes.fromhex(limits)), int(settled))


if __name__ == "__main__":
    main(*sys.argv[1:])
