"""The thread that writes the log's file, in groups. Only it writes; the loop never waits for it.

A group is one transaction and few statements, whatever its size: the interpreter's lock is let go of and taken again
with each, and under load taking it costs up to 5 ms. Places, which say which histories show an entry, lie apart by
room: each that is written alone costs a page of the file, so that under load many groups' places are written together.
"""

import json
import logging
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import chain
from typing import NamedTuple, Protocol

from chat.server.disk.file import has_room, inode, is_word, remedy
from chat.server.log.entry import Entry
from chat.server.log.ids import time_of

AT_ONCE = 512  # rows in one statement; such numbers are powers of two, so that few statements are ever compiled
PLACED_LATER = 4_000  # entries that may be written before it is noted which histories show them
FEW = 8  # entries of a group whose places are written with it: nothing is saved by waiting for others
RETRY = 1.0  # s between two tries to write, while the file takes nothing
SLOW = 1.0  # s of one commit that the operator is told of
LOOK = 1.0  # s between two looks at whether the file is still there, while there is something to write
IDLE = 10.0  # s between two looks at what is to be tidied while nothing is written

log = logging.getLogger(__name__)


Row = tuple[int, str, int, str, int]  # of `entry`


class Kept(NamedTuple):
    """What is to be written of one entry: its row, if it is not there yet, and that these rooms' histories show it."""

    id: int
    row: Row | None
    rooms: Sequence[str] = ()
    said: bool = False
    late: Entry | None = None  # it is applied once it has been written
    refused: bool = False  # it was written, and then refused at its place: it goes


def kept_of(entry: Entry, rooms: Sequence[str], said: bool) -> Kept:
    """An entry that is to be written, and that these rooms' histories show.

    Its line is made here, in the loop's thread: while another thread has the interpreter's lock, the loop stands still.
    """
    number = entry.id
    row = number, entry.node, 1 if said else 0, entry.request.line, entry.user  # a bool takes `sqlite3` 0.2 µs more
    return tuple.__new__(Kept, (number, row, rooms, said, None, False))  # in half the time that `Kept(...)` takes


class Places:
    """Which histories show entries whose places are not in the file yet."""

    def __init__(self, group: Sequence[Kept] = ()) -> None:
        self.count = 0  # entries
        self.last = 0  # the id of the newest
        self._shown = tuple(defaultdict[str, list[int]](list) for _ in range(2))  # ids by room: not said, said
        self.add(group)

    def add(self, group: Sequence[Kept]) -> None:
        shown = self._shown
        for number, _, rooms, said, _, _ in group:
            for room in rooms:
                shown[said][room].append(number)
        self.count += len(group)
        for kept in group[-1:]:
            self.last = kept.id

    def write(self, connection: sqlite3.Connection) -> bool:
        """Write them in the table's order; False when no history shows anything. Raises sqlite3.Error.

        They go as one text, which SQLite takes apart while the loop has the interpreter's lock.
        """
        for said, word in ((False, False), (True, False), (True, True)):
            shown = {room: ids for room, ids in self._shown[said].items() if is_word(room, said) == word}
            if shown:
                text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
                connection.execute(_PLACE, (word, text))
        return any(self._shown)


_PLACE = """
    INSERT OR IGNORE INTO place SELECT room.key, ?, id.value FROM json_each(?) AS room, json_each(room.value) AS id
"""

Item = Kept | Callable[[], None]  # a call is made once everything before it has been written


class Owner(Protocol):
    """Called in the writer's thread."""

    def written(self, group: Sequence[Kept], places: Places | None) -> None:
        """The group is in the file, and so are these places."""

    def failed(self, group: Sequence[Kept], error: Exception) -> list[Kept]:
        """The file took nothing of the group; gives the part to try again."""

    def tidy(self) -> bool:
        """Do a portion of what the file needs from time to time; True when there is more to do."""


