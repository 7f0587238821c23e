"""Search for the highest number of users, or the highest rate, at which the server keeps the requirement.

Each step is a window of its own, judged as a run is: the requirement and the other thresholds say whether it held, the
generator's budgets whether it counts at all. See search.py for which step follows which.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chat.errors import SetupError
from loadtest.core.reasons import advice, printable
from loadtest.core.requirements import PERCENTS, Requirements
from loadtest.core.result import FAIL, INVALID, PASS, Figures, Verdict
from loadtest.core.search import GENERATOR, HELD, MISSED, Bounds, Search, Step
from loadtest.core.verdict import judge, measures
from loadtest.report.blocks import NONE, Block, Section, ms, register_section
from loadtest.report.plots import Line, Look, Mark, Plot, in_ms, linear, ms_axis, say_ms
from loadtest.run.run import Run
from loadtest.run.scenario import OneRoom
from loadtest.run.settings import Settings, number, one_of, option
from loadtest.scenarios.capacity import steps
from loadtest.scenarios.capacity.steps import Played, at, side, together

SEARCHES = {"users": "the number of users in the room", "rate": "the messages a second of all announcers together"}
FIRST_USERS = 10
_WARM_UP_S = 2.0
FIRST_RATE = 10
MOST_RATE = 10_000  # messages a second: what one announcer's schedule is kept to, with little to spare
_REQUIRED = "p90<50ms,lost=0"  # what people take for at once; a step of 10 s at 10 a second tells no p99
_RESULT = {PASS: HELD, FAIL: MISSED, INVALID: GENERATOR}
_log = logging.getLogger("locust.fanfare")


@dataclass(frozen=True)
class CapacitySettings(Settings):
    """What is searched for, and how."""

    search: str = option(
        "users",
        one_of("search for", SEARCHES),
        "what is raised: " + "; ".join(f"{name}: {words}" for name, words in SEARCHES.items()),
        on_page=True,
    )
    start: float | None = option(
        None,
        number(float, 0.001),
        f"the load to begin with: one that the server bears. Default: {FIRST_USERS} users, or "
        f"{FIRST_RATE} messages a second",
        on_page=True,
    )
    most: float | None = option(
        None,
        number(float, 0.001),
        f"the highest load to try. Default: --users, or {MOST_RATE:,} messages a second",
        on_page=True,
    )
    # 100 messages at 10 a second: the p90 takes 30, the p99 300.
    step: float = option(10.0, number(float, 0.5), "seconds of the measured window of each step", on_page=True)
    # Closer than two runs on the same machine are to one another.
    precision: float = option(
        5.0,
        number(float, 0.1, 50),
        "percent by which the two sides of the knee may be apart at the end",
        on_page=True,
    )
    # The fewest of which one that went wrong by chance is outvoted.
    repeats: int = option(
        3,
        number(int, 1, 99),
        "how often each side of the knee is played again; the majority decides",
        on_page=True,
    )
    # From 10 to 1,000 users within 5 % takes 19 when no step contradicts another.
    max_steps: int = option(40, number(int, 1, 1000), "end the search after so many steps, as it stands", on_page=True)


class Capacity(OneRoom):
    settings: CapacitySettings
    settings_type = CapacitySettings
    name = "capacity"
    summary = "a search for the most users, or the highest rate, that keep --require"
    default_rate = 10.0
    once = True
    warms_up = True

    def __init__(self, settings: CapacitySettings, users: int) -> None:
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
        for name, load in asked.items():
            if self._by_users and load and load != int(load):
                raise SetupError(f"{name} {load:g} is no number of users")
        if bounds.start > bounds.most:
            limit = "--most" if self.settings.most or not self._by_users else "--users"
            raise SetupError(f"--start {bounds.start:,g} is more than {limit} {bounds.most:,g}")
        if self.first_users < 2:
            raise SetupError(f"capacity needs 2 users or more from the start, got {self.first_users}")
        self.check_announcers(self.first_users, "users to start with" if self._by_users else "users")

    def course(self, run: Run) -> None:
        self._steps.clear()
        self._search = Search(self.bounds)
        self._target = run.figures.target
        while step := self._search.next_step():
            played = self._play(run, step)
            self._steps.append(played)
            self._search.note(step, played.result)
            _log.info("Step %d: %s", len(self._steps), steps.of_step(played))
        figures = together(self._deciding(), self._target)
        figures.faults = run.figures.faults
        run.figures = figures

    def part(self) -> dict[str, Any]:
        search = self._search
        return {
            "capacity": {
                "search": self.settings.search,
                "requirement": self.settings.require,
                "result": steps.outcome(search),
                "limited_by": search.limited_by if search.next_step() is None else None,
                "knee": side(search.knee, self._steps, self._target),
                "beyond": side(search.beyond, self._steps, self._target),
                "knee_interval": steps.interval(self._steps, self._by_users),
                "steps": [step.plain() for step in self._steps],
            }
        }

    def verdict(self, figures: Figures) -> Verdict:
        if figures.faults or not self._steps:
            return Verdict(INVALID, figures.faults)
        return steps.verdict(self._search, self._steps, self.settings.require, self._by_users)

    def _deciding(self) -> list[Played]:
        """The steps whose figures are the run's: the knee's; where there is none, those of the lowest load."""
        load = self._search.knee or self._search.beyond or self._search.generator_at
        return at(load, self._steps)

    def _play(self, run: Run, step: Step) -> Played:
        users = int(step.load) if self._by_users else self.users
        if not self._by_users:
            self.rate = step.load / self.settings.announcers
        run.step = f"searching, {step.load:,g} {'users' if self._by_users else 'msg/s'}"
        present = run.resize(users)
        if present == users and self._warm_up_s:
            with run.apart():
                run.window(self._warm_up_s)
        with run.apart() as figures:
            if present == users:
                window = run.open_window(self.settings.step)
                run.play(window)
                present = window.users
            figures.asked_users, figures.users, figures.workers = users, present, len(run.workers.all)
        result, reasons = self._judge(figures) if present == users else self._missing(figures, run.refusal)
        return Played(step.load, step.phase, self.rate * self.settings.announcers, result, figures, reasons)

    def _judge(self, figures: Figures) -> tuple[str, list[str]]:
        """As a run is judged."""
        verdict = judge(figures, self.settings, measured=measures(figures, self.measures()))
        return _RESULT[verdict.word], verdict.reasons

    @property
    def messages_planned(self) -> int | None:
        return int(self.settings.step * self.rate * self.settings.announcers) if self._by_users else None

    def _missing(self, figures: Figures, refusal: str) -> tuple[str, list[str]]:
        """A server that takes no more users has its limit there; unless it was this machine that had no more."""
        reason = f"only {figures.users:,} of {figures.asked_users:,} users were in" + (refusal and f": {refusal}")
        hint = advice(refusal)
        return GENERATOR if hint else MISSED, [reason + (hint and f"; {hint}")]


_NOTE = (
    "Each row is a step: a window at one load, in the order of playing. Up: the load doubles; bisect: the gap between "
    "the highest that held and the lowest that missed is halved; repeat: both sides of the knee again, and the "
    "majority decides. The percentile is the one that is required of the fan-out, or the next lower one where no step "
    "has the messages for it; complete is the same of the time to the last receiver; CPU is the busiest generator "
    "process's share of a core. A step where the generator was the limit counts neither way."
)
_LOWER = ("p90", "p50", "max")  # the longest is told whatever there is
_LIMIT = re.compile(", the |, so ")  # what follows in a reason is the same in every row, and in the verdict


@register_section("capacity")
def section(capacity: Mapping[str, Any]) -> Section:
    name = _percentile(capacity)
    head = ("capacity", "users", "rate/s", "lost", f"{name}, ms", "complete, ms", "CPU, %", "result")
    rows = tuple(_row(step, name, _mark(step, capacity)) for step in capacity["steps"])
    return Section("Capacity", (Block(head, rows, has_words=True, note=_NOTE),), by_load(capacity))


def _percentile(capacity: Mapping[str, Any]) -> str:
    """The one that is required of the fan-out; the next lower one where no step has the messages for it."""
    terms = Requirements.parse(capacity["requirement"]).terms
    required = [term.name for term in terms if term.name in PERCENTS]
    figures = [step["fanout_us"] for step in capacity["steps"] if step["fanout_us"]["count"]]
    told = {name for each in figures for name, us in each.items() if us is not None}
    return next((name for name in (*required, *_LOWER) if name in told), "p90")


def _row(step: Mapping[str, Any], percentile: str, mark: str) -> tuple[str, ...]:
    why = _LIMIT.split(step["reasons"][0])[0].removeprefix("the generator ") if step["reasons"] else ""
    return (
        step["phase"],
        f"{step['users']:,}",
        f"{step['rate']:,g}",
        f"{step['lost']:,}",
        *(ms(step[key][percentile]) if step[key]["count"] else NONE for key in ("fanout_us", "complete_us")),
        f"{step['cpu_percent']:.0f}",
        step["result"] + mark + (why and f": {printable(why)}"),
    )


def _mark(step: Mapping[str, Any], capacity: Mapping[str, Any]) -> str:
    for name in _SIDES:
        if capacity[name] and step["load"] == capacity[name]["load"]:
            return f" ← {name}"
    return ""


_LOOKS: Mapping[str, tuple[Look, str]] = {
    HELD: ("dots", "--one"),
    MISSED: ("squares", "--two"),
    GENERATOR: ("rings", "--soft"),
}
_NAMES = {HELD: "held", MISSED: "missed", GENERATOR: "the generator was the limit"}
_SIDES = ("knee", "beyond")
_LOADS = {"users": "users in the room", "rate": "messages a second, of all announcers"}


def by_load(capacity: Mapping[str, Any]) -> Plot | None:
    """A step of too few messages has no point: the p90 takes 30 and the p99 300, 10 s at 10 a second are 100."""
    name = _percentile(capacity)
    steps = [step for step in capacity["steps"] if step["fanout_us"]["count"] and step["fanout_us"][name] is not None]
    if not steps:
        return None
    points = [_points(result, name, steps) for result in _LOOKS]
    limits = [term.limit / 1000 for term in Requirements.parse(capacity["requirement"]).terms if term.name == name]
    heights = [in_ms(step["fanout_us"][name]) for step in steps]
    question = (
        "Where does it break? Each point is a step. The dotted lines are the two sides of the knee, the dashed one is "
        "the requirement's limit, if it has one for this percentile. A step that missed below it missed something else."
    )
    marks = [Mark(capacity[name]["load"], f"{name} {capacity[name]['load']:,g}") for name in _SIDES if capacity[name]]
    return Plot(
        "capacity",
        f"{name} by load",
        question,
        [each for each in points if each.x],
        linear(_LOADS[capacity["search"]], [step["load"] for step in steps]),
        ms_axis(f"fan-out {name}", [*heights, *limits]),
        [*marks, *(Mark(limit) for limit in limits)],
        height=280,
        wide=True,
    )


def _points(result: str, name: str, steps: list[Mapping[str, Any]]) -> Line:
    look, colour = _LOOKS[result]
    here = [step for step in steps if step["result"] == result]
    heights = [step["fanout_us"][name] / 1000 for step in here]
    said = [f"{step['load']:,g}: {say_ms(0, top)} ({step['phase']})" for step, top in zip(here, heights, strict=True)]
    return Line(_NAMES[result], colour, [step["load"] for step in here], heights, said, look)
