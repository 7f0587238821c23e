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
from chat.server.disk.file import NEWEST, explain, open_log
from chat.server.disk.reader import Reader
from chat.server.disk.retention import Retention
from chat.server.disk.snapshot import Snapshots, read_snapshot, replay, write_snapshot
from chat.server.disk.writer import Kept, Writer, write
from chat.server.log.entry import Entry
from chat.server.log.log import Apply, Figures, Post
from chat.server.log.memory import Stamps
from chat.server.log.query import Answered, Query, Show, TalksQuery
from chat.settings import Settings
from chat.wires.message import Message
from chat.wires.names import fold

GATHER = 0.02  # s that relaxed entries wait for others, to be written together
RELAXED_GROUP = 2_000  # entries in one transaction; some 10 ms
STRICT_GROUP = 250  # likewise; the loop applies them in one go, which takes 3 ms
CLOSE_PATIENCE = 4.0  # s for the last group and the last snapshot
RESTARTED = "Server restarted"
EPHEMERAL = "E"  # the mode of a room that keeps nothing

# What `keep` calls the requests that rooms show; the others change only the state, or nothing that outlives a user.
SHOWN = {
    "PRIVMSG": "words",
    "NOTICE": "words",
    "TOPIC": "topics",
    "MODE": "modes",
    "JOIN": "joins",
    "PART": "joins",
    "QUIT": "joins",
    "KICK": "joins",
    "NICK": "joins",
    "GHOST": "joins",
    "KILL": "joins",
}
WORDS = frozenset({"PRIVMSG", "NOTICE"})
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
        self._keep = frozenset(settings.keep.split(","))
        self._keeps_words = "words" in self._keep
        self._limit = settings.log_queue
        self.rooms_remembered = settings.rooms_total
        self._age = settings.history_age
        self._clock = clock
        number, at = self._connection.execute("SELECT id, at FROM last").fetchone()
        self._stamps = Stamps(clock, number, float(at))
        self._retention = Retention(self._connection, settings.history_length, settings.history_age, clock)
        self._writer = Writer(
            self._connection, self, 0.0 if self._strict else GATHER, STRICT_GROUP if self._strict else RELAXED_GROUP
        )
        self._reader = Reader(self.path)
        self.history = self
        self.newest = number  # the id of the newest entry that was applied, and not refused
        self._lost = 0  # entries that found the queue full
        self._gap = False  # some of them carried the state
        self._state: State
        self._snapshots: Snapshots
        self._apply: Apply
        self._post: Post

    # The interface

    def restore(self, state: State) -> None:
        """Raises SetupError when the file is damaged."""
        self._state = state
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
        for applied, refused in replay(self._connection, state, after):
            after = max(entry.id for entry in (*applied, *refused))
            if self._strict:  # the end came before this was noted
                notes = [self._kept(entry, False) for entry in applied]
                write(self._connection, [*notes, *(Kept(entry, False, refused=True) for entry in refused)])
        quits = self._quit_everybody(state)
        if quits:
            write(self._connection, quits)
            after = quits[-1].entry.id
        write_snapshot(self._connection, state, after)
        self._snapshots = Snapshots(self._connection, self.path, state.limits, after if self._strict else NEWEST)
        self._snapshots.clear(began, after)

    def deliver(self, apply: Apply) -> None:
        self._apply = apply

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        self._post = post
        self._writer.start()
        self._reader.start()

    def append(self, request: Message) -> Entry | None:
        if self._strict and request.verb != "QUIT":
            if self._writer.error:
                raise Unsafe(request.verb, f"Nothing can be kept now: {self._writer.error}")
            if self._writer.waiting >= self._limit:
                raise Unsafe(request.verb, f"{self._writer.waiting:,} requests wait for the disk already")
        number, at = self._stamps.next()
        entry = Entry(number, at, self._node, request)
        if not self._strict:
            return entry
        said = request.verb in WORDS
        row = request.verb in WRITTEN and (not said or self._keeps_words_of(request))
        self._writer.put(Kept(entry, row, (), said, True))
        return None

    def keep(self, entry: Entry) -> None:
        verb = entry.request.verb
        if verb not in WRITTEN:
            return
        self.newest = entry.id
        if verb in WORDS:
            if entry.request.params[0][0] != "#":
                self._keep_private(entry)
                return
            key = fold(entry.request.params[0])
            room = self._state.rooms.get(key) if self._keeps_words else None
            if room is not None and EPHEMERAL not in room.modes:
                self._put(Kept(entry, not self._strict, (key,), True))
            return
        kept = self._kept(entry, not self._strict)
        if kept.rooms or kept.row:
            self._put(kept)

    def _keep_private(self, entry: Entry) -> None:
        """Words that both sides may read again, since both have accounts. Others leave no trace."""
        if entry.rooms and self._keeps_words:
            self._put(Kept(entry, True, entry.rooms, True))
        elif self._strict:
            self._writer.put(Kept(entry, False, refused=True))  # somebody has logged out since it was written

    def ask(self, queries: Sequence[Query | TalksQuery], show: Show, answered: Answered) -> None:
        """The reader sees all that was said before the question, since the writer passes it on behind that."""
        ask = partial(self._reader.ask, queries, show, answered, self._post)
        if self._writer.error:
            ask()
        else:
            self._writer.put(ask)
            self._writer.hurry()

    def close(self) -> None:
        self._reader.close(CLOSE_PATIENCE)
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

    # What is kept

    def _kept(self, entry: Entry, row: bool) -> Kept:
        kind = SHOWN.get(entry.request.verb, "")
        rooms = [room for room in rooms_told(entry) if self._is_kept_in(room)] if kind in self._keep else []
        return Kept(entry, row, rooms, kind == "words")

    def _keeps_words_of(self, request: Message) -> bool:
        if not self._keeps_words:
            return False
        target = request.params[0]
        if target[0] == "#":
            return self._is_kept_in(fold(target))
        speaker, whom = self._state.find_user(request.nick), self._state.find_user(target)
        return bool(speaker is not None and speaker.account and whom is not None and whom.account)

    def _is_kept_in(self, key: str) -> bool:
        if key[0] != "#":
            return True  # two accounts' own
        room = self._state.rooms.get(key) or self._state.remembered.get(key)
        return room is not None and EPHEMERAL not in room.modes

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

    def _quit_everybody(self, state: State) -> list[Kept]:
        quits = []
        for user in list(state.users.values()):
            number, at = self._stamps.next()
            entry = Entry(number, at, user.node, Message("QUIT", [RESTARTED], user.mask))
            apply(state, entry)
            quits.append(self._kept(entry, True))
        return quits

    # The writer's thread

    def written(self, group: Sequence[Kept]) -> None:
        self._snapshots.since += len(group)
        if self._strict:
            self._snapshots.settled = max(
                (kept.entry.id for kept in group if not kept.late), default=self._snapshots.settled
            )
        if late := [kept.entry for kept in group if kept.late]:
            self._post(partial(self._deliver, late))

    def failed(self, group: Sequence[Kept], error: Exception) -> list[Kept]:
        if late := [kept.entry for kept in group if kept.late]:
            self._post(partial(self._refuse, late, f"Nothing can be kept now: {error}"))
        return [kept for kept in group if not kept.late]

    def tidy(self) -> bool:
        return self._snapshots.portion() or self._retention.portion()

    # Letters

    def _deliver(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._apply(entry)
            if self.newest != entry.id and entry.request.verb in WRITTEN:
                self._writer.put(Kept(entry, False, refused=True))

    def _refuse(self, entries: Sequence[Entry], reason: str) -> None:
        for entry in entries:
            self._apply(entry, Unsafe(entry.request.verb, reason))


def rooms_told(entry: Entry) -> Sequence[str]:
    """The folded names of the rooms that show an entry, once it has been applied."""
    rooms: Sequence[str] | None = getattr(entry, "rooms", None)
    if rooms is not None:
        return rooms
    params = entry.request.params  # the request names it
    return (fold(params[0]),) if params and params[0].startswith("#") else ()
