"""The log on disk. The loop gives entries their place here; a thread writes them to the file.

Relaxed, an entry is applied at once and is in the file within 50 ms. Strict, it is applied once it is on the disk, so
that nobody sees what a crash could take back. Words are written only where a room shows them: nothing private, nothing
of a room that keeps nothing.
"""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from chat.errors import SetupError
from chat.paths import log_path
from chat.server.core.apply import apply
from chat.server.core.state import State, Unsafe
from chat.server.disk.file import explain, open_log
from chat.server.disk.history import SHOWN, WORDS, FileHistory
from chat.server.disk.retention import Retention
from chat.server.disk.snapshot import Snapshots, read_snapshot, replay, write_snapshot
from chat.server.disk.writer import PLACED_LATER, Kept, Places, Writer, kept_of, write
from chat.server.log.entry import BY_NAME, Entry
from chat.server.log.log import Apply, Figures, Post
from chat.server.log.memory import Stamps
from chat.settings import Settings
from chat.wires.message import Message

GATHER = 0.02  # s that relaxed entries wait for others, to be written together
RELAXED_GROUP = 2_000  # entries in one transaction; some 10 ms
STRICT_GROUP = 250  # likewise; the loop applies them in one go, which takes 3 ms
CLOSE_PATIENCE = 4.0  # s for the last group and the last snapshot
RESTARTED = "Server restarted"
WRITTEN = SHOWN.keys() | {
    *("USER", "INVITE", "ACCOUNT", "REGISTER", "SETPASS", "DROP", "CERT", "MARKREAD", "OPER", "BAN", "UNBAN"),
}

log = logging.getLogger(__name__)


