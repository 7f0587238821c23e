"""The history that a node of a shared log keeps, in a file of its own or in memory, of what it applies.

All nodes apply the same entries in one order, so that their histories show the same under the same ids.
"""

import logging
import secrets
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from chat.errors import SetupError
from chat.server.core.state import State
from chat.server.disk.admin import erase
from chat.server.disk.file import HISTORY_ID, NEWEST, Lock, explain, open_in_memory, open_log
from chat.server.disk.history import WORDS, FileHistory
from chat.server.disk.retention import Retention
from chat.server.disk.sqlite import RELAXED_GROUP
from chat.server.disk.writer import Kept, Places, Writer, kept_of, write
from chat.server.log.entry import Entry
from chat.server.log.log import Post
from chat.server.log.query import Answered, Query, Show, TalksQuery
from chat.settings import Settings

# s that entries wait for others, unless somebody asks for history: what a crash takes is in the shared log.
GATHER = 0.1
PURGE = "PURGE"

log = logging.getLogger(__name__)


class NodeHistory(FileHistory):
    """The loop's thread only, but for `status`, `cut`, and what the writer calls: `written`, `failed`, `tidy`."""

    def __init__(self, settings: Settings, path: Path | None, clock: Callable[[], float]) -> None:
        """Without a path it is in memory. Raises SetupError when the file cannot be had."""
        self._place: Path | str = path or f"fanfare-{secrets.token_hex(8)}"
        self._lock: Lock | None = None
        if path is None:
            self._connection = open_in_memory(str(self._place), HISTORY_ID)
        else:
            self._connection, self._lock = open_log(path, HISTORY_ID)
            self._connection.execute("PRAGMA synchronous = NORMAL")  # what a crash takes is in the shared log
        # The last entry before any that it lacks: a gap is noted as a snapshot.
        query = "SELECT min(id) FROM (SELECT id FROM last UNION ALL SELECT id FROM snapshot)"
        (self.known,) = self._connection.execute(query).fetchone()
        self._writer = Writer(self._connection, self, GATHER, RELAXED_GROUP)
        super().__init__(settings, self._place, self._writer, self.known)
        self._retention = Retention(self._connection, settings.history_length, settings.history_age, clock)
        self._group: list[Kept] = []  # that catching up has found
        self._limit = settings.log_queue
        self._lost = 0  # entries that found the queue full
        self._last_put = self.known
        self._due: deque[Callable[[], None]] = deque()  # for the writer's thread to do, and to try again

    # Before `start`

    @contextmanager
    def restoring(self, state: State) -> Iterator[None]:
        """In the block the state is brought to the log's end. Errors become SetupErrors, which give the file up."""
        self.state = state
        try:
            yield
        except sqlite3.Error as error:
            self._give_up()
            raise SetupError(explain(Path(self._place), error)) from None
        except SetupError:
            self._give_up()
            raise

    def belong(self, name: str) -> None:
        """The history is to be that of the log with this name. Raises SetupError when it is another one's."""
        self._connection.execute("INSERT OR IGNORE INTO snapshot VALUES (?, ?)", (NEWEST, name))
        ((there,),) = self._connection.execute("SELECT state FROM snapshot WHERE id = ?", (NEWEST,)).fetchall()
        if there != name:
            raise SetupError(f"{self._place} is the history of another log: put it aside, or name another file")

    def has_last(self, entry: Entry) -> bool:
        """Whether the file has this entry as its last one. A store whose clock is behind may give an id again."""
        found = self._connection.execute("SELECT line FROM entry WHERE id = ?", (entry.id,)).fetchone()
        return found is None or found[0] == entry.request.line

    def begin_again(self, after: int) -> None:
        """Drop what comes behind this id: it is not as the log has it."""
        self._connection.execute("BEGIN IMMEDIATE")
        for table in ("entry", "place"):
            self._connection.execute(f"DELETE FROM {table} WHERE id > ?", (after,))
        self._connection.execute("UPDATE last SET id = ?", (after,))
        self._connection.execute("COMMIT")
        self.known = after

    def catch_up(self, entry: Entry) -> None:
        """The entry was applied. `caught_up` follows on the last one."""
        if entry.request.verb == PURGE:  # also one that is known: the end may have come before it was done
            self._write_group()
            self._purge(entry)
        elif entry.id > self.known and (kept := self._kept(entry)) is not None:
            self._group.append(kept)
            if len(self._group) == RELAXED_GROUP:
                self._write_group()

    def caught_up(self, newest: int) -> None:
        """All up to this id has been applied."""
        self._write_group()
        self._connection.execute("DELETE FROM snapshot WHERE id < ?", (NEWEST,))
        self.newest = newest

    def _write_group(self) -> None:
        if self._group:
            write(self._connection, self._group, Places(self._group))
        self._group = []

    # While the server runs

    def keep(self, entry: Entry) -> None:
        """The entry was applied: have it written if it is shown."""
        self.newest = entry.id
        if entry.request.verb == PURGE:
            self._writer.put(partial(self._due.append, partial(self._purge, entry)))
        elif (kept := self._kept(entry)) is not None:
            self._put(kept)

    def _put(self, kept: Kept) -> None:
        waiting = self._writer.waiting
        if waiting < self._limit:
            self._writer.put(kept)
            self._last_put = kept.id
            return
        if not self._lost:
            log.error(
                "the history's queue is full: %d entries wait, further ones are missing until the next start", waiting
            )
            self._due.append(partial(self._note_gap, self._last_put))
        self._lost += 1

    def _kept(self, entry: Entry) -> Kept | None:
        rooms, said = self.shown_in(entry), entry.request.verb in WORDS
        return kept_of(entry, rooms, said) if rooms else None

    def ask(self, queries: Sequence[Query | TalksQuery], show: Show, answered: Answered) -> None:
        if cut := self._retention.cut:
            queries = [replace(query, after=max(query.after, cut)) for query in queries]
        super().ask(queries, show, answered)

    def start(self, post: Post) -> None:
        self._writer.start()
        super().start(post)

    def close(self, patience: float) -> None:
        super().close(patience)
        if not self._writer.close(patience):
            log.error("%d entries are not in %s yet: they are in the shared log", self._writer.waiting, self._place)
            return  # the writer may still use the file
        with suppress(sqlite3.Error):
            for due in self._due:
                due()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._give_up()

    def _give_up(self) -> None:
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    # Any thread

    def status(self) -> str:
        """For the operator: what is not in the file."""
        state = f"takes nothing: {self._writer.error}" if self._writer.error else "is written"
        return f"history {state}, {self._writer.waiting:,} entries wait, {self._lost:,} lost"

    def cut(self, upto: int) -> None:
        """Show nothing up to this id, and have it go."""
        self._retention.cut = upto

    # The writer's thread

    def written(self, group: Sequence[Kept], places: Places | None) -> None:
        """The shared log has them anyway."""

    def failed(self, group: Sequence[Kept], error: Exception) -> list[Kept]:
        return list(group)

    def tidy(self) -> bool:
        if not self._due:
            return self._retention.portion()
        self._due[0]()
        self._due.popleft()
        return True

    def _note_gap(self, after: int) -> None:
        """What comes behind this id is not whole; the next start takes it from the shared log again."""
        self._connection.execute("INSERT OR IGNORE INTO snapshot VALUES (?, '')", (after,))

    def _purge(self, entry: Entry) -> None:
        end, nick, room = ("" if param == "*" else param for param in entry.request.params)
        erase(self._connection, room, nick, min(int(end, 16), entry.id))
