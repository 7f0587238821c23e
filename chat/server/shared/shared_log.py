"""The log that several servers share: requests go to the store, and come back in the one order of all nodes.

Nothing is applied, and so nobody is told anything, before it has come back. The loop's thread never waits.
"""

import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING

from chat.errors import SetupError
from chat.paths import history_path
from chat.server.core.apply import SINCE, apply, in_version
from chat.server.core.snapshot import load
from chat.server.core.state import Refusal, State, Unsafe
from chat.server.log.entry import Entry
from chat.server.log.ids import time_of
from chat.server.log.log import Apply, Figures, Post
from chat.server.shared.appender import Appender
from chat.server.shared.outage import NEVER
from chat.server.shared.place import Place
from chat.server.shared.reader import ABOUT_NODES, LogLost, Reader, entry_of
from chat.server.shared.snapshots import Snapshots
from chat.server.shared.store import Item, Snapshot, Store, StoreDown, entry_id, stream_id
from chat.settings import STREAM, Settings
from chat.wires.message import Message

if TYPE_CHECKING:
    from chat.server.disk.node_history import NodeHistory

ENTRY_PATIENCE = 30.0  # s, for a replica that is behind when this node comes in
CLOSE_PATIENCE = 3.0  # s

log = logging.getLogger(__name__)


def shared_secret(url: str, size: int) -> bytes:
    """The secret with which all nodes make the same cloaks. Raises SetupError."""
    store = Store(Place.of(url))
    try:
        return store.secret(size)
    except StoreDown as error:
        raise SetupError(str(error)) from None
    finally:
        store.close()


def _make_history(settings: Settings, clock: Callable[[], float]) -> "NodeHistory | None":
    """Raises SetupError."""
    if settings.history == "none":
        return None
    from chat.server.disk.node_history import NodeHistory  # a system without SQLite still serves without history

    return NodeHistory(settings, history_path(settings.history), clock)


