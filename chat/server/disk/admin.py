"""Operate the log's file, also while a server writes it: statistics, tail, export, import, backup, purge.

Each write is a short transaction, for which the server's writer waits.
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from chat.errors import SetupError, WireError
from chat.server.disk.file import (
    FORMATS,
    HISTORY_ID,
    KINDS,
    NEWEST,
    connect,
    explain,
    ids_of_room,
    is_served,
    is_word,
    remedy,
)
from chat.server.log.entry import BY_NAME
from chat.server.log.ids import first_id, time_of
from chat.wires.irc import timestamp
from chat.wires.message import Message, parse
from chat.wires.names import fold

AT_ONCE = 500  # entries in one transaction; some 5 ms
POLL = 0.25  # s between two looks of `tail --follow`
LATEST = 1e11  # s since the epoch; the year 5138
# That an entry has at least: one with fewer can neither be shown nor applied.
PARAMS = {"PRIVMSG": 2, "NOTICE": 2, "TOPIC": 2, "MODE": 2, "JOIN": 1, "PART": 1, "QUIT": 1, "KICK": 3, "NICK": 1}
PARAMS |= {"GHOST": 1, "KILL": 2}
SHOWN = "said OR EXISTS (SELECT 1 FROM place WHERE place.id = entry.id AND NOT place.said)"


@dataclass(frozen=True, slots=True)
class Row:
    """An entry that some room shows."""

    id: int
    node: str
    user: int
    line: str
    rooms: tuple[str, ...]  # for private words `ana bea` and `bea ana`

    @property
    def message(self) -> Message:
        """Raises WireError for a line that somebody has spoilt."""
        return parse(self.line)

    @property
    def said(self) -> bool:
        return self.message.verb in ("PRIVMSG", "NOTICE")

    def place(self, room: str) -> tuple[str, int, int]:
        """The row of `place` that shows it in a room."""
        return (room := fold(room)), int(is_word(room, self.said)), self.id

    def json(self) -> str:
        at = time_of(self.id)
        values = {"id": f"{self.id:x}", "time": timestamp(at), "at": repr(at), "node": self.node}
        return json.dumps({**values, "user": f"{self.user:x}", "rooms": self.rooms, "line": self.line})


@contextmanager
def opened(path: Path, read_only: bool) -> Iterator[sqlite3.Connection]:
    """The file of the format that this version writes. Raises SetupError with one clear line, inside the block too."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise SetupError(f"there is no log {path}: a server makes it when it first starts") from None
    except OSError as error:
        raise SetupError(explain(path, error)) from None
    try:
        with closing(connect(path, read_only)) as connection:
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (format_,) = connection.execute("PRAGMA user_version").fetchone()
            if application not in KINDS:
                raise SetupError(f"{path} is no log of Fanfare: it is another program's database")
            if format_ != len(FORMATS):
                older = (
                    "this server brings it forward when it starts" if format_ < len(FORMATS) else "use its own Fanfare"
                )
                raise SetupError(f"the log {path} has format {format_}, this Fanfare works on {len(FORMATS)}: {older}")
            yield connection
    except sqlite3.Error as error:
        raise SetupError(explain(path, error)) from None


def statistics(path: Path) -> list[tuple[str, str]]:
    """Facts about the file, as names and values."""
    with opened(path, True) as connection:
        entries, words = connection.execute("SELECT count(*), coalesce(sum(said), 0) FROM entry").fetchone()
        (rooms,) = connection.execute("SELECT count(DISTINCT room) FROM place WHERE room >= '#'").fetchone()
        oldest, newest = (
            connection.execute(f"SELECT id FROM entry ORDER BY id {order} LIMIT 1").fetchone() for order in ("", "DESC")
        )
        (snapshot,) = connection.execute("SELECT coalesce(max(id), 0) FROM snapshot").fetchone()
        (since,) = connection.execute("SELECT count(*) FROM entry WHERE id > ?", (snapshot,)).fetchone()
    size = sum(file.stat().st_size for file in (path, Path(f"{path}-wal")) if file.exists())
    return [
        ("file", str(path)),
        ("bytes", f"{size:,}"),
        ("entries", f"{entries:,}"),
        ("words", f"{words:,}"),
        ("rooms with history", f"{rooms:,}"),
        ("oldest", timestamp(time_of(oldest[0])) if oldest else "-"),
        ("newest", timestamp(time_of(newest[0])) if newest else "-"),
        ("entries since the snapshot", f"{since:,}"),
        ("server", "running" if is_served(path) else "none"),
    ]


