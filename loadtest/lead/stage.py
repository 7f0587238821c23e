"""What a scenario's course is made of: windows, orders to the processes, the clock. In the conductor's greenlet.

A window's start is set a little ahead, as a moment of the monotonic clock, which all processes of one host share.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import gevent

from chat.errors import FanfareError
from loadtest.accounting.histogram import Histogram
from loadtest.judge.verdict import Figures
from loadtest.lead.clocks import TRIPS, Clocks, Trip
from loadtest.lead.crowd import resize
from loadtest.lead.processes import Over, Processes
from loadtest.lead.window import Window
from loadtest.scenarios import Scenario
from loadtest.settings.options import Settings
from loadtest.watch.resources import Sampler
from loadtest.worker.rows import Row

ANSWER_S = 10.0  # for a process's answer: its loop may be busy, its link is fast
_DEFAULT_WINDOW_S = 30.0
_MARGIN_S = 1.0  # of --run-time, for accounts and the report
T = TypeVar("T")
_log = logging.getLogger("locust.fanfare")


class Stage:
    """One run's. Collected windows are added to `figures`."""

    def __init__(
        self, environment: Any, settings: Settings, scenario: Scenario, processes: Processes, numbers: Iterator[int]
    ) -> None:
        """`numbers` are those of the windows to come: no two of a run are alike."""
        self.settings = settings
        self.processes = processes
        self.figures = Figures(settings.scenario, str(environment.host).removeprefix("irc://"))
        self.asked_users: int = environment.runner.target_user_count
        self._environment = environment
        self._scenario = scenario
        self._began_ns = time.monotonic_ns()
        self._numbers = numbers
        self.is_apart = False  # the windows are not the run's, nor is it judged by them
        self.step = ""  # what is done between windows, or what they are for; for those who look on
        self._window: Window | None = None  # under way, or not collected yet
        self._clocks = Clocks(())
        self._latest: Window | None = None  # the same, and still there when it is collected
        self._server = Sampler(0)  # the server's process in that window
        self._watching: Any = None

    @property
    def host(self) -> str:
        """The server's URL."""
        return str(self._environment.host)

    @property
    def elapsed_s(self) -> float:
        return (time.monotonic_ns() - self._began_ns) / 1e9

    @property
    def is_open(self) -> bool:
        """A window is under way, or its figures are not collected yet."""
        return self._window is not None

    @property
    def complete_so_far(self) -> Histogram:
        """Until a message's last receiver had it, in the window under way or the last one."""
        return self._latest.complete_so_far if self._latest else Histogram()

    @property
    def start_s(self) -> float:
        """When that window began, or will; 0 without one."""
        return self._latest.start_ns / 1e9 if self._latest else 0.0

    def open_s(self, now_ns: int) -> float:
        """For how long that window has been or was open."""
        if self._latest is None:
            return 0.0
        return max(0, min(now_ns, self._latest.end_ns) - self._latest.start_ns) / 1e9

    def doing(self, now_ns: int) -> str:
        """What the run is doing, in a few words."""
        window = self._window
        if window is None:
            return self.step or "between windows"
        if now_ns < window.start_ns:
            words = f"window {window.number}, settling"
        elif now_ns < window.end_ns:
            passed_s, whole_s = (now_ns - window.start_ns) // 10**9, (window.end_ns - window.start_ns) / 1e9
            words = f"window {window.number}, {passed_s} s of {whole_s:g}"
        else:
            words = f"window {window.number}, waiting for the rest"
        return f"{self.step}: {words}" if self.step else words

    def ask(self, kind: str, seconds: float = ANSWER_S, **data: Any) -> list[dict[str, Any]]:
        """Give every process an order, and wait for the answers. Raises Over."""
        return self.processes.ask(kind, data, seconds)

    def tell(self, kind: str, **data: Any) -> None:
        """Give every process an order that has no answer."""
        self.processes.tell_all(kind, data)

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until `ready()`; False when it did not come in time. Raises Over."""
        return self.processes.wait(ready, time.monotonic_ns() + round(seconds * 1e9))

    def pause(self, seconds: float) -> None:
        """Let time pass, and notice when a process vanishes meanwhile. Raises Over."""
        self.wait(lambda: False, seconds)

    @property
    def longest_entry_s(self) -> float:
        """One user's way in may take so long."""
        return 2 * self.settings.patience + ANSWER_S

    @property
    def refusal(self) -> str:
        """Why a user of this run did not get in or was cut off; empty when nobody was."""
        return next((p.status["refusal"] for p in self.processes.all.values() if p.status["refusal"]), "")

    def resize(self, users: int) -> int:
        """Have so many users in, between windows; gives how many are. Some may have been refused. Raises Over."""
        runner, options = self._environment.runner, self._environment.parsed_options
        if runner.target_user_count != self.asked_users:
            raise Over("the number of users was changed during the run")
        self.asked_users = users
        return resize(runner, self.processes, users, options.spawn_rate or 1, self.longest_entry_s)

    @contextmanager
    def apart(self) -> Iterator[Figures]:
        """Meanwhile, windows are added to figures of their own, and so is what makes them invalid."""
        whole, self.figures = self.figures, Figures(self.figures.scenario, self.figures.target)
        self.is_apart = True
        try:
            yield self.figures
        finally:
            self.figures, self.is_apart = whole, False

    def window(self, duration_s: float | None = None, **orders: Any) -> Window:
        """Ask who is in, and have the speakers begin after `--settle`. Raises Over.

        `orders` go to every process as they are; a callable is asked for its value, given the window.
        """
        settings, processes = self.settings, self.processes
        answers = self.ask("muster")
        self._clocks = Clocks(tuple(answer["clock"] for answer in answers))
        if self._clocks.others and self._scenario.one_clock:
            raise Over(
                f"{self.settings.scenario} needs all its processes on one host: workers elsewhere have other clocks"
            )
        self._compare_clocks()
        duration_s = self._duration_s() if duration_s is None else duration_s
        start_ns = time.monotonic_ns() + round(settings.settle * 1e9)
        end_ns = start_ns + round(duration_s * 1e9)
        window = Window(next(self._numbers), start_ns, end_ns, [answer["rooms"] for answer in answers])
        if not any(len(users) > 1 for users in window.rooms.values()):
            raise Over("no room has two members, so there is nobody to send to")
        window.cast(self._scenario, Row(self._environment.stats, "complete", settings.scenario).show)
        self._window = self._latest = window
        self._watch_server(window)
        more = {name: value(window) if callable(value) else value for name, value in orders.items()}
        for name, answer in zip(processes.all, answers, strict=True):
            offset_ns = self._clocks.offset_ns(answer["clock"])
            processes.tell(name, "window", {**window.orders(answer["rooms"]), "offset_ns": offset_ns, **more})
        _log.info("Window %d: %s users in %s rooms", window.number, f"{window.users:,}", f"{len(window.rooms):,}")
        return window

    def play(self, window: Window) -> list[dict[str, Any]]:
        """Wait for the window's end and for what is under way then; add it all to the figures. Raises Over.

        Gives the processes' statements.
        """
        processes = self.processes
        processes.wait(lambda: time.monotonic_ns() >= window.end_ns)
        processes.wait(lambda: self._drained(window), window.end_ns + round(self.settings.grace * 1e9))
        self.pause(self.settings.linger)
        return self.collect(ANSWER_S)

    @contextmanager
    def sampling(self, read: Callable[[], T], every_s: float = 0.5) -> Iterator[list[T]]:
        """Meanwhile, call `read` at intervals; gives the growing list of what it gave. It ends when `read` fails."""
        samples: list[T] = []

        def sample() -> None:
            with suppress(FanfareError):
                while True:
                    samples.append(read())
                    gevent.sleep(every_s)

        sampler = gevent.spawn(sample)
        try:
            yield samples
        finally:
            sampler.kill()

    def collect(self, seconds: float) -> list[dict[str, Any]]:
        """Add the window that is not collected yet, if there is one, to the figures. Raises Over, having done so."""
        window, self._window = self._window, None
        if window is None:
            return []
        try:
            self._close_accounts(window, seconds)
        finally:
            statements = [each for each in self.processes.answers("collect") if each.get("window") == window.number]
            self._server.finish()
            self._watching.kill()
            window.sum_up(self.figures, statements, self._server.samples)
        return statements

    def _close_accounts(self, window: Window, seconds: float) -> None:
        """Have nothing more sent, and everybody told what was: then each process's account is final. Raises Over."""
        try:
            self.ask("close", seconds)
            self._compare_clocks()
            self.figures.clock_error_us = max(self.figures.clock_error_us, self._clocks.error_us())
        finally:
            answers = [each for each in self.processes.answers("close") if each.get("window") == window.number]
            short = [pair for answer in answers for pair in answer["short"]]
            self.ask("collect", seconds, short=short)

    def _compare_clocks(self) -> None:
        """With those of processes on other hosts. Raises Over."""
        if not self._clocks.others:
            return
        trips = []
        for _ in range(TRIPS):
            self.ask("clock")
            for process, clock in zip(self.processes.all.values(), self._clocks.ids, strict=True):
                if answer := process.answers.get("clock"):  # not of one that has vanished
                    trips.append((clock, Trip(process.told_ns, answer["now_ns"], process.heard_ns)))
        self._clocks.compare(trips)

    def complete(self, status: dict[str, Any]) -> None:
        """A process says which messages all its receivers have."""
        if self._window and status["completed"] and status["window"] == self._window.number:
            self._window.complete(status["completed"])

    def note_fault(self, fault: str) -> None:
        """Something that makes the run invalid."""
        if fault not in self.figures.faults:
            self.figures.faults.append(fault)

    def mark(self, at_ns: int, what: str) -> None:
        """Something happens to the users or the server; the report shows it beside the latencies."""
        self.figures.marks.append((round((at_ns - self.figures.began_ns) / 1e9, 3), what))

    def _watch_server(self, window: Window) -> None:
        """Sample its CPU and memory while the window lasts, where its process is known."""
        self.figures.began_ns = self.figures.began_ns or window.start_ns
        self._server = Sampler(self._scenario.server_pid)
        self._watching = gevent.spawn(self._server.watch, window.start_ns, window.end_ns, window.slice_ns)

    def _drained(self, window: Window) -> bool:
        states = [process.status for process in self.processes.all.values()]
        if not all(state["finished"] and state["window"] == window.number for state in states):
            return False
        return window.is_drained(states)

    def _duration_s(self) -> float:
        """The window's length: `--duration`, or what `--run-time` leaves. Raises Over when that is nothing."""
        if self.settings.duration is not None:
            return self.settings.duration
        options = self._environment.parsed_options
        if not (options.headless and options.run_time):
            return _DEFAULT_WINDOW_S
        left: float = options.run_time - self.elapsed_s - self.settings.settle - self.settings.grace - _MARGIN_S
        if left < 0.5:
            raise Over(
                f"--run-time {options.run_time} s is too short: joining took {self.elapsed_s:.1f} s, settling takes "
                f"{self.settings.settle:g} s, and {self.settings.grace + _MARGIN_S:g} s are kept for the end"
            )
        return left
