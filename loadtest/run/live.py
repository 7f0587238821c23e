"""How a run goes while it runs: what all processes said so far, added up. Pure: no Locust, no clock, no output.

`Live.take` is called with each status, so it costs little; `look` when somebody looks, once a second or less.
"""

import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loadtest.core.histogram import Histogram, middle_of
from loadtest.core.requirements import DEFAULT
from loadtest.core.result import Figures, Verdict
from loadtest.core.statement import added
from loadtest.core.verdict import Measures, judge, measures
from loadtest.run.messages import Delta, Status
from loadtest.run.run import Run
from loadtest.run.scenario import Scenario
from loadtest.run.settings import Settings
from loadtest.run.workers import Workers

RECENT_S = 5  # whole seconds that "recent" means: long enough for a p99, short enough to see a change
_PARTS = ("within", "across")  # of the fan-out, where there are several nodes
_FANOUTS = ("fanout", *_PARTS)
_HEALTH = ("send_lateness", "loop_lag", "receive_backlog")
_COUNTS = ("duplicated", "reordered", "stray", "corrupt", "late")


@dataclass(slots=True)
class Second:
    """What was told within one second."""

    at: int
    fanouts: dict[str, Histogram] = field(default_factory=lambda: {name: Histogram() for name in _FANOUTS})
    sent: int = 0