def rows(connection: sqlite3.Connection, after: int, room: str = "", nick: str = "") -> Iterator[Row]:
    """The entries behind an id that rooms show: all, of one room, or of one person."""
    source = f":{fold(nick)}!" if nick else ""
    place = f"({ids_of_room(words=False, newest=False)}) JOIN entry USING (id)" if room else "entry"
    while True:
        found = connection.execute(
            f"SELECT id, node, said, user, line FROM {place} WHERE id > :after AND instr(lower(line), :source)"
            " ORDER BY id LIMIT :limit",
            {"room": fold(room), "after": after, "before": NEWEST, "source": source or ":", "limit": AT_ONCE},
        ).fetchall()
        if not found:
            return
        shown = _rooms_of_events(connection, found[0][0], found[-1][0])
        for number, node, said, user, line in found:
            with suppress(WireError):
                message = parse(line)
                in_room = said and message.params[0][0] == "#"
                rooms = [fold(message.params[0])] if in_room else shown.get(number, [])
                if rooms and (not nick or fold(message.nick) == fold(nick)):
                    yield Row(number, node, user, line, tuple(rooms))
        after = found[-1][0]


def _rooms_of_events(connection: sqlite3.Connection, first: int, last: int) -> dict[int, list[str]]:
    """Where entries are shown that are no words in a room, by id; those name their one room."""
    rooms: dict[int, list[str]] = {}
    query = "SELECT id, room FROM place WHERE NOT said AND id BETWEEN ? AND ? ORDER BY id, room"
    for number, room in connection.execute(query, (first, last)).fetchall():
        rooms.setdefault(number, []).append(room)
    return rooms


def export(path: Path, room: str = "", nick: str = "") -> Iterator[str]:
    with opened(path, True) as connection:
        for row in rows(connection, 0, room, nick):
            yield row.json()


def tail(path: Path, count: int, room: str, settled: Callable[[], int], follow: bool = False) -> Iterator[str]:
    """The newest entries, and with `follow` those that come. `settled` gives the id up to which the file has all."""
    with opened(path, True) as connection:
        upto = settled()
        ids = ids_of_room(words=False, newest=True) if room else f"SELECT id FROM entry WHERE {SHOWN} ORDER BY id DESC"
        values = {"room": fold(room), "after": 0, "before": NEWEST, "limit": count}
        newest = connection.execute(f"{ids} LIMIT :limit", values).fetchall()
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM entry").fetchone()
        after = newest[-1][0] - 1 if newest else last
        while True:
            for row in rows(connection, after, room):
                if row.id > upto:  # of those behind it some may not be in the file yet
                    break
                after = row.id
                yield f"{timestamp(time_of(row.id))} {row.line}"
            if not follow:
                return
            time.sleep(POLL)
            upto = settled()


def load(path: Path, lines: Iterable[str]) -> int:
    """Add exported entries; those that are there already stay as they are. Gives how many lines there were."""
    served, count = is_served(path), 0
    with opened(path, False) as connection:
        (kind,) = connection.execute("PRAGMA application_id").fetchone()
        (last,) = connection.execute("SELECT id FROM last").fetchone()
        batch: list[Row] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            row = _read(line, number)
            if row.id > last and kind == HISTORY_ID:
                raise SetupError(f"line {number} is newer than the history, which takes that from its shared log")
            if row.id > last and served:
                raise SetupError(f"line {number} is newer than the running server's log began with: stop it first")
            batch.append(row)
            count += 1
            if len(batch) == AT_ONCE:
                _add(connection, batch)
                batch.clear()
        _add(connection, batch)
    return count


