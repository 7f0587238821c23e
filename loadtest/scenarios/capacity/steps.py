"""The steps of a capacity search: what each one gave, and several at the same load together. Plays none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor
from typing import Any

from loadtest.core.intervals import of_limit
from loadtest.core.result import FAIL, INVALID, PASS, Figures, Verdict, merged, told
from loadtest.core.search import GENERATOR, HELD, REPEAT, Search
from loadtest.report.blocks import ms


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
        "first_us": figures.latency("first"),
        "median_us": figures.latency("median"),
        "send_lateness_us": told(figures.send_lateness),
        "loop_lag_us": told(figures.loop_lag),
        "receive_backlog_us": told(figures.receive_backlog),
    }


def together(steps: Iterable[Played], target: str) -> Figures:
    """The figures of several windows as those of one long one. Faults are not taken over."""
    return merged([step.figures for step in steps], Figures("capacity", target))


def _plain(figures: Figures, rate: float) -> dict[str, Any]:
    return {
        "users": figures.users,
        "rate": rate,
        "sent": figures.sent,
        "delivered": figures.delivered,
        "lost": figures.lost,
        "fanout_us": figures.latency("fanout"),
        "complete_us": figures.latency("complete"),
        "cpu_percent": round(figures.cpu_percent, 1),
    }


def interval(steps: Iterable[Played], whole: bool) -> dict[str, float | None]:
    """Where the knee is, with 95 %: None on a side that no step bounds. `whole` loads are rounded outwards."""
    low, high = of_limit((step.load, step.result == HELD) for step in steps if step.result != GENERATOR)
    if whole:
        low, high = low and floor(low), high and ceil(high)
    return {"low": low, "high": high}


def outcome(search: Search) -> str:
    """`exact` with both sides of the knee; `at_least` where nothing but the search's own end limits it; or `none`."""
    if search.knee is None:
        return "none"
    return "exact" if search.limited_by == "server" else "at_least"


def of_step(step: Played) -> str:
    figures = step.figures
    words = f"{step.phase}, {figures.asked_users:,} users at {step.rate:,g} messages/s: {step.result}"
    p90 = figures.given("fanout", 90)
    return words + (f", p90 {ms(p90)} ms" if p90 else "") + (f" ({'; '.join(step.reasons)})" if step.reasons else "")


def verdict(search: Search, steps: Sequence[Played], requirement: str, by_users: bool) -> Verdict:
    """A pass says up to where, what limits it, and what there is to doubt."""
    unit = "users" if by_users else "messages/s"
    knee, beyond, limit = search.knee, search.beyond, search.limited_by
    if limit == "generator":
        reasons = steps[-1].reasons
        at_load = f"the generator is the limit at {search.generator_at:,g} {unit}: "
        if knee is None:
            return Verdict(INVALID, [at_load + "nothing is known of the server", *reasons])
        return Verdict(PASS, [f"{at_load}the server keeps {requirement} up to at least {knee:,g}", *reasons])
    if knee is None:
        return Verdict(
            FAIL, [f"the server misses {requirement} at {beyond:,g} {unit}, the lowest load", *_why(beyond, steps)]
        )
    keeps = f"the server keeps {requirement} up to {'' if limit == 'server' else 'at least '}{knee:,g} {unit}"
    sure, why = _between(interval(steps, by_users)), "; ".join(_why(beyond, steps)[:1])
    ends = {
        "server": f"{sure}, and misses it at {beyond or 0:,g}: {why}",
        "range": ", the highest load that was tried",
        "steps": f"; --max-steps {search.bounds.max_steps:,} were not enough to find its limit",
    }
    return Verdict(PASS, [keeps + ends[limit], *_doubts(search, unit)])


def _between(bounds: Mapping[str, float | None]) -> str:
    low, high = (bounds[name] for name in ("low", "high"))
    if low is None or high is None:
        return ""
    return f" (95 %: {low:,.5g} to {high:,.5g})"


def _why(load: float | None, steps: Sequence[Played]) -> list[str]:
    """Of the first step at this load that missed."""
    return next((step.reasons for step in at(load, steps) if step.result != HELD), [])


def _doubts(search: Search, unit: str) -> list[str]:
    lines = []
    for load, first, held, repeats in search.doubts:
        overruled = (2 * held > repeats) != (first == HELD)
        went = "" if not overruled else ", so the search stepped down" if first == HELD else ", so it went on above"
        lines.append(f"at {load:,g} {unit} the first step {first}, and {held} of {repeats} repeats held{went}")
    return lines
