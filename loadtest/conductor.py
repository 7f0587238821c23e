"""Lead a run through its phases: everyone in, settle, a measured window, drain, accounts, verdict. Sends no chat.

Runs in the process that has Locust's page or its `--headless`: the master, or the only one. The window's start is set a
little ahead, as a moment of the monotonic clock, which all processes of one host share.
"""

import logging
import secrets
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import gevent

from chat.errors import FanfareError
from loadtest import stamps
from loadtest.options import Settings
from loadtest.processes import Processes
from loadtest.report import show, table, write
from loadtest.report.summary import summarise
from loadtest.rows import Row
from loadtest.scenarios import SCENARIOS
from loadtest.verdict import Figures, judge
from loadtest.window import Window

_ANSWER_S = 10.0  # for a process's answer: its loop may be busy, its link is fast
_LAST_ANSWER_S = 3.0  # the same, when the run is being stopped and a person waits
_DEFAULT_WINDOW_S = 30.0
_MARGIN_S = 1.0  # of --run-time, for accounts and the report
_log = logging.getLogger("locust.fanfare")


class _Over(FanfareError):
    """The run cannot go on; the text says why."""


class Conductor:
    """One run, from Locust's start to its stop."""

    def __init__(self, environment: Any, settings: Settings) -> None:
        self.last_table = ""
        self._environment = environment
        self._options = environment.parsed_options
        self._settings = settings
        self._scenario = SCENARIOS[settings.scenario](settings)
        self._run = secrets.token_hex(4)
        self._began_ns = time.monotonic_ns()
        self._processes = Processes(environment.runner)
        self._spawned = False
        self._done = False
        self._window: Window | None = None
        self._asked_users = environment.runner.target_user_count
        self._faults: list[str] = []  # of the window under way
        self._greenlet: Any = None

    def start(self) -> None:
        for rank, name in enumerate(self._processes.all):
            plan = {"run": self._run, "rank": rank, "processes": len(self._processes.all)}
            self._processes.tell(name, "plan", {**plan, "settings": asdict(self._settings)})
        self._greenlet = gevent.spawn(self._lead)

    def all_spawned(self) -> None:
        """Locust has started every user; they may still be on their way in."""
        self._spawned = True

    def hear(self, kind: str, name: str, data: dict[str, Any]) -> None:
        """A message from a process."""
        known = self._processes.note(kind, name, data)
        if known and self._window and data.get("completed") and data["window"] == self._window.number:
            self._window.complete(data["completed"])

    def interrupt(self) -> None:
        """Locust stops the test. Headless, a run that is not at its end is judged as it stands: invalid."""
        if self._done:
            return
        self._done = True
        self._greenlet.kill()
        if self._options.headless:
            elapsed = (time.monotonic_ns() - self._began_ns) / 1e9
            self._faults.append(f"the run was stopped after {elapsed:.1f} s, before its end")
            self._publish(self._figures(_LAST_ANSWER_S))

    def _lead(self) -> None:
        number = 0
        while not self._done:
            number += 1
            self._faults.clear()
            over = bool(self._options.headless)
            try:
                self._assemble()
                self._measure(number)
            except FanfareError as error:
                self._note_fault(str(error))
                over = True
            figures = self._figures(_ANSWER_S)
            self._done = over
            self._publish(figures)
        if self._options.headless:
            self._environment.runner.quit()

    def _assemble(self) -> None:
        """Wait until every user is in or was refused, then ask who is here."""
        processes = self._processes
        processes.wait(lambda: self._spawned)
        longest_ns = round((2 * self._settings.patience + _ANSWER_S) * 1e9)  # that one user's way in may take
        while (settled := self._settled()) < self._environment.runner.target_user_count:
            if not processes.wait(partial(self._has_moved, settled), time.monotonic_ns() + longest_ns):
                break
        for process in processes.all.values():
            process.members = process.statement = None
        self._asked_users = self._environment.runner.target_user_count
        processes.tell_all("muster", {})
        self._await_all("members")

    def _settled(self) -> int:
        """Users who are in, or will not come: in the end, all."""
        return self._processes.status_sum("joined") + self._processes.status_sum("refused")

    def _has_moved(self, settled: int) -> bool:
        return self._settled() != settled

    def _measure(self, number: int) -> None:
        settings, processes = self._settings, self._processes
        members = [process.members or {} for process in processes.all.values()]
        start_ns = time.monotonic_ns() + round(settings.settle * 1e9)
        end_ns = start_ns + round(self._duration_s() * 1e9)
        window = Window(number, start_ns, end_ns, [answer["rooms"] for answer in members])
        if any(answer["boot_id"] != stamps.boot_id() for answer in members):
            self._faults.append("generator processes run on several hosts, whose clocks cannot be compared yet")
        if not any(len(users) > 1 for users in window.rooms.values()):
            raise _Over("no room has two members, so there is nobody to send to")
        window.cast(self._scenario, Row(self._environment.stats, "complete", settings.scenario).show)
        self._window = window
        for (name, _), answer in zip(processes.all.items(), members, strict=True):
            processes.tell(name, "window", window.orders(answer["rooms"]))
        _log.info("Window %d: %s users in %s rooms", number, f"{window.users:,}", f"{len(window.rooms):,}")
        grace_ns = end_ns + round(settings.grace * 1e9)
        processes.wait(lambda: time.monotonic_ns() >= end_ns)
        processes.wait(lambda: self._drained(window), grace_ns)

    def _drained(self, window: "Window") -> bool:
        states = [process.status for process in self._processes.all.values()]
        if not all(state["finished"] and state["window"] == window.number for state in states):
            return False
        expected = sum(window.expected(state["sent"]) for state in states)
        return self._processes.status_sum("delivered") >= expected

    def _duration_s(self) -> float:
        """The window's length: `--duration`, or what `--run-time` leaves. Raises _Over when that is nothing."""
        if self._settings.duration is not None:
            return self._settings.duration
        if not (self._options.headless and self._options.run_time):
            return _DEFAULT_WINDOW_S
        elapsed = (time.monotonic_ns() - self._began_ns) / 1e9
        left: float = self._options.run_time - elapsed - self._settings.settle - self._settings.grace - _MARGIN_S
        if left < 0.5:
            raise _Over(
                f"--run-time {self._options.run_time} s is too short: joining took {elapsed:.1f} s, settling takes "
                f"{self._settings.settle:g} s, and {self._settings.grace + _MARGIN_S:g} s are kept for the end"
            )
        return left

    def _await_all(self, kind: str, seconds: float = _ANSWER_S) -> None:
        """Raises _Over when a process does not answer."""
        until_ns = time.monotonic_ns() + round(seconds * 1e9)
        if not self._processes.wait(lambda: all(getattr(p, kind) for p in self._processes.present), until_ns):
            raise _Over(f"a generator process did not answer within {seconds:g} s")

    def _figures(self, patience_s: float) -> Figures:
        """What the processes counted, whatever state the run is in."""
        figures = Figures(self._settings.scenario, self._target(), self._asked_users)
        figures.workers = len(self._processes.all)
        if self._window:
            try:
                self._processes.tell_all("collect", {})
                self._await_all("statement", patience_s)
            except FanfareError as error:
                self._note_fault(str(error))
            self._window.sum_up(figures, self._processes.statements())
        else:
            figures.users = self._processes.status_sum("joined")
        if figures.users < figures.asked_users and self._spawned:
            why = next((p.status["refusal"] for p in self._processes.all.values() if p.status["refusal"]), "")
            fault = f"only {figures.users:,} of {figures.asked_users:,} users were in"
            self._faults.insert(0, fault + (why and f": {why}"))
        if self._asked_users != self._environment.runner.target_user_count:
            self._note_fault("the number of users was changed during the window")
        figures.faults = list(self._faults)
        return figures

    def _note_fault(self, fault: str) -> None:
        if fault not in self._faults:
            self._faults.append(fault)

    def _target(self) -> str:
        return str(self._environment.host).removeprefix("irc://")

    def _publish(self, figures: Figures) -> None:
        verdict = judge(figures, self._settings)
        summary = summarise(figures, verdict)
        self._environment.process_exit_code = verdict.exit_status
        if self._settings.report:
            try:
                write(summary, figures, Path(self._settings.report))
            except OSError as error:
                _log.error("No report: %s", error)
        self.last_table = table(summary)
        if not self._options.headless:  # headless, it comes last, below Locust's own tables
            show(self.last_table)
