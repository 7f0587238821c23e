"""The whole server: listeners, acceptor, workers and hub; start, stop and drain."""

import logging
import resource
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from chat.errors import SetupError
from chat.server.acceptor import Acceptor, listen
from chat.server.gate import Gate
from chat.server.hub import Hub
from chat.server.worker import Worker
from chat.settings import Address, Settings

OWN_DESCRIPTORS = 64  # kept from clients: listeners, selectors, bells, log files, and some to spare

log = logging.getLogger(__name__)


class Server:
    """Any thread may call any method. `start` once, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hub = Hub(settings)
        files = raise_file_limit()
        limit = settings.max_connections or max(1, files - OWN_DESCRIPTORS)
        self.gate = Gate(limit, settings.max_per_address or max(1, limit // 2))
        self._failed = threading.Event()
        self._ended = threading.Event()
        self._stopping = ""  # the reason, once `stop` was called
        self._acceptor: Acceptor | None = None
        self.workers: list[Worker] = []

    def start(self) -> Sequence[Address]:
        """Listen everywhere, or nowhere. Gives the addresses with their real ports. Raises SetupError."""
        with ExitStack() as undo:
            listeners = []
            for address in self.settings.listen:
                listener = listen(address, self.settings)
                undo.callback(listener.close)
                listeners.append(listener)
            self.workers = [
                Worker(f"worker-{number}", self.hub, self.gate, self._fail)
                for number in range(1, self.settings.workers + 1)
            ]
            self._acceptor = Acceptor(listeners, self.workers, self.gate)
            undo.pop_all()
        inboxes = [worker.inbox for worker in self.workers]
        for worker in self.workers:
            worker.start(inboxes)
        self._acceptor.start()
        return [listener.address for listener in listeners]

    def wait(self) -> bool:
        """Until `end` is called or a worker has failed; False for the latter."""
        self._ended.wait()
        return not self._failed.is_set()

    def end(self) -> None:
        """Let `wait` return; while the server drains, drain no longer. May be called by a signal handler."""
        self._ended.set()
        if self._stopping:
            self._stop_workers(0.0)

    def _fail(self) -> None:
        self._failed.set()
        self._ended.set()

    def stop(self, reason: str = "Server is shutting down", drain: float | None = None) -> None:
        """Accept nobody more, tell everyone, give the sockets until the deadline to take it, and close."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return  # never started, or stopped already
        acceptor.stop()
        drain = self.settings.drain if drain is None else drain
        self._stopping = reason
        self._stop_workers(drain)
        for worker in self.workers:
            if not worker.join(drain + self.settings.stop_deadline + 5.0):
                log.error("a worker did not end in time")

    def _stop_workers(self, drain: float) -> None:
        self.hub.silent = not drain
        for worker in self.workers:
            worker.stop(self._stopping, drain, self.settings.stop_deadline)


def raise_file_limit() -> int:
    """Take all the open files that the system grants this process; gives their number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError) as error:
            log.warning("the limit of open files stays at %d: %s", soft, error)
    if soft == resource.RLIM_INFINITY:
        return 1_048_576  # what Linux allows a process at the most, unless told otherwise
    if soft < 2 * OWN_DESCRIPTORS:
        raise SetupError(f"the limit of open files is {soft}, the least to serve with is {2 * OWN_DESCRIPTORS}")
    return soft
