"""Lead a run through its phases: everyone in, the scenario's course, accounts, verdict, report. Sends no chat.

Runs in the process that has Locust's page or its `--headless`: the master, or the only one.
"""

import itertools
import logging
import secrets
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import gevent

from chat.errors import FanfareError, SetupError
from loadtest.core.codec import decode, encode
from loadtest.core.reasons import advice
from loadtest.core.requirements import Requirements
from loadtest.core.result import EXIT_STATUS, INVALID, SCHEMA, Result
from loadtest.core.verdict import judge, measures
from loadtest.report import summary_of, table, write
from loadtest.report.table import show
from loadtest.run.live import Monitor
from loadtest.run.machine import command, environment
from loadtest.run.messages import Plan, Status
from loadtest.run.part import NewRow
from loadtest.run.run import ANSWER_S, Run
from loadtest.run.scenario import SCENARIOS
from loadtest.run.settings import SECRETS, Settings
from loadtest.run.workers import Channel, Over, Workers

_LAST_ANSWER_S = 3.0  # for a process's answer, when the run is being stopped and a person waits
_log = logging.getLogger("locust.fanfare")


class Leader:
    """One run, from Locust's start to its stop."""

    def __init__(self, environment: Any, settings: Settings, channel: Channel, new_row: NewRow) -> None:
        self.last_table = ""
        self._environment = environment
        self._options = environment.parsed_options
        self._settings = settings
        self._run_id = secrets.token_hex(4)
        self._channel = channel
        self._workers = Workers(channel)
        self._new_row = new_row
        self._scenario = SCENARIOS[settings.scenario](settings, environment.runner.target_user_count)
        self._monitor = Monitor(settings, self._scenario, self._workers)
        self._window_numbers = itertools.count(1)
        self._run = self._new_run()
        self._began_ns = time.monotonic_ns()
        self._started_at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._spawned = False
        self._done = False
        self._greenlet: Any = None

    def start(self) -> None:
        """Raises SetupError when the scenario's preparations fail, or a process cannot hold its users."""
        self._scenario.prepare(self._environment.host)
        if self._scenario.brings_server:  # Locust tells the users of it next
            self._environment.host = self._scenario.server_url
            self._run = self._new_run()
        host, users = self._environment.host, self._run.asked_users
        plan = Plan(self._run_id, 0, len(self._workers.all), users, host, asdict(self._settings))
        plans = {name: encode(replace(plan, rank=rank)) for rank, name in enumerate(self._workers.all)}
        try:
            self._workers.order("plan", plans, ANSWER_S)
        except Over as over:
            raise SetupError(str(over)) from None
        self._greenlet = gevent.spawn(self._lead)
        self._greenlet.link_exception(lambda _: self._break_off())

    def all_spawned(self) -> None:
        """Locust has started every user; they may still be on their way in."""
        self._spawned = True

    def hear(self, kind: str, name: str, data: dict[str, Any]) -> None:
        """A message from a process."""
        if kind == "answer":
            self._workers.note_answer(name, data)
            return
        status: Status = decode(Status, data, "status")
        if self._workers.note_status(name, status):
            self._run.complete(status)
            self._monitor.hear(name, status)

    def look(self) -> dict[str, Any]:
        """How the run goes, in plain values: see `live.look`."""
        return self._monitor.look(self._run, self._environment.runner.target_user_count)

    def interrupt(self) -> None:
        """Locust stops the test. Headless, a run that is not at its end is judged as it stands: invalid."""
        self._monitor.is_over = True
        if self._done:
            return
        self._done = True
        if self._greenlet is None:  # still preparing: there is nothing to judge
            self._environment.process_exit_code = EXIT_STATUS[INVALID]
            return
        self._greenlet.kill()
        if self._options.headless:
            elapsed = (time.monotonic_ns() - self._began_ns) / 1e9
            self._run.note_fault(f"the run was stopped after {elapsed:.1f} s, before its end: give it the time")
            self._finish(_LAST_ANSWER_S)
            gevent.spawn(self._environment.runner.quit)  # where the last worker went missing, Locust would stay

    def clear_up(self) -> None:
        """The users have gone: give back what the scenario took. Harmless when there is nothing."""
        self._scenario.clear_up()

    def _new_run(self) -> Run:
        return Run(
            self._environment, self._settings, self._scenario, self._workers, self._window_numbers, self._new_row
        )

    def _lead(self) -> None:
        """Headless, one course; with Locust's page, one after another until it is stopped or cannot go on.

        A scenario may want no more than one in either case.
        """
        while not self._done:
            over = bool(self._options.headless) or self._scenario.once
            try:
                self._assemble()
                self._warm_up()
                self._scenario.course(self._run)
            except FanfareError as error:
                self._run.note_fault(str(error))
                over = True
            self._done = over
            self._finish(ANSWER_S)
            self._run = self._new_run()
        if self._options.headless:
            if self._channel.is_apart:
                self._environment.runner.stop()  # it waits for the workers' last reports; `quit` alone gives them 0.5 s
            self._environment.runner.quit()
        elif self._scenario.once:
            self._environment.runner.stop()

    def _break_off(self) -> None:
        """A fault of our own ended the lead, and gevent has printed it: no verdict, but an end, and never a pass."""
        self._done = True
        self._environment.process_exit_code = EXIT_STATUS[INVALID]
        if self._options.headless:
            self._environment.runner.quit()

    def _assemble(self) -> None:
        """Wait until every user is in or was refused."""
        self._run.step = "coming in"
        workers = self._workers
        workers.wait(lambda: self._spawned)
        longest_ns = round(self._run.longest_entry_s * 1e9)
        while (settled := self._settled()) < self._environment.runner.target_user_count:
            if not workers.wait(partial(self._has_moved, settled), time.monotonic_ns() + longest_ns):
                break
        self._run.asked_users = self._environment.runner.target_user_count
        self._run.figures.users = workers.status_sum("joined")
        self._run.step = ""

    def _warm_up(self) -> None:
        """A window that does not count. Raises Over."""
        run = self._run
        if self._settings.warm_up and not self._scenario.warms_up:
            run.step = "warming up"
            with run.apart():
                run.window(self._settings.warm_up)
            run.step = ""

    def _settled(self) -> int:
        """Users who are in, or will not come: in the end, all."""
        return self._workers.status_sum("joined") + self._workers.status_sum("refused")

    def _has_moved(self, settled: int) -> bool:
        return self._settled() != settled

    def _finish(self, patience_s: float) -> None:
        """Close the accounts, judge, and say so, whatever state the run is in."""
        run, figures = self._run, self._run.figures
        try:
            run.collect(patience_s)
        except FanfareError as error:
            run.note_fault(str(error))
        figures.asked_users = figures.asked_users or run.asked_users
        figures.workers = len(self._workers.all)
        figures.users = figures.users or self._workers.status_sum("joined")
        if figures.users < figures.asked_users and self._spawned:
            fault = f"only {figures.users:,} of {figures.asked_users:,} users were in"
            why = run.refusal
            figures.faults.insert(0, fault + (why and f": {why}") + ((hint := advice(why)) and f"; {hint}"))
        self._publish()

    def _publish(self) -> None:
        figures = self._run.figures
        measured = measures(figures, self._scenario.measures())
        verdict = self._scenario.verdict(figures) or judge(
            figures, self._settings, self._scenario.missed(), measured, self._scenario.requirement
        )
        result = Result(
            SCHEMA,
            self._run_id,
            self._started_at,
            verdict.word,
            verdict.reasons,
            [t.text for t in Requirements.over(self._scenario.requirement, self._settings.require).terms],
            {**asdict(self._settings), **dict.fromkeys(SECRETS, "")},
            command(),
            environment(),
            figures,
            self._scenario.part(),
        )
        self._monitor.last = verdict
        self._environment.process_exit_code = verdict.exit_status
        if self._settings.report:
            try:
                write(result, Path(self._settings.report))
            except OSError as error:
                _log.error("No report: %s", error)
        self.last_table = table(summary_of(result))
        if not self._options.headless:  # headless, it comes last, below Locust's own tables
            show(self.last_table)
