"""An administrator's requests while no server runs: the same handlers, on the log's file."""

import logging
import queue
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from chat.server.core.node import Node
from chat.server.disk.sqlite import SqliteLog
from chat.server.ops.operation import Operation, Portion, Row
from chat.server.ops.verbs import find
from chat.settings import Settings

LOG_TIMEOUT = 30.0  # s for the disk to take a request

log = logging.getLogger(__name__)


class Offline:
    """The log of a server that does not run. Nobody is connected, so nothing is ever sent."""

    def __init__(self, settings: Settings) -> None:
        """Takes the log as a server does. Raises SetupError."""
        self.node = Node(settings, _Nobody(), make_log=partial(SqliteLog, settings))
        self._posted: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.node.log.start(self._posted.put, log.error)

    def facts(self) -> Row:
        state = self.node.state
        return {"server": None, "rooms": len(state.remembered), "log": self.node.log.status()}

    def answer(self, verb: str, arguments: dict[str, Any]) -> Iterator[Portion]:
        """The portions of the answer. Raises AdminError when there is no such verb."""
        handler = find(verb).handler
        portions: list[Portion] = []
        operation = Operation(self, verb, arguments, portions.append)
        operation.start(handler)
        while True:
            while not portions:
                try:
                    self._posted.get(timeout=LOG_TIMEOUT)()
                except queue.Empty:
                    operation.fail(f"the log took nothing for {LOG_TIMEOUT:g} s: {self.node.log.status()}")
            portion = portions.pop()
            yield portion
            if portion.last:
                return
            operation.advance()


@contextmanager
def offline(settings: Settings) -> Iterator[Offline]:
    """Raises SetupError when the log cannot be had: it is `memory:`, or another process has it."""
    place = Offline(settings)
    try:
        yield place
    finally:
        place.node.log.close()


class _Nobody:
    """The fan-out's sink."""

    def push(self, *data: object) -> None: ...

    def push_all(self, *data: object) -> None: ...

    def push_separately(self, *data: object) -> None: ...

    def push_all_separately(self, *data: object) -> None: ...