class Live:
    """The window under way, or the last one."""

    def __init__(self) -> None:
        self._begin(0)

    def _begin(self, window: int) -> None:
        self.window = window
        self.grown = {name: Histogram() for name in (*_FANOUTS, *_HEALTH)}
        self._states: dict[str, Delta] = {}  # of each process, its latest
        self._seconds: deque[Second] = deque(maxlen=RECENT_S + 1)

    def take(self, name: str, status: Status, now_s: float) -> None:
        """What the process of this name says; of an older window than another one's, nothing."""
        delta = status.delta
        if not delta or status.window < self.window:
            return
        if status.window > self.window:
            self._begin(status.window)
        second = self._second(int(now_s))
        for kind, packed in delta.grown.items():
            if packed:
                self.grown[kind].add_packed(packed)
        for kind, recent in second.fanouts.items():
            if new := delta.grown.get(kind):
                recent.add_packed(_alone(new))
        before = self._states.get(name)
        second.sent += delta.sent - (before.sent if before else 0)
        self._states[name] = delta

    @property
    def sent(self) -> int:
        return self.count("sent")

    @property
    def overdue(self) -> int | None:
        """None where a process cannot tell."""
        counts = [state.overdue for state in self._states.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def recent(self, start_s: float, now_s: float) -> tuple[dict[str, Histogram], int, int]:
        """Fan-out, whole and by parts, and messages of the last whole seconds since `start_s`, when the window began;
        how many seconds those are.
        """
        until = int(now_s)
        since = max(until - RECENT_S, int(start_s) + 1)
        seconds = [second for second in self._seconds if since <= second.at < until]
        fanouts = {name: Histogram() for name in _FANOUTS}
        for name, histogram in fanouts.items():
            for second in seconds:
                histogram.merge(second.fanouts[name])
        return fanouts, sum(second.sent for second in seconds), max(0, until - since)

    def added_to(self, figures: Figures, complete: Histogram) -> Figures:
        """A run's figures as they were before this window, and what there is of this window beside."""
        delivered, overdue = self.grown["fanout"].count, self.overdue or 0
        dropped = Counter(figures.dropped)
        for state in self._states.values():
            dropped.update(state.dropped)
        return replace(
            figures,
            sent=figures.sent + self.sent,
            expected=figures.expected + delivered + overdue,
            delivered=figures.delivered + delivered,
            # What is lost is known by parts when the window is collected.
            within_due=figures.within_due + self.grown["within"].count,
            across_due=figures.across_due + self.grown["across"].count,
            **{name: added(getattr(figures, name), self.grown[name]) for name in (*_FANOUTS, *_HEALTH)},
            complete=added(figures.complete, complete),
            cpu_percent=max([figures.cpu_percent, *(state.cpu_percent for state in self._states.values())]),
            dropped=dict(dropped),
            **{name: getattr(figures, name) + self.count(name) for name in _COUNTS},
        )

    def count(self, name: str) -> int:
        """Sent, or one of `_COUNTS`, in this window."""
        return sum(getattr(state, name) for state in self._states.values())

    def cpu_percent(self) -> float:
        """Of the busiest process."""
        return max((state.cpu_percent for state in self._states.values()), default=0.0)

    def _second(self, at: int) -> Second:
        if not self._seconds or self._seconds[-1].at < at:
            self._seconds.append(Second(at))
        return self._seconds[-1]


@dataclass(frozen=True, slots=True)
class Situation:
    """What whoever leads the run knows beside: what it does, since when the window is open, and for how long."""

    scenario: str
    doing: str
    users: int
    refused: int
    asked_users: int
    processes: int
    start_s: float  # when the window began, or will; 0 without one
    open_s: float
    last: Verdict | None = None  # of the last window, or course of windows, that is over
    nodes: int = 1


def look(
    live: Live, complete: Histogram, situation: Situation, verdict: Verdict | None, now_s: float
) -> dict[str, Any]:
    """Plain values, named as in `summary.json`. `verdict` is the one so far, None where there is nothing to judge."""
    fanouts, sent, seconds = live.recent(situation.start_s or now_s, now_s)
    fanout, whole = fanouts["fanout"], live.grown["fanout"]
    shown = _FANOUTS if situation.nodes > 1 else ("fanout",)
    return {
        "scenario": situation.scenario,
        "doing": situation.doing,
        "users": situation.users,
        "refused": situation.refused,
        "asked_users": situation.asked_users,
        "so_far": verdict,
        "last": situation.last,
        "recent": {
            **{f"{name}_us": fanouts[name].figures() for name in shown},
            "messages_per_s": sent / seconds if seconds else None,
            "deliveries_per_s": fanout.count / seconds if seconds else None,
        },
        "whole": {
            **{f"{name}_us": live.grown[name].figures() for name in shown},
            "complete_us": complete.figures(),
            "messages_per_s": live.sent / situation.open_s if situation.open_s else None,
            "deliveries_per_s": whole.count / situation.open_s if situation.open_s else None,
        },
        "messages": {
            "sent": live.sent,
            "delivered": whole.count,
            "lost": live.overdue,
            **{name: live.count(name) for name in _COUNTS},
        },
        "generator": {
            "processes": situation.processes,
            "cpu_percent": live.cpu_percent(),
            **{f"{name}_us": live.grown[name].figures() for name in _HEALTH},
        },
    }


def judge_so_far(figures: Figures, limits: Settings, measured: Measures, default: str = DEFAULT) -> Verdict | None:
    """As at the end, but what has no sample yet is not held against the run. None before the first message."""
    return judge(figures, limits, (), measured, default, so_far=True) if figures.expected else None


def _alone(packed: Sequence[int]) -> list[int]:
    """New samples whose shortest and longest are known by their buckets only."""
    return [packed[0], min(middle_of(packed[3]), packed[2]), min(middle_of(packed[-2]), packed[2]), *packed[3:]]


class Monitor:
    """What a leader knows of its run while it goes on."""

    def __init__(self, settings: Settings, scenario: Scenario, workers: Workers) -> None:
        self.last: Verdict | None = None  # of the last course that is over
        self.is_over = False
        self._settings = settings
        self._scenario = scenario
        self._workers = workers
        self._live = Live()

    def hear(self, name: str, status: Status) -> None:
        self._live.take(name, status, time.monotonic())

    def look(self, run: Run, asked_users: int) -> dict[str, Any]:
        """Plain values, as `live.look` gives them."""
        now_ns = time.monotonic_ns()
        complete = run.complete_so_far
        figures = run.figures
        if run.is_open:  # a window's figures are the run's when it is collected
            figures = self._live.added_to(figures, complete)
        situation = Situation(
            self._settings.scenario,
            "stopped" if self.is_over else run.doing(now_ns),
            self._workers.status_sum("joined"),
            self._workers.status_sum("refused"),
            asked_users,
            len(self._workers.all),
            run.start_s,
            run.open_s(now_ns),
            self.last,
            figures.nodes,
        )
        return look(self._live, complete, situation, None if run.is_apart else self._judge(figures), now_ns / 1e9)

    def _judge(self, figures: Figures) -> Verdict | None:
        """So far. A scenario that judges itself does so at the end."""
        if self._scenario.verdict(figures) is not None:
            return None
        return judge_so_far(
            figures, self._settings, measures(figures, self._scenario.measures()), self._scenario.requirement
        )
