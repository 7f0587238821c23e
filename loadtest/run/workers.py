"""The generator processes of a run, seen from the one that leads: Locust's workers, or the leading process itself.

Asks them, keeps what they answered, and waits for answers without missing that one of them vanished.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gevent.event import Event

from chat.errors import FanfareError
from loadtest.run.messages import Status

_AGAIN_NS = 1_000_000_000  # ns until an order is given again
_LOOK_EVERY_S = 0.5  # for processes that vanished: Locust notices one after 3 to 4 s without a heartbeat


class Channel(Protocol):
    """The way to them, which is Locust's: see locust/seams.py."""

    @property
    def is_apart(self) -> bool:
        """They are processes of their own, and not the leading one itself."""

    def names(self) -> list[str]:
        """Those that are there, in a lasting order."""

    def has_gone(self, name: str) -> bool: ...
    def index(self, name: str) -> int:
        """As Locust counts them in what it says."""

    def send(self, name: str, order: dict[str, Any]) -> None: ...


class Over(FanfareError):
    """The run cannot go on; the text says why."""


class Changed(Over):
    """A generator process is gone, and its users with it; or Locust gave users to one that came too late."""


@dataclass(slots=True)
class Process:
    """The latest status of one process, and its latest answer to each kind of order."""

    status: Status = field(default_factory=Status)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    told_ns: int = 0  # when it was given its latest order, and when its latest answer came
    heard_ns: int = 0

    def answer(self, kind: str) -> dict[str, Any]:
        """Empty where there is none."""
        data: dict[str, Any] = self.answers.get(kind, {}).get("data", {})
        return data


class Workers:
    """All generator processes that the run began with."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.all = {name: Process() for name in channel.names()}
        self._vanished: set[str] = set()
        self._late: set[str] = set()
        self._news = Event()

    @property
    def present(self) -> list[Process]:
        """Those that have not vanished."""
        return [process for name, process in self.all.items() if name not in self._vanished]

    def tell(self, name: str, kind: str, data: Any) -> None:
        """Give one process an order."""
        self.all[name].told_ns = time.monotonic_ns()
        self._channel.send(name, {"order": kind, "data": data})

    def note_status(self, name: str, status: Status) -> bool:
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
        for name in self.all:
            self.tell(name, kind, data)
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        if not self.wait(lambda: all(kind in process.answers for process in self.present), until_ns):
            raise _unanswered(seconds)
        return self._heard(kind)

    def order(self, kind: str, orders: Mapping[str, dict[str, Any]], seconds: float) -> list[dict[str, Any]]:
        """Give each process, by name, an order of its own, until it answers. Raises Over when one does not in time,
        or answers that it cannot.

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
            if (
                not self.wait(lambda: all(kind in each.answers for each in self.all.values()), again_ns)
                and again_ns == until_ns
            ):
                raise _unanswered(seconds)
        return self._heard(kind)

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
        total: int = sum(getattr(process.status, key) for process in self.all.values())
        return total

    def answers(self, kind: str) -> list[dict[str, Any]]:
        """The latest answers to this kind of order, of those that gave one."""
        return [process.answer(kind) for process in self.all.values() if kind in process.answers]

    def _heard(self, kind: str) -> list[dict[str, Any]]:
        for process in self.all.values():
            if fault := process.answers.get(kind, {}).get("fault"):
                raise Over(fault)
        return self.answers(kind)

    def _check(self) -> None:
        for name in set(self._channel.names()) - self.all.keys() - self._late:
            self._late.add(name)
            raise Changed(
                "a generator process joined after the run had begun: start all before it, see --expect-workers"
            )
        for name in self.all.keys() - self._vanished:
            if self._channel.has_gone(name):
                self._vanished.add(name)
                which = f"generator process {self._channel.index(name)}"
                raise Changed(f"{which} vanished during the run, and its users with it: see what it said last")


def _unanswered(seconds: float) -> Over:
    return Over(f"a generator process did not answer within {seconds:g} s: it hangs, or has too much to do")


_NEWS_S = 0.5  # longer than a process takes to say that it lost a user


def resize(runner: Any, workers: Workers, users: int, spawn_rate: float, patience_s: float) -> int:
    """Have Locust start or stop users; gives how many are in, once nobody is on the way in or out any more.

    Users who were cut off before are replaced. Fewer than asked for are in when some were refused, or when for
    `patience_s` nobody got in or was refused. Raises Over.
    """
    workers.wait(lambda: False, _after(_NEWS_S))
    refused = workers.status_sum("refused")
    if runner.target_user_count == users == workers.status_sum("joined"):
        return users
    runner.start(users, spawn_rate)

    def here() -> int:
        return workers.status_sum("joined")

    def on_the_way() -> int:
        turned_away = workers.status_sum("refused") - refused
        return max(0, users - here() - turned_away) or max(0, here() - users)

    while left := on_the_way():
        if not workers.wait(lambda seen=left: on_the_way() != seen, _after(patience_s)):  # type: ignore[misc]
            break
    return here()


def _after(seconds: float) -> int:
    return time.monotonic_ns() + round(seconds * 1e9)