class SqliteLog:
    """The loop's thread only, but for what the writer calls: `written`, `failed`, `tidy`."""

    def __init__(self, settings: Settings, node: str, kept: int, clock: Callable[[], float]) -> None:
        """Raises SetupError when the file cannot be had. `kept` is the memory log's."""
        self.path = log_path(settings.log)
        self._connection, self._lock = open_log(self.path)
        self._node = node
        self._strict = settings.durability == "strict"
        # Relaxed, the kernel has it after a commit, and the disk after the next checkpoint; strict, the disk has it.
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if self._strict else 'NORMAL'}")
        self._limit = settings.log_queue
        self.rooms_remembered = settings.rooms_total
        (number,) = self._connection.execute("SELECT id FROM last").fetchone()
        self._stamps = Stamps(clock, number)
        self._retention = Retention(self._connection, settings.history_length, settings.history_age, clock)
        gather, group, later = (0.0, STRICT_GROUP, 0) if self._strict else (GATHER, RELAXED_GROUP, PLACED_LATER)
        self._writer = Writer(self._connection, self, gather, group, later)
        self.history = FileHistory(settings, self.path, self._writer, number)
        self._lost = 0  # entries that found the queue full
        self._gap = False  # some of them carried the state
        self._state: State
        self._snapshots: Snapshots
        self._apply: Apply
        self._post: Post

    # The interface

    def restore(self, state: State) -> None:
        """Raises SetupError when the file is damaged."""
        self._state = self.history.state = state
        try:
            self._restore(state)
        except sqlite3.Error as error:
            self._give_up()
            raise SetupError(explain(self.path, error)) from None
        except SetupError:
            self._give_up()
            raise

    def _give_up(self) -> None:
        self._connection.close()
        self._lock.release()

    def _restore(self, state: State) -> None:
        began = after = read_snapshot(self._connection, state)
        noted = self._noted()
        notes: list[Kept] = []
        placed: set[int] | None = None
        for entry, accepted in replay(self._connection, state, after):
            after = entry.id
            if after > noted and accepted:
                notes.append(self._shown(entry)._replace(row=None))
            elif after > noted and self._strict:
                placed = self._placed_behind(began) if placed is None else placed
                notes.append(Kept(entry.id, None, refused=entry.id not in placed))
            if len(notes) == RELAXED_GROUP:
                write(self._connection, notes, Places(notes))
                notes = []
        if notes:
            write(self._connection, notes, Places(notes))
        quits = self._quit_everybody(state)
        if quits:
            write(self._connection, quits, Places(quits))
            after = quits[-1].id
        write_snapshot(self._connection, state, after)
        self._snapshots = Snapshots(self._connection, self.path, state.limits, after)
        self._snapshots.clear(began, after)

    def _noted(self) -> int:
        """Up to this id the file certainly says which histories show an entry; behind it, the end may have come before.

        Places are written in the order of ids, so that those up to the newest of an event are all there.
        """
        if self._strict:
            return 0
        entry = "SELECT id FROM entry ORDER BY id DESC LIMIT 1 OFFSET ?"
        event = "SELECT max(id) FROM place WHERE NOT said"
        (noted,) = self._connection.execute(
            f"SELECT max(coalesce(({entry}), 0), coalesce(({event}), 0))", (PLACED_LATER + RELAXED_GROUP,)
        ).fetchone()
        return int(noted)

    def _placed_behind(self, after: int) -> set[int]:
        """What histories show already: an imported entry stays, though its user is somebody whom this log never saw."""
        return {number for (number,) in self._connection.execute("SELECT id FROM place WHERE id > ?", (after,))}

    def deliver(self, apply: Apply) -> None:
        self._apply = apply

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        self._post = post
        self._writer.start()
        self.history.start(post)

    def append(self, user: int, request: Message) -> Entry | None:
        if self._strict and request.verb != "QUIT":
            if self._writer.error:
                raise Unsafe(request.verb, f"Nothing can be kept now: {self._writer.error}")
            if self._writer.waiting >= self._limit:
                raise Unsafe(request.verb, f"{self._writer.waiting:,} requests wait for the disk already")
        number, at = self._stamps.next()
        entry = Entry(number, at, self._node, user, request)
        if not self._strict:
            return entry
        said = request.verb in WORDS
        row = request.verb in WRITTEN and (not said or self.history.may_show(request))
        self._writer.put(Kept(number, kept_of(entry, (), said).row if row else None, (), said, entry))
        return None

    def keep(self, entry: Entry) -> None:
        verb = entry.request.verb
        if verb not in WRITTEN:
            return
        self.history.newest = entry.id
        rooms, said = self.history.shown_in(entry), verb in WORDS
        if not self._strict:
            if rooms or not said:
                self._put(kept_of(entry, rooms, said))
            return
        private = said and entry.request.params[0][0] != "#"
        if private and not rooms:
            self._writer.put(Kept(entry.id, None, refused=True))  # somebody has logged out since it was written
        elif private:  # it was not certain before that they would be shown
            self._put(kept_of(entry, rooms, said))
        elif rooms:
            self._put(Kept(entry.id, None, rooms, said))

    def close(self) -> None:
        self.history.close(CLOSE_PATIENCE)
        if not self._writer.close(CLOSE_PATIENCE):
            log.error(
                "%d entries are not in %s: %s", self._writer.waiting, self.path, self._writer.error or "slow disk"
            )
            return  # the writer may still use the file
        try:
            if not self._strict:  # the end has come before its last entries were applied: the next start does that
                self._snapshots.finish()
            self._snapshots.stop()
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            log.error("the log's last snapshot could not be written: %s", error)
        self._give_up()

    # Any thread

    def status(self) -> str:
        """For the operator: what is not safe."""
        state = f"takes nothing: {self._writer.error}" if self._writer.error else "is written"
        return f"log {state}, {self._writer.waiting:,} entries wait, {self._lost:,} lost"

    def figures(self) -> Figures:
        writer = self._writer
        return Figures(writer.waiting, writer.oldest(), self._lost, writer.commits, writer.commit_seconds, writer.error)

    def _put(self, kept: Kept) -> None:
        """Have it written. Over the limit words are lost first, and what the state needs at twice the limit.

        Not with strict: there the limit refuses requests, and this only notes where an entry is shown that is written.
        """
        waiting = self._writer.waiting
        if waiting < self._limit or self._strict or (waiting < 2 * self._limit and not kept.said):
            if self._gap and not self._writer.error:
                self._bridge()
            self._writer.put(kept)
            return
        if not self._lost:
            log.error("the log's queue is full: %d entries wait, further ones are lost", waiting)
        self._lost += 1
        self._gap = self._gap or not kept.said

    def _bridge(self) -> None:
        """Entries that carried the state were lost: the file goes on from the state of now."""
        self._gap = False
        dump, upto = self._state.dump(), self._stamps.id - 1
        self._writer.put(partial(self._snapshots.take, dump, upto))

    def _shown(self, entry: Entry) -> Kept:
        said = entry.request.verb in WORDS
        return kept_of(entry, self.history.shown_in(entry), said)

    def _quit_everybody(self, state: State) -> list[Kept]:
        quits = []
        for user in list(state.users.values()):
            number, at = self._stamps.next()
            entry = Entry(number, at, user.node, user.id or BY_NAME, Message("QUIT", [RESTARTED], user.mask))
            apply(state, entry)
            quits.append(self._shown(entry))
        return quits

    # The writer's thread

    def written(self, group: Sequence[Kept], places: Places | None) -> None:
        if places is not None:
            self._snapshots.since += places.count
        if self._strict:
            self._snapshots.settled = max(
                (kept.id for kept in group if kept.late is None), default=self._snapshots.settled
            )
        elif places is not None:
            self._snapshots.settled = places.last
        if late := [kept.late for kept in group if kept.late is not None]:
            self._post(partial(self._deliver, late))

    def failed(self, group: Sequence[Kept], error: Exception) -> list[Kept]:
        if late := [kept.late for kept in group if kept.late is not None]:
            self._post(partial(self._refuse, late, f"Nothing can be kept now: {error}"))
        return [kept for kept in group if kept.late is None]

    def tidy(self) -> bool:
        return self._snapshots.portion() or self._retention.portion()

    # Letters

    def _deliver(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._apply(entry)
            if self.history.newest != entry.id and entry.request.verb in WRITTEN:
                self._writer.put(Kept(entry.id, None, refused=True))

    def _refuse(self, entries: Sequence[Entry], reason: str) -> None:
        for entry in entries:
            self._apply(entry, Unsafe(entry.request.verb, reason))
