"""Make a log's file with many entries, in the oldest format, and bring it to the newest. Runs no server."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from chat.server.core.state import Limits
from chat.server.disk.file import APPLICATION_ID, FORMATS, open_log
from chat.server.disk.snapshot import EVERY, make_snapshot
from chat.server.log.ids import first_id

BEHIND = EVERY  # entries that came behind the last snapshot; a crash leaves as many at the most, or a few more
DAYS = 20.0  # that the entries are spread over; none is too old to be kept
AT_ONCE = 10_000  # rows that are inserted together
VISIT = 10  # entries until somebody comes into another room, or leaves it
NODE = "fanfare.local"
TEXT = "x" * 80
MANY = 10**9  # no limit is reached


def fill(path: Path, entries: int, rooms: int) -> None:
    """One user lives in each room, talks there, and visits the room of the one before from time to time."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -262144")
        connection.executescript(FORMATS[0])
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        began, step = time.time() - DAYS * 86_400.0, DAYS * 86_400.0 / entries
        lines = enumerate(_lines(entries, rooms))
        while portion := list(islice(lines, AT_ONCE)):
            connection.execute("BEGIN")
            rows, places = [], []
            for number, (room, said, line) in portion:
                at = began + number * step
                rows.append((first_id(at), repr(at), NODE, said, line))
                if room:
                    places.append((room, first_id(at), said))
            connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
            connection.executemany("INSERT INTO place VALUES (?, ?, ?)", sorted(places))
            connection.execute("UPDATE last SET id = ?, at = ?", rows[-1][:2])
            connection.execute("COMMIT")


def _lines(entries: int, rooms: int) -> Iterator[tuple[str, int, str]]:
    """The room that shows the entry, if one does, whether it is a message, and its line."""
    for number in range(rooms):
        yield "", 0, f"{_source(number)} USER ~u{number} 0 * :u{number}"
        yield f"#room{number}", 0, f"{_source(number)} JOIN #room{number}"
    for number in range(entries - 2 * rooms):
        turn, part = divmod(number, VISIT)
        if part:
            room = (turn * (VISIT - 1) + part) % rooms
            yield f"#room{room}", 1, f"{_source(room)} PRIVMSG #room{room} :{number} {TEXT}"
        else:
            room = turn // 2 % rooms
            verb = "PART" if turn % 2 else "JOIN"
            yield f"#room{room}", 0, f"{_source((room + 1) % rooms)} {verb} #room{room}"


def fewest_messages(entries: int, rooms: int) -> int:
    """How many messages each room has, or one more."""
    return (entries - 2 * rooms) // VISIT * (VISIT - 1) // rooms


def _source(number: int) -> str:
    return f":user{number}!~u{number}@host"


def migrate(path: Path, behind: int) -> float:
    """Bring the file to the newest format, and make a snapshot of all but its newest entries.

    Gives the seconds that the first of it took.
    """
    began = time.monotonic()
    connection, lock = open_log(path)
    took = time.monotonic() - began
    with closing(connection):
        (last,) = connection.execute("SELECT id FROM entry ORDER BY id DESC LIMIT 1 OFFSET ?", (behind,)).fetchone()
        make_snapshot(connection, Limits(MANY, MANY, MANY, rooms_remembered=MANY), last)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    lock.release()
    return took