class Writer:
    """`put`, `error` and `waiting` are the loop's, `close` any thread's."""

    def __init__(self, connection: sqlite3.Connection, owner: Owner, gather: float, group: int, later: int = 0) -> None:
        """`gather` is how long the first entry of a group waits for others, in seconds.

        Up to `later` entries, and a group, may be in the file before their places are.
        """
        self.error = ""  # why the file takes nothing now
        self.commits = 0
        self.commit_seconds = 0.0
        self._connection = connection
        self._owner = owner
        self._gather = gather
        self._group = group
        self._later = later
        self._queue: deque[Item] = deque()
        self._held: list[Kept] = []  # being written, or to be tried again
        self._places = Places()  # of what is being written, or was written without them
        self._calls: list[Callable[[], None]] = []  # behind those
        _, _, self._path = connection.execute("PRAGMA database_list").fetchone()
        self._inode = inode(self._path)  # None: it is in memory
        self._looked = time.monotonic()
        self._idle = True  # the thread waits, and is to be woken
        self._wake = threading.Event()
        self._hurry = threading.Event()  # somebody waits for an answer: do not gather
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="log writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Entries that are not in the file yet."""
        return len(self._queue) + len(self._held) + len(self._calls)

    def oldest(self) -> float | None:
        """When the first of them was appended, in seconds since the epoch. Any thread; they may be gone meanwhile."""
        for items in (self._held, self._queue):
            with suppress(IndexError):
                item = items[0]
                return time_of(item.id) if isinstance(item, Kept) else None
        return None

    def put(self, item: Item) -> None:
        self._queue.append(item)
        if self._idle:
            self._idle = False
            self._wake.set()

    def hurry(self) -> None:
        self._hurry.set()

    def close(self, patience: float) -> bool:
        """Write what waits. False when that took longer than `patience` seconds, or failed."""
        self._closing = True
        self._hurry.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(patience)
        return not self._thread.is_alive() and not self.waiting

    def _run(self) -> None:
        untidy = True
        while True:
            if not self._queue and not self._held:
                if self._places.count and not self.error:
                    self._sleep(self._gather)  # their places are written with those of others, if more come
                    if not self._queue:
                        self._try([])
                if self._closing and not self._queue:
                    return
                if not untidy or self.error:
                    self._sleep(RETRY if self.error else IDLE)
            if self._queue and self._gather and not self._closing:
                self._hurry.wait(self._gather)
            self._hurry.clear()
            self._write_group()
            if self.error and self._closing:
                return
            if not self.error:
                untidy = self._tidy()

    def _sleep(self, longest: float) -> None:
        self._wake.clear()
        self._idle = True
        if not self._queue and not self._closing:
            self._wake.wait(longest)
        self._idle = False

    def _tidy(self) -> bool:
        try:
            return self._owner.tidy()
        except sqlite3.Error as error:
            self._roll_back()
            self._note(error, self.waiting)
            return False

    def _write_group(self) -> None:
        tried = len(self._held)
        waiting = min(len(self._queue), self._group - tried)
        items = [self._queue[place] for place in range(waiting)]  # not an iterator: the loop appends meanwhile
        self._held += [item for item in items if isinstance(item, Kept)]
        self._calls += [item for item in items if not isinstance(item, Kept)]
        for _ in items:
            self._queue.popleft()
        self._places.add(self._held[tried:])
        if self._held or self.error or (self._places.count and self._calls):
            self._try(self._held)
        for call in self._calls:
            call()
        self._calls = []

    def _try(self, group: list[Kept]) -> None:
        due = self._calls or len(group) < FEW or self._places.count > self._later
        places = self._places if due and self._places.count else None
        began = time.monotonic()
        try:
            if self._inode is not None and (self.error or began >= self._looked + LOOK):
                self._look(began)
            write(self._connection, group, places)
        except sqlite3.Error as error:
            self._roll_back()
            self._held = self._owner.failed(group, error)
            self._note(error, self.waiting)
            if not self._closing:
                self._wake.clear()
                self._wake.wait(RETRY)
            return
        except Exception as fault:  # ours; the thread must not end by it
            log.exception("%d entries cannot be written, and are lost", len(group))
            self._roll_back()
            self._owner.failed(group, fault)
            self._held, self._places = [], Places()
            return
        if self.error:
            log.warning("the log's file takes entries again")
            self.error = ""
        took = time.monotonic() - began
        self.commits += 1
        self.commit_seconds += took
        if took >= SLOW:
            log.warning("a commit to the log's file took %.1f s; %d entries wait behind it", took, self.waiting)
        if places is not None:
            self._places = Places()
        self._owner.written(group, places)
        self._held = []

    def _look(self, now: float) -> None:
        """Raises sqlite3.Error when the file has gone, or there is still no room for more than a few entries."""
        self._looked = now
        if inode(self._path) != self._inode:
            raise sqlite3.OperationalError("it was removed, or is another one now")
        if self.error and not has_room(self._path):
            raise sqlite3.OperationalError(self.error)

    def _note(self, error: sqlite3.Error, count: int) -> None:
        if not self.error:
            unsafe = "1 entry is" if count == 1 else f"{count:,} entries are"
            log.error(
                "the log's file takes nothing: %s; %s not safe: %s, it is tried every second",
                error,
                unsafe,
                remedy(error),
            )
        self.error = str(error)

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def write(connection: sqlite3.Connection, group: Sequence[Kept], places: Places | None) -> None:
    """Write the entries of `group`, and the places, in one transaction. Raises sqlite3.Error.

    Written again, they change nothing.
    """
    rows = [row for _, row, _, _, _, _ in group if row is not None]
    refused = [(number,) for number, _, _, _, _, was_refused in group if was_refused]
    connection.execute("BEGIN IMMEDIATE")
    if rows:
        _insert(connection, rows)
        connection.execute("UPDATE last SET id = max(id, ?)", rows[-1][:1])
    placed = places is not None and places.write(connection)
    if refused:
        connection.executemany("DELETE FROM entry WHERE id = ?", refused)
    if not rows and not placed and not refused:
        connection.execute("UPDATE last SET id = id")  # is there room again?
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    begin, count = 0, AT_ONCE
    while begin < len(rows):
        while count > len(rows) - begin:
            count //= 2
        values = tuple(chain.from_iterable(rows[begin : begin + count]))
        connection.execute(_insert_statement(count), values)
        begin += count


@cache
def _insert_statement(count: int) -> str:
    return f"INSERT OR IGNORE INTO entry VALUES {', '.join(['(?, ?, ?, ?, ?)'] * count)}"
