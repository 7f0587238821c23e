"""The steps of a capacity search: what each one gave, and several at the same load together. Plays none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from loadtest.accounting.histogram import Histogram
from loadtest.capacity.search import HELD, REPEAT
from loadtest.judge.verdict import Figures
from loadtest.watch.machine import worst

# All others are added up.
_HIGHEST = ("asked_users", "users", "rooms", "workers", "cpu_percent", "stood_still_us", "clock_error_us")
_TIMELINE = ("began_ns", "over_time", "costs", "marks")
_APART = ("scenario", "target", "faults", "disconnects", "machine", *_TIMELINE)


@dataclass(slots=True)
class Played:
    """One step: its window's figures, and what was made of them."""

    load: float
    phase: str
    rate: float  # messages a second of all senders
    result: str
    figures: Figures
    reasons: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        return {
            "load": self.load,
            "phase": self.phase,
            "result": self.result,
            "reasons": self.reasons,
            **_plain(self.figures, self.rate),
        }


def at(load: float | None, steps: Iterable[Played]) -> list[Played]:
    """The steps at this load that decide about it: its repeats, where there are any."""
    there = [step for step in steps if step.load == load]
    return [step for step in there if step.phase == REPEAT] or there


def side(load: float | None, steps: Iterable[Played], target: str) -> dict[str, Any] | None:
    """One side of the knee, with all figures of the steps that decide about it, taken together."""
    deciding = at(load, steps)
    if not deciding:
        return None
    figures = together(deciding, target)
    return {
        "load": load,
        "steps": len(deciding),
        "held": sum(step.result == HELD for step in deciding),
        "reasons": list(dict.fromkeys(reason for step in deciding for reason in step.reasons)),
        **_plain(figures, deciding[0].rate),
        "expected_deliveries": figures.expected,
        "duplicated": figures.duplicated,
        "reordered": figures.reordered,
        "late": figures.late,
        "duration_s": round(figures.duration_s, 3),
        "first_us": figures.first.figures(),
        "median_us": figures.median.figures(),
        "send_lateness_us": figures.send_lateness.figures(),
        "loop_lag_us": figures.loop_lag.figures(),
        "receive_backlog_us": figures.receive_backlog.figures(),
    }


def together(steps: Iterable[Played], target: str) -> Figures:
    """The figures of several windows as those of one long one. Faults are not taken over."""
    return merged([step.figures for step in steps], Figures("capacity", target))


def merged(several: Sequence[Figures], total: Figures | None = None) -> Figures:
    """All of them as one, added to `total` if given. Faults are not taken over."""
    total = total or Figures(several[0].scenario, several[0].target)
    for figures in several:
        _add_timeline(total, figures)
        total.machine = worst(total.machine, figures.machine)
        for each in fields(Figures):
            if each.name not in _APART:
                mine, other = getattr(total, each.name), getattr(figures, each.name)
                setattr(total, each.name, max(mine, other) if each.name in _HIGHEST else _sum(mine, other))
    return total


def _add_timeline(total: Figures, more: Figures) -> None:
    """Each window stays at its own time, from the first one's beginning."""
    total.began_ns = total.began_ns or more.began_ns
    later_s = (more.began_ns - total.began_ns) / 1e9
    total.over_time += [(round(later_s + at_s, 3), each) for at_s, each in more.over_time]
    total.costs += more.costs
    total.marks += [(round(later_s + at_s, 3), words) for at_s, words in more.marks]


def _sum(one: Any, other: Any) -> Any:
    """Of two counts, histograms, or lists or dictionaries of such."""
    if isinstance(one, Histogram):
        total = Histogram()
        total.merge(one)
        total.merge(other)
        return total
    if isinstance(one, dict):
        shared_keys = {key: _sum(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **shared_keys}
    if isinstance(one, list):
        return [_sum(*pair) for pair in zip(one, other, strict=True)]
    return one + other


def _plain(figures: Figures, rate: float) -> dict[str, Any]:
    return {
        "users": figures.users,
        "rate": rate,
        "sent": figures.sent,
        "delivered": figures.delivered,
        "lost": figures.lost,
        "fanout_us": figures.fanout.figures(),
        "complete_us": figures.complete.figures(),
        "cpu_percent": round(figures.cpu_percent, 1),
    }
