"""One run as a scenario's course sees it: windows, questions to the workers, the clock. In the leader's greenlet.

A window's start is set a little ahead, as a moment of the monotonic clock, which all processes of one host share.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import chain
from typing import Any, Protocol, TypeVar

import gevent

from chat.errors import FanfareError
from loadtest.core.codec import decode, encode
from loadtest.core.histogram import Histogram
from loadtest.core.result import Figures
from loadtest.core.statement import Statement, total
from loadtest.run.clocks import TRIPS, Clocks, Trip
from loadtest.run.machine import Sampler
from loadtest.run.messages import Death, Status
from loadtest.run.part import NewRow
from loadtest.run.settings import Settings
from loadtest.run.window import Senders, Window
from loadtest.run.workers import Over, Workers, resize

ANSWER_S = 10.0  # for a process's answer: its loop may be busy, its link is fast
_DEFAULT_WINDOW_S = 30.0
_MARGIN_S = 1.0  # of --run-time, for accounts and the report
T = TypeVar("T")
_log = logging.getLogger("locust.fanfare")


class Course(Senders, Protocol):
    """What is needed of a scenario."""

    @property
    def one_clock(self) -> bool: ...
    @property
    def server_pid(self) -> int: ...


class Run:
    """One run's. Collected windows are added to `figures`."""

    def __init__(
        self,
        environment: Any,
        settings: Settings,
        scenario: Course,
        workers: Workers,
        numbers: Iterator[int],
        new_row: NewRow,
    ) -> None:
        """`numbers` are those of the windows to come: no two of a run are alike."""
        self.settings = settings
        self.workers = workers
        host = str(environment.host)
        self.figures = Figures(settings.scenario, host.replace("irc://", ""), nodes=host.count(",") + 1)
        self.asked_users: int = environment.runner.target_user_count
        self.is_apart = False  # the windows are not the run's, nor is it judged by them
        self.step = ""  # what is done between windows, or what they are for; for those who look on
        self._environment = environment
        self._scenario = scenario
        self._began_ns = time.monotonic_ns()
        self._numbers = numbers
        self._show = new_row("complete", settings.scenario)
        self._window: Window | None = None  # under way, or not collected yet
        self._latest: Window | None = None  # the same, and still there when it is collected
        self._clocks = Clocks(())
        self._server = Sampler(0)  # the server's process in that window
        self._watching: Any = None

    @property
    def host(self) -> str:
        """The server's URL."""
        return str(self._environment.host)

    def next_number(self) -> int:
        """For stamps that are no window's: those of no other look like them."""
        return next(self._numbers)

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
        """Ask every process a question, and wait for the answers. Raises Over."""
        return self.workers.ask(kind, data, seconds)

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Wait until `ready()`; False when it did not come in time. Raises Over."""
        return self.workers.wait(ready, time.monotonic_ns() + round(seconds * 1e9))

    def pause(self, seconds: float) -> None:
        """Nobody speaks; a process that vanishes meanwhile is noticed. Raises Over."""
        self.step = "a pause"
        self._let_pass(seconds)
        self.step = ""

    def _let_pass(self, seconds: float) -> None:
        self.wait(lambda: False, seconds)

    @property
    def longest_entry_s(self) -> float:
        """One user's way in may take so long."""
        return 2 * self.settings.patience + ANSWER_S

    @property
    def refusal(self) -> str:
        """Why a user of this run did not get in or was cut off; empty when nobody was."""
        return next((p.status.refusal for p in self.workers.all.values() if p.status.refusal), "")

    def resize(self, users: int) -> int:
        """Have so many users in, between windows; gives how many are. Some may have been refused. Raises Over."""
        runner, options = self._environment.runner, self._environment.parsed_options
        if runner.target_user_count != self.asked_users:
            raise Over("the number of users was changed during the run")
        self.asked_users = users
        return resize(runner, self.workers, users, options.spawn_rate or 1, self.longest_entry_s)

    @contextmanager
    def apart(self) -> Iterator[Figures]:
        """Meanwhile, windows are added to figures of their own, and so is what makes them invalid."""
        whole = self.figures
        self.figures = Figures(whole.scenario, whole.target, nodes=whole.nodes)
        self.is_apart = True
        try:
            yield self.figures
        finally:
            self.figures, self.is_apart = whole, False

    def window(self, seconds: float | None = None) -> Statement:
        """The senders speak for so long, and every delivery is accounted for. Returns when it is over. Raises Over."""
        return self.play(self.open_window(seconds))

    def open_window(
        self, seconds: float | None = None, death: Callable[[Window], Death] | None = None, **more: Any
    ) -> Window:
        """Ask who is in, and have the senders begin after `--settle`. Raises Over.

        `more` goes to every worker's role as it is; a callable is asked for its value, given the window.
        """
        settings, workers = self.settings, self.workers
        answers = self.ask("here")
        self._clocks = Clocks(tuple(answer["clock"] for answer in answers))
        if self._clocks.others and self._scenario.one_clock:
            raise Over(f"{settings.scenario} needs all its processes on one host: workers elsewhere have other clocks")
        self._compare_clocks()
        seconds = self._duration_s() if seconds is None else seconds
        start_ns = time.monotonic_ns() + round(settings.settle * 1e9)
        end_ns = start_ns + round(seconds * 1e9)
        nodes = [list(chain(*each)) for each in zip(*(answer["nodes"] for answer in answers), strict=True)]
        window = Window(next(self._numbers), start_ns, end_ns, [answer["rooms"] for answer in answers], nodes)
        if not any(len(users) > 1 for users in window.rooms.values()):
            raise Over("no room has two members, so there is nobody to send to")
        window.assign(self._scenario, self._show)
        self._window = self._latest = window
        self._watch_server(window)
        plain = {name: value(window) if callable(value) else value for name, value in more.items()}
        for name, answer in zip(workers.all, answers, strict=True):
            opening = replace(
                window.opening(answer["rooms"]),
                offset_ns=self._clocks.offset_ns(answer["clock"]),
                death=death(window) if death else None,
                more=plain,
            )
            workers.tell(name, "window", encode(opening))
        rooms = f"{len(window.rooms):,} room{'s' * (len(window.rooms) != 1)}"
        _log.info("Window %d: %s users in %s", window.number, f"{window.users:,}", rooms)
        return window

    def play(self, window: Window) -> Statement:
        """Wait for the window's end and for what is under way then; add it all to the figures. Raises Over.

        Gives what all processes state, as one.
        """
        workers = self.workers
        workers.wait(lambda: time.monotonic_ns() >= window.end_ns)
        workers.wait(lambda: self._drained(window), window.end_ns + round(self.settings.grace * 1e9))
        self._let_pass(self.settings.linger)
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

    def collect(self, seconds: float) -> Statement:
        """Add the window that is not collected yet, if there is one, to the figures. Raises Over, having done so."""
        window, self._window = self._window, None
        if window is None:
            return Statement()
        try:
            self._close_accounts(window, seconds)
        finally:
            told = [each for each in self.workers.answers("collect") if each.get("window") == window.number]
            whole = total([decode(Statement, each, "statement") for each in told])
            self._server.finish()
            self._watching.kill()
            window.sum_up(self.figures, whole, self._server.samples)
        return whole

    def _close_accounts(self, window: Window, seconds: float) -> None:
        """Have nothing more sent, and everybody told what was: then each process's account is final. Raises Over."""
        try:
            self.ask("close", seconds)
            self._compare_clocks()
            self.figures.clock_error_us = max(self.figures.clock_error_us, self._clocks.error_us())
        finally:
            answers = [each for each in self.workers.answers("close") if each.get("window") == window.number]
            short = [pair for answer in answers for pair in answer["short"]]
            self.ask("collect", seconds, short=short)

    def _compare_clocks(self) -> None:
        """With those of processes on other hosts. Raises Over."""
        if not self._clocks.others:
            return
        trips = []
        for _ in range(TRIPS):
            self.ask("clock")
            for process, clock in zip(self.workers.all.values(), self._clocks.ids, strict=True):
                if answer := process.answer("clock"):  # not of one that has vanished
                    trips.append((clock, Trip(process.told_ns, answer["now_ns"], process.heard_ns)))
        self._clocks.compare(trips)

    def complete(self, status: Status) -> None:
        """A process says which messages all its receivers have."""
        if self._window and status.completed and status.window == self._window.number:
            self._window.complete(status.completed)

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
        states = [process.status for process in self.workers.all.values()]
        if not all(state.finished and state.window == window.number for state in states):
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
