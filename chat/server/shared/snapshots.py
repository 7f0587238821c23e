"""Snapshots of the state in the shared store, so that a new node need not read the whole log, and the log can be cut.

One node at a time makes one, in a thread: from the snapshot before and the entries behind it. The loop takes no part.
"""

import logging
import threading
from collections.abc import Callable

from chat.server.core.apply import apply
from chat.server.core.snapshot import load
from chat.server.core.state import Limits, Refusal, State
from chat.server.shared.place import Place
from chat.server.shared.reader import entry_of
from chat.server.shared.store import Item, Snapshot, Store, StoreDown

EVERY = 20_000  # entries between two snapshots; a new node reads that many in half a second
CLAIM = 60.0  # s for one to be made, after which another node may try
PORTION = 25  # entries at once; some 0.5 ms for which the loop has to wait for the interpreter
REST = 0.001  # s between two portions
LOOK = 1.0  # s

log = logging.getLogger(__name__)


class Snapshots:
    """Any thread may read `stream`; the owner does the rest."""

    def __init__(self, place: Place, token: str, kept: int, oldest: Callable[[str], None] | None = None) -> None:
        """At least `kept` entries stay in the log; `oldest` is told which of them is the first, again and again."""
        self.limits: Limits  # of the state
        self.stream = (0, 0)  # entries in the log, and bytes, when it last looked
        self._store = Store(place)
        self._token = token
        self._kept = kept
        self._oldest = oldest
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log snapshots", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self, patience: float) -> None:
        self._closing.set()
        if self._thread.ident is not None:
            self._thread.join(patience)
        if not self._thread.is_alive():
            self._store.close()

    def _run(self) -> None:
        while not self._closing.wait(LOOK):
            try:
                if self._store.behind_snapshot() >= EVERY and self._store.claim_snapshot(self._token, CLAIM):
                    self.take()
                    self._store.release_snapshot(self._token)
                self.stream = self._store.size()
                if self._oldest is not None:
                    self._oldest(self._store.oldest())
            except StoreDown:
                continue  # the appender says so
            except Exception:
                log.exception("no snapshot of the shared log could be made")

    def take(self) -> bool:
        """Make a snapshot of all that is in the log now; False when there is a newer one, or the server ends."""
        before = self._store.read_snapshot()
        state = State(self.limits)
        if before.state:
            load(state, before.state)
        place, number, upto = before.id, before.number, self._store.newest()
        while place != upto and (items := self._store.read(place, PORTION, None)):
            for item in items:
                if item.number != number + 1:
                    raise ValueError(f"entry {item.number:,} follows on {number:,}")
                _apply(state, item)
                place, number = item.id, item.number
                if place == upto:
                    break
            if self._closing.wait(REST):
                return False
        return self._store.write_snapshot(Snapshot(place, number, state.dump()), self._kept)


def _apply(state: State, item: Item) -> None:
    try:
        apply(state, entry_of(item))
    except Refusal:
        return
