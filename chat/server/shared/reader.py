"""Read the shared log, in order and without a gap, and pass its entries on in small batches: one thread."""

import logging
import threading
import time
from collections.abc import Callable, Sequence

from chat.errors import FanfareError, WireError
from chat.server.core.apply import VERBS
from chat.server.log.entry import Entry
from chat.server.log.ids import time_of
from chat.server.shared.outage import NEVER, Outage
from chat.server.shared.place import Place
from chat.server.shared.scripts import ENTRY_VERSION
from chat.server.shared.store import Item, Store, StoreDown
from chat.wires.message import parse

AT_ONCE = 100  # entries in a batch; the loop applies them in one go, some 2 ms
AHEAD = 2  # batches that may wait for the loop
RETRY = 0.1  # s
ABOUT_NODES = "*"  # whose entries say what became of a node

log = logging.getLogger(__name__)


class LogLost(FanfareError):
    """The store no longer has what this node has shown, or what it has not read yet."""


class Reader:
    """`taken` may be called by any thread; all else by the owner."""

    def __init__(
        self,
        place: Place,
        replica: bool,
        patience: float,
        make_entry: Callable[[Item], Entry],
        deliver: Callable[[Sequence[Entry]], None],
        failed: Callable[[str], None],
    ) -> None:
        """`patience` in seconds. `make_entry` and `deliver`, which gets each batch, are called in the thread."""
        self._place = place
        self._replica = replica
        self._store = Store(place, replica)
        self._make_entry = make_entry
        self._deliver = deliver
        self._failed = failed
        self.newest = "0-0"  # the id and the number of the entry that was read last
        self.number = 0
        self._last: Item | None = None  # that entry, but for one in a snapshot
        self.outage = Outage("nobody is shown anything new", patience)
        self._room = threading.Semaphore(AHEAD)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log reader", daemon=True)

    def taken(self) -> None:
        """The loop has applied a batch."""
        self._room.release()

    def start(self) -> None:
        self._thread.start()

    def close(self, patience: float) -> None:
        self._closing.set()
        self._room.release()
        if self._thread.ident is not None:
            self._thread.join(patience)
        if not self._thread.is_alive():
            self._store.close()

    def read(self, block: bool) -> list[Entry]:
        """The next batch, empty when there is none now. Raises StoreDown, LogLost."""
        items = self._store.read(self.newest, AT_ONCE) if block else self._store.read(self.newest, AT_ONCE, None)
        for item in items:
            if item.number != self.number + 1:
                raise LogLost(f"entry {item.number:,} of the shared log follows on {self.number:,}: {_LOST}")
            if item.version > ENTRY_VERSION:
                raise LogLost(
                    f"the log goes on with entries of version {item.version}, this server reads {ENTRY_VERSION}"
                )
            self.newest, self.number, self._last = item.id, item.number, item
        return [self._make_entry(item) for item in items]

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                began = time.monotonic()
                try:
                    if self.outage.since != NEVER:
                        self._check()
                    entries = self.read(block=True)
                    if not entries:
                        self._check()
                    self.outage.end()
                except StoreDown as error:
                    self.outage.note(began, error)
                    self._closing.wait(RETRY)
                    continue
                if entries:
                    self._room.acquire()
                    self._deliver(entries)
        except Exception as fault:
            if not isinstance(fault, FanfareError):
                log.exception("the log's reader ends after an internal error")
            self._failed(str(fault) or repr(fault))

    def _check(self) -> None:
        """The store was away, or says nothing: it must still have what was read from it. Replicas may lag."""
        if self._has_last(self._store):
            return
        if self._replica:
            master = Store(self._place)
            try:
                if self._has_last(master):
                    return
            finally:
                master.close()
        raise LogLost(f"the shared log no longer has entry {self.number:,} as this node has read it: {_LOST}")

    def _has_last(self, store: Store) -> bool:
        """Whether it has the entry that was read last, or only what comes behind it.

        An id does not tell: the clock of a store that took over may be behind, and give it once more.
        """
        last = store.last(self.newest)
        return last == self._last if last else store.newest() != "0-0"


_LOST = "the store has lost what was said last, or has dropped what this node had not read; it must begin again"


def entry_of(item: Item) -> Entry:
    """Another node's entry. A line that cannot be read is one that nobody can apply."""
    try:
        request = parse(item.line)
    except WireError as error:
        raise LogLost(f"entry {item.id} of the shared log is no line of IRC: {error}") from None
    if request.verb not in VERBS:
        raise LogLost(f"entry {item.id} of {item.node} asks for {request.verb}, which this server does not know")
    number = item.entry_id
    return Entry(number, time_of(number), item.node, item.user, request)
