"""How a run goes while it runs: what all processes said so far, added up. Pure: no Locust, no clock, no output.

`Live.take` is called with each status, so it costs little; `look` when somebody looks, once a second or less.
"""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from loadtest.accounting.histogram import Histogram, middle_of
from loadtest.judge.measures import Measures
from loadtest.judge.requirements import DEFAULT
from loadtest.judge.verdict import Figures, Verdict, judge
from loadtest.settings.options import Settings

RECENT_S = 5  # whole seconds that "recent" means: long enough for a p99, short enough to see a change
_NAMES = ("fanout", "send_lateness", "loop_lag", "receive_backlog")


@dataclass(slots=True)
class Second:
    """What was told within one second."""

    at: int
    fanout: Histogram = field(default_factory=Histogram)
    sent: int = 0


class Live:
    """The window under way, or the last one."""

    def __init__(self) -> None:
        self._begin(0)

    def _begin(self, window: int) -> None:
        self.window = window
        self.grown = {name: Histogram() for name in _NAMES}
        self._states: dict[str, dict[str, Any]] = {}  # of each process, its latest
        self._seconds: deque[Second] = deque(maxlen=RECENT_S + 1)

    def take(self, name: str, status: Mapping[str, Any], now_s: float) -> None:
        """What the process of this name says; of an older window than another one's, nothing."""
        fresh = status.get("fresh")
        if not fresh or status["window"] < self.window:
            return
        if status["window"] > self.window:
            self._begin(status["window"])
        second = self._second(int(now_s))
        for kind, packed in fresh["grown"].items():
            if packed:
                self.grown[kind].add_packed(packed)
        if packed := fresh["grown"]["fanout"]:
            second.fanout.add_packed(_alone(packed))
        second.sent += fresh["sent"] - self._states.get(name, {"sent": 0})["sent"]
        self._states[name] = fresh

    @property
    def sent(self) -> int:
        return self.count("sent")

    @property
    def overdue(self) -> int | None:
        """None where a process cannot tell."""
        counts = [state["overdue"] for state in self._states.values()]
        return None if None in counts else sum(counts)

    def recent(self, start_s: float, now_s: float) -> tuple[Histogram, int, int]:
        """Fan-out and messages of the last whole seconds since `start_s`, when the window began; how many those are."""
        until = int(now_s)
        since = max(until - RECENT_S, int(start_s) + 1)
        fanout, sent = Histogram(), 0
        for second in self._seconds:
            if since <= second.at < until:
                fanout.merge(second.fanout)
                sent += second.sent
        return fanout, sent, max(0, until - since)

    def added_to(self, figures: Figures, complete: Histogram) -> Figures:
        """A run's figures as they were before this window, and what there is of this window beside."""
        delivered, overdue = self.grown["fanout"].count, self.overdue or 0
        dropped = Counter(figures.dropped)
        for state in self._states.values():
            dropped.update(state["dropped"])
        return replace(
            figures,
            sent=figures.sent + self.sent,
            expected=figures.expected + delivered + overdue,
            delivered=figures.delivered + delivered,
            fanout=_sum(figures.fanout, self.grown["fanout"]),
            complete=_sum(figures.complete, complete),
            cpu_percent=max([figures.cpu_percent, *(state["cpu_percent"] for state in self._states.values())]),
            send_lateness=_sum(figures.send_lateness, self.grown["send_lateness"]),
            loop_lag=_sum(figures.loop_lag, self.grown["loop_lag"]),
            receive_backlog=_sum(figures.receive_backlog, self.grown["receive_backlog"]),
            dropped=dict(dropped),
            **{name: getattr(figures, name) + self.count(name) for name in ("duplicated", "reordered", "late")},
        )

    def count(self, name: str) -> int:
        """Sent, duplicated, reordered or late, in this window."""
        return sum(state[name] for state in self._states.values())

    def cpu_percent(self) -> float:
        """Of the busiest process."""
        return max((state["cpu_percent"] for state in self._states.values()), default=0.0)

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


def look(
    live: Live, complete: Histogram, situation: Situation, verdict: Verdict | None, now_s: float
) -> dict[str, Any]:
    """Plain values, named as in `summary.json`. `verdict` is the one so far, None where there is nothing to judge."""
    fanout, sent, seconds = live.recent(situation.start_s or now_s, now_s)
    whole = live.grown["fanout"]
    return {
        "scenario": situation.scenario,
        "doing": situation.doing,
        "users": situation.users,
        "refused": situation.refused,
        "asked_users": situation.asked_users,
        "so_far": verdict,
        "last": situation.last,
        "recent": {
            "fanout_us": fanout.figures(),
            "messages_per_s": sent / seconds if seconds else None,
            "deliveries_per_s": fanout.count / seconds if seconds else None,
        },
        "whole": {
            "fanout_us": whole.figures(),
            "complete_us": complete.figures(),
            "messages_per_s": live.sent / situation.open_s if situation.open_s else None,
            "deliveries_per_s": whole.count / situation.open_s if situation.open_s else None,
        },
        "messages": {
            "sent": live.sent,
            "delivered": whole.count,
            "lost": live.overdue,
            **{name: live.count(name) for name in ("duplicated", "reordered", "late")},
        },
        "generator": {
            "processes": situation.processes,
            "cpu_percent": live.cpu_percent(),
            **{f"{name}_us": live.grown[name].figures() for name in _NAMES[1:]},
        },
    }


def judge_so_far(figures: Figures, limits: Settings, measured: Measures, default: str = DEFAULT) -> Verdict | None:
    """As at the end, but what has no sample yet is not held against the run. None before the first message."""
    return judge(figures, limits, (), measured, default, so_far=True) if figures.expected else None


def _alone(packed: Sequence[int]) -> list[int]:
    """New samples whose shortest and longest are known by their buckets only."""
    return [packed[0], min(middle_of(packed[3]), packed[2]), min(middle_of(packed[-2]), packed[2]), *packed[3:]]


def _sum(one: Histogram, other: Histogram) -> Histogram:
    total = Histogram()
    total.merge(one)
    total.merge(other)
    return total
