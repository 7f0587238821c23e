"""The steps of a capacity search: what each one gave, and several at the same load together. Plays none."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from loadtest.histogram import Histogram
from loadtest.search import HELD, REPEAT
from loadtest.verdict import Figures

_HIGHEST = ("asked_users", "users", "rooms", "workers", "cpu_percent", "clock_error_us")  # the others are added up
_APART = ("scenario", "target", "faults", "disconnects", "over_time")


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
        "send_lateness_us": figures.send_lateness.figures(),
        "loop_lag_us": figures.loop_lag.figures(),
    }


def together(steps: Iterable[Played], target: str) -> Figures:
    """The figures of several windows as those of one long one. Faults are not taken over."""
    total = Figures("capacity", target)
    for step in steps:
        begin_s = total.duration_s  # one window after the other
        total.over_time += [(begin_s + at_s, histogram) for at_s, histogram in step.figures.over_time]
        for each in fields(Figures):
            if each.name not in _APART:
                mine, other = getattr(total, each.name), getattr(step.figures, each.name)
                setattr(total, each.name, max(mine, other) if each.name in _HIGHEST else _sum(mine, other))
    return total


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
        shared = min(len(one), len(other))
        return [*map(_sum, one[:shared], other[:shared]), *one[shared:], *other[shared:]]
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
