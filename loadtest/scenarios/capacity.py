"""Search for the highest number of users, or the highest rate, at which the server keeps the requirement.

Each step is a window of its own, judged as a run is: the requirement and the other thresholds say whether it held, the
generator's budgets whether it counts at all. See search.py for which step follows which.
"""

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chat.errors import SetupError
from loadtest.accounting.reasons import advice
from loadtest.capacity import findings
from loadtest.capacity.search import GENERATOR, HELD, MISSED, Bounds, Search, Step
from loadtest.capacity.steps import Played, at, side, together
from loadtest.judge.measures import measures
from loadtest.judge.requirements import Requirements
from loadtest.judge.verdict import FAIL, INVALID, PASS, Figures, Verdict, judge
from loadtest.scenarios.scenario import OneRoom

if TYPE_CHECKING:
    from loadtest.lead.stage import Stage
    from loadtest.settings.options import Settings

SEARCHES = {"users": "the number of users in the room", "rate": "the messages a second of all announcers together"}
FIRST_USERS = 10
_WARM_UP_S = 2.0
FIRST_RATE = 10
MOST_RATE = 10_000  # messages a second: what one announcer's timetable is kept to, with little to spare
_REQUIRED = "p90<50ms,lost=0"  # what people take for at once; a step of 10 s at 10 a second tells no p99
_RESULT = {PASS: HELD, FAIL: MISSED, INVALID: GENERATOR}
_log = logging.getLogger("locust.fanfare")


def check_search(text: str) -> str:
    if text not in SEARCHES:
        raise ValueError(f"there is no search for {text!r}, choose from {', '.join(SEARCHES)}")
    return text


class Capacity(OneRoom):
    name = "capacity"
    summary = "a search for the most users, or the highest rate, that keep --require"
    default_rate = 10.0
    once = True
    warms_up = True

    def __init__(self, settings: "Settings", users: int) -> None:
        super().__init__(replace(settings, require=settings.require or _REQUIRED), users)
        self._by_users = settings.search == "users"
        self._steps: list[Played] = []
        self._search = Search(self.bounds)
        self._target = ""

    @property
    def bounds(self) -> Bounds:
        settings, kind = self.settings, int if self._by_users else float
        most = settings.most or (self.users if self._by_users else MOST_RATE)
        first = max(FIRST_USERS, settings.announcers) if self._by_users else FIRST_RATE
        return Bounds(
            kind(settings.start or min(first, most)),
            kind(most),
            settings.precision,
            settings.repeats,
            settings.max_steps,
            whole=self._by_users,
        )

    @property
    def _warm_up_s(self) -> float:
        return _WARM_UP_S if self.settings.warm_up is None else self.settings.warm_up

    @property
    def first_users(self) -> int:
        return int(self.bounds.start) if self._by_users else self.users

    def check(self) -> None:
        Requirements.parse(self.settings.require)
        bounds, asked = self.bounds, {"--start": self.settings.start, "--most": self.settings.most}
        for option, load in asked.items():
            if self._by_users and load and load != int(load):
                raise SetupError(f"{option} {load:g} is no number of users")
        if bounds.start > bounds.most:
            limit = "--most" if self.settings.most or not self._by_users else "--users"
            raise SetupError(f"--start {bounds.start:,g} is more than {limit} {bounds.most:,g}")
        if self.first_users < 2:
            raise SetupError(f"capacity needs 2 users or more from the start, got {self.first_users}")
        self.check_announcers(self.first_users, "users to start with" if self._by_users else "users")

    def course(self, stage: "Stage") -> None:
        self._steps.clear()
        self._search = Search(self.bounds)
        self._target = stage.figures.target
        while step := self._search.next_step():
            played = self._play(stage, step)
            self._steps.append(played)
            self._search.note(step, played.result)
            _log.info("Step %d: %s", len(self._steps), findings.of_step(played))
        figures = together(self._deciding(), self._target)
        figures.faults = stage.figures.faults
        stage.figures = figures

    def part(self) -> dict[str, Any]:
        search = self._search
        return {
            "capacity": {
                "search": self.settings.search,
                "requirement": self.settings.require,
                "result": findings.result(search),
                "limited_by": search.limited_by if search.next_step() is None else None,
                "knee": side(search.knee, self._steps, self._target),
                "beyond": side(search.beyond, self._steps, self._target),
                "steps": [step.plain() for step in self._steps],
            }
        }

    def verdict(self, figures: Figures) -> Verdict:
        if figures.faults or not self._steps:
            return Verdict(INVALID, figures.faults)
        return findings.verdict(self._search, self._steps, self.settings.require, self._by_users)

    def _deciding(self) -> list[Played]:
        """The steps whose figures are the run's: the knee's; where there is none, those of the lowest load."""
        load = self._search.knee or self._search.beyond or self._search.generator_at
        return at(load, self._steps)

    def _play(self, stage: "Stage", step: Step) -> Played:
        users = int(step.load) if self._by_users else self.users
        if not self._by_users:
            self.rate = step.load / self.settings.announcers
        stage.step = f"searching, {step.load:,g} {'users' if self._by_users else 'msg/s'}"
        present = stage.resize(users)
        if present == users and self._warm_up_s:
            with stage.apart():
                stage.play(stage.window(self._warm_up_s))
        with stage.apart() as figures:
            if present == users:
                window = stage.window(self.settings.step)
                stage.play(window)
                present = window.users
            figures.asked_users, figures.users, figures.workers = users, present, len(stage.processes.all)
        result, reasons = self._judge(figures) if present == users else self._missing(figures, stage.refusal)
        return Played(step.load, step.phase, self.rate * self.settings.announcers, result, figures, reasons)

    def _judge(self, figures: Figures) -> tuple[str, list[str]]:
        """As a run is judged."""
        verdict = judge(figures, self.settings, measures=measures(figures, self))
        return _RESULT[verdict.word], verdict.reasons

    @property
    def messages_planned(self) -> int | None:
        return int(self.settings.step * self.rate * self.settings.announcers) if self._by_users else None

    def _missing(self, figures: Figures, refusal: str) -> tuple[str, list[str]]:
        """A server that takes no more users has its limit there; unless it was this machine that had no more."""
        reason = f"only {figures.users:,} of {figures.asked_users:,} users were in" + (refusal and f": {refusal}")
        hint = advice(refusal)
        return GENERATOR if hint else MISSED, [reason + (hint and f"; {hint}")]
