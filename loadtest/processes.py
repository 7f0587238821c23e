"""The generator processes of a run, seen from the one that leads: Locust's workers, or the leading process itself.

Sends them messages, keeps what they answered, and waits for answers without missing that one of them vanished.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gevent.event import Event
from locust.runners import MasterRunner

from chat.errors import FanfareError

_LOOK_EVERY_S = 0.5  # for processes that vanished: Locust notices one after 3 to 4 s without a heartbeat
_NO_STATUS: dict[str, Any] = {"joined": 0, "refused": 0, "refusal": "", "window": 0, "finished": False, "delivered": 0}


class Changed(FanfareError):
    """A generator process is gone, and its users with it; or Locust gave users to one that came too late."""


@dataclass(slots=True)
class Process:
    """The latest of each kind of message from one process; None where it has not sent any."""

    status: dict[str, Any] = field(default_factory=lambda: dict(_NO_STATUS, sent={}))
    members: dict[str, Any] | None = None
    statement: dict[str, Any] | None = None


class Processes:
    """All generator processes that the run began with."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._is_master = isinstance(runner, MasterRunner)
        if self._is_master:
            here = [client.id for client in runner.clients.all if client.state != "missing"]
            self.all = {name: Process() for name in sorted(here)}
        else:
            self.all = {"local": Process()}
        self._vanished: set[str] = set()
        self._late: set[str] = set()
        self._news = Event()

    @property
    def present(self) -> list[Process]:
        """Those that have not vanished."""
        return [process for name, process in self.all.items() if name not in self._vanished]

    def tell(self, name: str, kind: str, data: dict[str, Any]) -> None:
        if self._is_master:
            self._runner.send_message(f"fanfare-{kind}", data, client_id=name)
        else:
            self._runner.send_message(f"fanfare-{kind}", data)

    def tell_all(self, kind: str, data: dict[str, Any]) -> None:
        for name in self.all:
            self.tell(name, kind, data)

    def note(self, kind: str, name: str, data: dict[str, Any]) -> bool:
        """Keep what a process sent. False when it is not one of this run's."""
        process = self.all.get(name)
        if process is None:
            return False
        setattr(process, kind, data)
        self._news.set()
        return True

    def wait(self, ready: Callable[[], bool], until_ns: int | None = None) -> bool:
        """Wait for `ready`; False when the monotonic clock shows `until_ns` before.

        Raises Changed, once for each process that vanished or came too late.
        """
        while not ready():
            self._check()
            left = _LOOK_EVERY_S if until_ns is None else min(_LOOK_EVERY_S, (until_ns - time.monotonic_ns()) / 1e9)
            if left <= 0:
                return False
            self._news.clear()
            self._news.wait(left)
        return True

    def status_sum(self, key: str) -> int:
        total: int = sum(process.status[key] for process in self.all.values())
        return total

    def statements(self) -> list[dict[str, Any]]:
        return [process.statement for process in self.all.values() if process.statement]

    def _check(self) -> None:
        if not self._is_master:
            return
        for name in self._runner.clients.keys() - self.all.keys() - self._late:
            self._late.add(name)
            raise Changed("a generator process joined after the run had begun")
        for name in self.all.keys() - self._vanished:
            client = self._runner.clients.get(name)
            if client is None or client.state == "missing":
                self._vanished.add(name)
                raise Changed(f"generator process {self._runner.get_worker_index(name)} vanished during the run")