class SharedLog:
    """The loop's thread only, but for what appender and reader call."""

    def __init__(self, settings: Settings, node: str, kept: int, clock: Callable[[], float]) -> None:
        """Raises SetupError when the settings cannot serve, or the history's file not be had. `kept` is unused."""
        self.rooms_remembered = settings.rooms_total
        self._settings = settings
        self._node = node
        self._place = Place.of(settings.log)
        self._token = secrets.token_hex(8)
        self._limit = settings.log_queue
        self._entered = False  # the entry that says so has been read
        self._appender = Appender(
            Store(self._place), node, self._token, settings.lease, settings.log_patience, self._fail
        )
        strict = settings.durability == "strict"
        if strict and not self._place.has_replica:
            raise SetupError("durability strict takes a replica to read from: --log redis://HOST/DB?replica=HOST:PORT")
        self._reader = Reader(self._place, strict, settings.log_patience, self._make_entry, self._deliver, self._fail)
        self.history = _make_history(settings, clock)
        oldest = self._cut if settings.history == STREAM else None
        self._snapshots = Snapshots(self._place, self._token, settings.log_length, oldest)
        self._apply: Apply
        self._post: Post
        self._failed: Callable[[str], None]

    # The interface

    def restore(self, state: State) -> None:
        """Raises SetupError."""
        limits = state.limits
        agreed = {
            "rooms_per_user": limits.rooms_per_user,
            "rooms_per_address": limits.rooms_per_address,
            "rooms_total": limits.rooms_total,
            "lobby": self._settings.lobby,
            "casemapping": "ascii",
        }
        self._snapshots.limits = limits
        store = Store(self._place)
        try:
            with self.history.restoring(state) if self.history is not None else nullcontext():
                self._restore(state, store, {name: str(value) for name, value in agreed.items()})
        finally:
            store.close()

    def _restore(self, state: State, store: Store, agreed: Mapping[str, str]) -> None:
        try:
            store.check(agreed)
            snapshot = self._begin(store)
            if snapshot.state:
                load(state, snapshot.state)
            self._reader.newest, self._reader.number = snapshot.id, snapshot.number
            while self._read_on(state, block=False):
                pass
            self._appender.enter()
            self._await_entry(state)
        except (StoreDown, LogLost) as error:
            raise SetupError(str(error)) from None
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(f"the shared log's snapshot cannot be read: {error!r}") from None
        if self.history is not None:
            self.history.caught_up(entry_id(self._reader.newest))

    def _await_entry(self, state: State) -> None:
        """Read on to the entry by which this node comes in: a replica may take a moment, and a failover may lose it.

        Raises SetupError.
        """
        give_up = time.monotonic() + ENTRY_PATIENCE
        while not self._entered:
            self._read_on(state, block=True)
            if time.monotonic() > give_up:
                wrote = f"what this node wrote into the log at {self._place} is not there to be read"
                raise SetupError(f"{wrote}, for more than {ENTRY_PATIENCE:g} s")

    def _begin(self, store: Store) -> Snapshot:
        """The snapshot to begin with: the stream has all that comes behind it, and behind the history.

        A history that goes beyond the log, or ends before it, is dropped where it is not what the log says.
        """
        history = self.history
        if history is None:
            return store.read_snapshot()
        history.belong(store.name())
        if not history.known:
            return store.read_snapshot(0)
        last = store.last(stream_id(history.known))
        if last is not None and last.entry_id == history.known and history.has_last(entry_of(last)):
            return store.read_snapshot(last.number)
        snapshot = store.read_snapshot(0)
        if last is None:
            log.warning("the shared log no longer reaches back to where the history ends, which begins again")
            history.begin_again(0)
        else:
            log.warning("the shared log has lost the history's end, which is taken from the log again")
            history.begin_again(entry_id(snapshot.id))
        return snapshot

    def _read_on(self, state: State, block: bool) -> bool:
        """Apply the next batch, for which `block` waits a moment; whether there was one."""
        entries = self._reader.read(block)
        for entry in entries:
            try:
                apply(state, entry)
            except Refusal:
                continue
            if self.history is not None:
                self.history.catch_up(entry)
        return bool(entries)

    def deliver(self, apply: Apply) -> None:
        self._apply = apply

    def start(self, post: Post, failed: Callable[[str], None]) -> None:
        self._post, self._failed = post, failed
        if self.history is not None:
            self.history.start(post)
        self._appender.start()
        self._reader.start()
        self._snapshots.start()

    def append(self, user: int, request: Message) -> None:
        waiting = self._appender.waiting
        if waiting >= self._limit and request.verb != "QUIT":
            raise Unsafe(request.verb, f"{waiting:,} requests wait for the shared log already")
        version = self._appender.version
        if SINCE.get(request.verb, 1) > version:
            raise Unsafe(request.verb, f"Not every server of this network knows {request.verb} yet")
        self._appender.append(user, in_version(request, version))

    def keep(self, entry: Entry) -> None:
        """The store has it, and the history may show it."""
        if self.history is not None:
            self.history.keep(entry)

    def status(self) -> str:
        """Any thread."""
        down = self._down_for()
        state = f"cannot be reached for {down:.0f} s" if down else "is up"
        entries, size = self._snapshots.stream
        holds = f"it holds {entries:,} entries in {size / 1e6:.1f} MB"
        requests = f"{self._appender.waiting:,} requests wait, read up to {self._reader.newest}"
        history = f", {self.history.status()}" if self.history is not None else ""
        return f"log {self._place} {state}, {holds}, {requests}{history}"

    def figures(self) -> Figures:
        down = self._down_for()
        error = f"{self._place} cannot be reached for {down:.0f} s" if down else ""
        since = time.time() - down if down else None
        return Figures(self._appender.waiting, since, error=error, shared=self._snapshots.stream)

    def _down_for(self) -> float:
        """Seconds for which nothing can be appended, or nothing read."""
        since = min(self._appender.outage.since, self._reader.outage.since)
        return 0.0 if since == NEVER else time.monotonic() - since

    def close(self) -> None:
        self._snapshots.close(CLOSE_PATIENCE)
        self._appender.close(CLOSE_PATIENCE)
        self._reader.close(CLOSE_PATIENCE)
        if self.history is not None:
            self.history.close(CLOSE_PATIENCE)

    # The reader's thread

    def _make_entry(self, item: Item) -> Entry:
        """The item's entry; one that this process appended has the request that was sent."""
        if item.node == self._node and self._appender.sent(item.epoch):
            request = self._appender.returned(item.sequence)
            number = item.entry_id
            return Entry(number, time_of(number), item.node, item.user, request)
        entry = entry_of(item)
        if item.node == ABOUT_NODES and entry.request.source == self._node:
            what, epoch = entry.request.params
            if what == "down":
                self._appender.declared_gone(int(epoch))
            elif self._appender.sent(int(epoch)):
                self._entered = True
        return entry

    def _deliver(self, entries: Sequence[Entry]) -> None:
        self._post(partial(self._apply_all, entries))

    # The loop's thread

    def _apply_all(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._apply(entry)
        self._reader.taken()

    # Any thread

    def _cut(self, oldest: str) -> None:
        """The stream begins there, and so does a history that has nothing else."""
        assert self.history is not None
        self.history.cut(entry_id(oldest))

    def _fail(self, reason: str) -> None:
        self._failed(reason)
