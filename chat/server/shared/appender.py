"""Append this node's requests to the shared log, and keep its lease: one thread, one connection to the store.

A request counts as appended when the reader has found it in the log, and not before. When the store cannot be reached,
or has lost some, all that have not been found go out again, with the same sequence numbers, of which the store leaves
out those that it has. When the node was declared gone, none of them is in the log behind that entry: the node comes
back under a new epoch, and they go out once more.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from chat.errors import SetupError
from chat.server.shared.outage import NEVER, Outage
from chat.server.shared.store import DeclaredGone, Store, StoreDown
from chat.wires.message import Message

BATCH = 200  # requests in one call; some 2 ms of the store
SLOW = 1.0  # s for a call, after which the store may have stood still and let leases run out
FIRST_WAIT, LONGEST_WAIT = 0.05, 0.5  # s until the store is tried again

_TAKEN = "another server is the node {} of this log now"

log = logging.getLogger(__name__)

Request = tuple[int, Message]  # with the number of the user who asks


class Appender:
    """Any thread may call `append`; the reader `returned` and `declared_gone`; the owner `enter`, `start`, `close`."""

    def __init__(
        self,
        store: Store,
        node: str,
        token: str,
        lease: float,
        patience: float,
        failed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`lease` and `patience` in seconds; `failed` gets the reason when the node cannot go on."""
        self._store = store
        self._node = node
        self._token = token
        self.version = 1  # of the entries that are written now, as far as is known here; any thread
        self._lease = lease
        self.outage = Outage("what users say waits", patience, clock)
        self._failed = failed
        self._clock = clock
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._sent: deque[tuple[int, Request]] = deque()  # by sequence number: on their way, until the reader has them
        self._batch: tuple[int, list[tuple[int, str]]] | None = None  # the call that is under way, or to be made again
        self._epoch = 0
        self._sequence = 0
        self._taken = 0  # by the store, up to this one
        self._gone = False  # declared so, and not back yet
        self._gone_upto = 0  # the epoch whose end the reader has come by
        self._renew_at = 0.0
        self._declare_at = 0.0  # before that, others may not have had time to renew theirs
        self._wait = FIRST_WAIT
        self._give_up = NEVER  # by the clock, once it closes
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log appender", daemon=True)

    @property
    def waiting(self) -> int:
        """Requests that have not come back. Any thread."""
        return self._queue.qsize() + len(self._sent)

    def append(self, user: int, request: Message) -> None:
        self._queue.put((user, request))

    # The reader's thread

    def sent(self, epoch: int) -> bool:
        """Whether an entry of this node in that epoch is of this process, and not of one before it."""
        return epoch == self._epoch

    def returned(self, sequence: int) -> Message:
        """The request with this number was found in the log."""
        number, (_, request) = self._sent.popleft()
        assert number == sequence, f"entry {sequence} of this node comes back, {number} was due"
        return request

    def declared_gone(self, epoch: int) -> None:
        self._gone_upto = max(self._gone_upto, epoch)

    # The owner

    def enter(self) -> None:
        """Take the node's name. Raises SetupError when another process keeps it, StoreDown."""
        give_up = self._clock() + self._lease + 1.0  # one that was killed holds its lease until it has run out
        while True:
            late = self._clock() > give_up  # before it asks: the machine may stand still at any time
            if epoch := self._store.enter(self._node, self._token, self._lease, "new"):
                break
            if late:
                raise SetupError(f"another server is the node {self._node} of this log; give each one its --node")
            self._closing.wait(0.1)
        self._begin(epoch)

    def start(self) -> None:
        self._thread.start()

    def close(self, patience: float) -> None:
        """Leave the log. Requests that are still waiting get that long."""
        self._give_up = self._clock() + patience
        self._closing.set()
        self._queue.put(None)
        if self._thread.ident is not None:
            self._thread.join(patience + SLOW)
        if not self._thread.is_alive():
            self._store.close()

    # The thread

    def _begin(self, epoch: int) -> None:
        self._epoch, self._sequence, self._taken = epoch, 0, 0
        self._gone, self._batch = False, None
        self._declare_at = self._clock() + self._lease

    def _run(self) -> None:
        try:
            while not (self._closing.is_set() and self._queue.empty() and self._batch is None):
                self._try()
                if self._closing.is_set() and (self.outage.since != NEVER or self._clock() > self._give_up):
                    return
            with suppress(StoreDown):
                self._store.declare_gone(self._node, self._epoch, self._token)
        except Exception as fault:
            if not isinstance(fault, SetupError):
                log.exception("the log's appender ends after an internal error")
            self._failed(str(fault) or repr(fault))

    def _try(self) -> None:
        began = self._clock()
        try:
            if self._gone:
                self._come_back()
            else:
                self._keep_lease(began)
                self._append_some(began)
        except DeclaredGone:
            log.warning("the node's lease had run out, and it was declared gone: its users come back")
            self._gone = True
        except StoreDown as error:
            self._batch = self._unreturned()
            self.outage.note(began, error)
            self._closing.wait(self._wait)
            self._wait = min(2 * self._wait, LONGEST_WAIT)
            return
        if self.outage.end():
            self._wait = FIRST_WAIT
            self._declare_at = self._clock() + self._lease

    def _keep_lease(self, now: float) -> None:
        if now < self._renew_at:
            return
        version = self._store.renew(self._node, self._epoch, self._token, self._lease, self._taken)
        if not version:
            raise DeclaredGone(self._node)
        self.version = version
        if self._clock() - now > SLOW:
            self._declare_at = self._clock() + self._lease
        elif now >= self._declare_at:
            for node, epoch in self._store.without_lease():
                if self._store.declare_gone(node, epoch):
                    log.warning("the node %s is gone: its lease has run out", node)
        self._renew_at = now + min(0.5, self._lease / 4)

    def _append_some(self, now: float) -> None:
        if self._batch is None:
            self._batch = self._gather(max(0.0, self._renew_at - now))
        if self._batch is not None:
            first, lines = self._batch
            self._store.append(self._node, self._epoch, first, lines[:BATCH])
            self._taken = first + min(len(lines), BATCH) - 1
            self._batch = (first + BATCH, lines[BATCH:]) if len(lines) > BATCH else None

    def _unreturned(self) -> tuple[int, list[tuple[int, str]]] | None:
        """All that is on its way: a store that takes over may lack what the one before it had taken."""
        sent = self._sent.copy()
        if not sent:
            return None
        first = sent[0][0]
        self._taken = first - 1
        return first, [(user, request.line) for _, (user, request) in sent]

    def _gather(self, timeout: float) -> tuple[int, list[tuple[int, str]]] | None:
        """Waiting requests, or those that come within `timeout` seconds; they count as sent from here on."""
        first = self._sequence + 1
        lines: list[tuple[int, str]] = []
        with suppress(queue.Empty):
            while len(lines) < BATCH:
                request = self._queue.get(timeout=timeout) if not lines and timeout else self._queue.get_nowait()
                if request is None:
                    break
                self._sequence += 1
                self._sent.append((self._sequence, request))
                user, message = request
                lines.append((user, message.line))
        return (first, lines) if lines else None

    def _come_back(self) -> None:
        """Once the reader has come by the entry that declared the node gone, what is on its way was not appended.

        A store that has taken over may lack that entry, and then the node is up; or the one by which it came back
        before, and then the entry to come by is that of an earlier epoch.
        """
        epoch, holder = self._store.standing(self._node)
        if holder not in ("", self._token):
            raise SetupError(_TAKEN.format(self._node))
        if self._gone_upto < min(epoch, self._epoch):
            if self._store.renew(self._node, self._epoch, self._token, self._lease):
                log.warning("the store has lost that the node was declared gone, which it no longer is")
                self._gone, self._batch = False, self._unreturned()
            else:
                time.sleep(FIRST_WAIT)  # when it closes too: what waits may still go out
            return
        epoch = self._store.enter(self._node, self._token, self._lease, "back")
        if not epoch:
            raise SetupError(_TAKEN.format(self._node))
        self._begin(epoch)
        requests = [request for _, request in self._sent]
        self._sent.clear()
        self._sent.extend(enumerate(requests, 1))
        self._sequence = len(requests)
        self._batch = self._unreturned()