def _read(line: str, number: int) -> Row:
    try:
        values = json.loads(line)
        user = int(values["user"], 16) if "user" in values else BY_NAME
        row = Row(int(values["id"], 16), values["node"], user, values["line"], tuple(values["rooms"]))
        if not (0 < row.id < NEWEST and BY_NAME <= row.user < NEWEST and 0.0 <= float(values["at"]) < LATEST):
            raise ValueError
        if not isinstance(row.node, str) or not all(room and isinstance(room, str) for room in row.rooms):
            raise ValueError
        message = row.message
        if not message.source or not message.params[0] or len(message.params) < PARAMS[message.verb]:
            raise ValueError
    except (ValueError, LookupError, TypeError, AttributeError, WireError):
        raise SetupError(f"line {number} is no entry that was exported: {line.strip()[:60]!r}") from None
    return row


def _add(connection: sqlite3.Connection, batch: Sequence[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "INSERT OR IGNORE INTO entry VALUES (?, ?, ?, ?, ?)",
        [(row.id, row.node, int(row.said), row.line, row.user) for row in batch],
    )
    connection.executemany(
        "INSERT OR IGNORE INTO place VALUES (?, ?, ?)",
        [row.place(room) for row in batch for room in row.rooms],
    )
    for row in batch[-1:]:
        connection.execute("UPDATE last SET id = max(id, ?)", (row.id,))
    connection.execute("COMMIT")


def backup(path: Path, to: Path) -> None:
    """A whole copy, of one moment. Raises SetupError when there is a file already."""
    with opened(path, True) as connection:
        try:
            to.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            raise SetupError(f"{to} exists already") from None
        except OSError as error:
            raise SetupError(f"{to}: {error.strerror}") from None
        try:
            with closing(sqlite3.connect(to)) as copy:
                connection.backup(copy)  # in one step: between two a commit of the server would have it begin again
        except BaseException as error:
            to.unlink()
            if isinstance(error, sqlite3.OperationalError):
                raise SetupError(f"no backup {to} was made: {error}; {remedy(error)}") from None
            raise


def purge(path: Path, room: str, nick: str, before: float | None) -> int:
    """Take entries out of all histories, and their text off the disk; gives how many.

    What the server still needs to know who is where goes with its next snapshot, or at its next start.
    """
    end = first_id(before) if before is not None else NEWEST
    with opened(path, False) as connection:
        count = erase(connection, room, nick, end)
        (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise SetupError(
            f"{count:,} entries purged, but their text stays on the disk while another program reads {path}:"
            " end that one, and purge again"
        )
    return count


def erase(connection: sqlite3.Connection, room: str, nick: str, end: int) -> int:
    """As `purge`, of what comes before an id, on a connection that has a file open. Raises sqlite3.Error."""
    (usual,) = connection.execute("PRAGMA secure_delete").fetchone()
    connection.execute("PRAGMA secure_delete = ON")
    (snapshot,) = connection.execute("SELECT coalesce(max(id), 0) FROM snapshot").fetchone()
    count, batch = 0, list[Row]()
    for row in rows(connection, 0, room, nick):
        if row.id >= end:
            break
        batch.append(row)
        if len(batch) == AT_ONCE:
            count += _erase(connection, batch, room, snapshot)
            batch = []
    count += _erase(connection, batch, room, snapshot)
    connection.execute(f"PRAGMA secure_delete = {usual}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return count


def _erase(connection: sqlite3.Connection, batch: Sequence[Row], room: str, snapshot: int) -> int:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(
        "DELETE FROM place WHERE room = ? AND said = ? AND id = ?",
        [row.place(each) for row in batch for each in ([room] if room else row.rooms)],
    )
    connection.executemany(
        "DELETE FROM entry WHERE id = ?1 AND (said OR id <= ?2)"
        " AND (said OR NOT EXISTS (SELECT 1 FROM place WHERE place.id = ?1 AND NOT place.said))",
        [(row.id, snapshot) for row in batch],
    )
    connection.execute("COMMIT")
    return len(batch)
