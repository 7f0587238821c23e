"""The generator processes of a run, seen from the one that leads: Locust's workers, or the leading process itself.

Sends them orders, keeps what they answered, and waits for answers without missing that one of them vanished.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gevent.event import Event
from locust.runners import MasterRunner

from chat.errors import FanfareError

_AGAIN_NS = 1_000_000_000  # ns until an order is given again
_LOOK_EVERY_S = 0.5  # for processes that vanished: Locust notices one after 3 to 4 s without a heartbeat
_NO_STATUS: dict[str, Any] = {
    "joined": 0,
    "refused": 0,
    "refusal": "",
    "window": 0,
    "finished": False,
    "delivered": 0,
}


class Over(FanfareError):
    """The run cannot go on; the text says why."""


class Changed(Over):
    """A generator process is gone, and its users with it; or Locust gave users to one that came too late."""


@dataclass(slots=True)
class Process:
    """The latest status of one process, and its latest answer to each kind of order."""

    status: dict[str, Any] = field(default_factory=lambda: dict(_NO_STATUS, sent={}))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    told_ns: int = 0  # when it was given its latest order, and when its latest answer came
    heard_ns: int = 0


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
        """Give one process an order."""
        order = {"order": kind, **data}
        self.all[name].told_ns = time.monotonic_ns()
        if self._is_master:
            self._runner.send_message("fanfare-order", order, client_id=name)
        else:
            self._runner.send_message("fanfare-order", order)

    def tell_all(self, kind: str, data: dict[str, Any]) -> None:
        for name in self.all:
            self.tell(name, kind, data)

    def note_status(self, name: str, status: dict[str, Any]) -> bool:
        """Keep what a process says of itself. False when it is not one of this run's."""
        process = self.all.get(name)
        if process is None:
            return False
        process.status = status
        self._news.set()
        return True

    def note_answer(self, name: str, answer: dict[str, Any]) -> None:
        process = self.all.get(name)
        if process is not None:
            process.heard_ns = time.monotonic_ns()
            process.answers[answer["to"]] = answer
            self._news.set()

    def ask(self, kind: str, data: dict[str, Any], seconds: float) -> list[dict[str, Any]]:
        """Give all processes an order and wait for their answers: in the order of the processes.

        Raises Over when one does not answer in time, or answers that it cannot.
        """
        for process in self.all.values():
            process.answers.pop(kind, None)
        self.tell_all(kind, data)
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        if not self.wait(lambda: all(kind in process.answers for process in self.present), until_ns):
            raise _unanswered(seconds)
        answers = self.answers(kind)
        if fault := next((answer["fault"] for answer in answers if answer.get("fault")), None):
            raise Over(fault)
        return answers

    def order(self, kind: str, orders: Mapping[str, dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
        """Give each process, by name, an order of its own, until it answers. Raises Over when one does not in time.

        Where it does not answer soon it gets the order again: Locust lets a worker in before it listens to ours, and
        drops what comes until then. So this is for orders that may come twice.
        """
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        for process in self.all.values():
            process.answers.pop(kind, None)
        while silent := [name for name, process in self.all.items() if kind not in process.answers]:
            for name in silent:
                self.tell(name, kind, orders[name])
            again_ns = min(until_ns, time.monotonic_ns() + _AGAIN_NS)
            if not self.wait(lambda: len(self.answers(kind)) == len(self.all), again_ns) and again_ns == until_ns:
                raise _unanswered(seconds)
        return self.answers(kind)

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

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """The latest answers to this kind of order, of those that gave one."""
        return [process.answers[kind] for process in self.all.values() if kind in process.answers]

    def _check(self) -> None:
        if not self._is_master:
            return
        for name in self._runner.clients.keys() - self.all.keys() - self._late:
            self._late.add(name)
            raise Changed(
                "a generator process joined after the run had begun: start all before it, see --expect-workers"
            )
        for name in self.all.keys() - self._vanished:
            client = self._runner.clients.get(name)
            if client is None or client.state == "missing":
                self._vanished.add(name)
                which = f"generator process {self._runner.get_worker_index(name)}"
                raise Changed(f"{which} vanished during the run, and its users with it: see what it said last")


def _unanswered(seconds: float) -> Over:
    return Over(f"a generator process did not answer within {seconds:g} s: it hangs, or has too much to do")
