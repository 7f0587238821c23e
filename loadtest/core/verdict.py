"""Judge a run by its figures: pass, fail, or invalid. Pure: no Locust, no clock, no output.

A run is *invalid* when the generator, not the server, may have shaped its figures: then nothing is said about the
server, neither good nor bad.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from loadtest.core.histogram import NEVER_US, Histogram
from loadtest.core.requirements import DEFAULT, MEASURES, PERCENTS, TIME, Requirements
from loadtest.core.result import FAIL, INVALID, PASS, Figures, Verdict

# Times --max-loop-lag-ms, whose p99 is judged. One stall in a long window does not show in that; when it is so much
# longer, it makes deliveries late, and users cut off, by itself.
_STILL = 10
# Lateness is part of every latency, as the clock counts from the intended time: beyond this it would colour a p99.
_SEND_LATENESS_MS = 20.0
_TENTH = 10  # of the tightest latency that is required: what the generator may add to it
_LESS = "use more --processes, fewer users, or a machine with less to do"


class Limits(Protocol):
    """What is needed of a run's settings."""

    @property
    def require(self) -> str: ...
    @property
    def max_send_lateness_ms(self) -> float | None: ...
    @property
    def max_loop_lag_ms(self) -> float: ...
    @property
    def max_receive_backlog_ms(self) -> float: ...
    @property
    def max_clock_error_ms(self) -> float: ...
    @property
    def max_cpu_percent(self) -> float: ...


def judge(
    figures: Figures,
    limits: Limits,
    more: Sequence[str] = (),
    measured: Mapping[str, float | None] | None = None,
    default: str = DEFAULT,
    so_far: bool = False,
) -> Verdict:
    """Invalid before all else; then a requirement missed is a fail; else it is a pass, without reasons.

    `more` is what the scenario missed of its own; `measured`, what requirements are held against; `default`, what is
    required where nothing else is asked for. `so_far`, while a window is open, what has no sample yet is let be.
    """
    requirements = Requirements.over(default, limits.require)
    measured = measures(figures) if measured is None else measured
    faults = figures.faults + _generator_faults(figures, limits, requirements)
    if not so_far and (blind := requirements.unmeasurable(measured)):
        faults.append(blind)
    if figures.heard and not so_far:
        faults += requirements.too_few(figures.heard)
    if so_far:
        requirements = Requirements(tuple(t for t in requirements.terms if measured.get(t.name) is not None))
    faults = faults or _doubtful(figures, requirements, measured)
    if faults:
        return Verdict(INVALID, faults + likely_causes(figures))
    missed = [
        f"{count:,} user{'s' * (count != 1)} lost the connection: {reason}"
        for reason, count in sorted(figures.dropped.items())
    ]
    missed += requirements.missed(measured) + list(more)
    return Verdict(FAIL, [*missed, *likely_causes(figures)]) if missed else Verdict(PASS, [])


def _generator_faults(figures: Figures, limits: Limits, requirements: Requirements) -> list[str]:
    faults = []
    late_ms = limits.max_send_lateness_ms
    if late_ms is None:
        late_ms = min(_SEND_LATENESS_MS, requirements.tightest_us() / _TENTH / 1000)
    if not figures.faults and not figures.expected:
        faults.append("no message was sent to anyone: use a longer --duration, or a higher --rate")
    for what, times, limit in (
        ("sent late: p99 {:,.3f} ms after the intended time", figures.send_lateness, late_ms),
        ("read late: loop lag p99 {:,.3f} ms", figures.loop_lag, limits.max_loop_lag_ms),
        ("read late: what had arrived waited p99 {:,.3f} ms", figures.receive_backlog, limits.max_receive_backlog_ms),
    ):
        if (ms := times.percentile(99) / 1000) > limit:
            faults.append(f"the generator {what.format(ms)}, the limit is {limit:,g} ms; {_LESS}")
    still_ms, limit = figures.stood_still_us / 1000, _STILL * limits.max_loop_lag_ms
    if still_ms > limit and (figures.lost or figures.late or figures.dropped):
        faults.append(
            f"the generator stood still for {still_ms:,.3f} ms, the limit is {limit:,g} ms, {_STILL} times "
            "--max-loop-lag-ms: what was late or lost may be its own doing; let nothing stop or starve it"
        )
    clock_ms = figures.clock_error_us / 1000
    if clock_ms > limits.max_clock_error_ms:
        faults.append(
            f"the clocks of the generator's hosts can be compared to ± {clock_ms:,.3f} ms only, the limit is "
            f"{limits.max_clock_error_ms:,g} ms"
        )
    if figures.cpu_percent > limits.max_cpu_percent:
        faults.append(
            f"the generator was busy: {figures.cpu_percent:.0f} % of a core, the limit is "
            f"{limits.max_cpu_percent:g} %; use more --processes"
        )
    return faults


def _doubtful(figures: Figures, requirements: Requirements, measures: Mapping[str, float | None]) -> list[str]:
    """Latencies that are too late, but may be so by the generator's own backlog: no failure of the server."""
    doubt_us = figures.doubt.percentile(99)
    return [
        f"{line}; but what the generator read at once may have come up to {doubt_us / 1000:,.3f} ms earlier; {_LESS}"
        for term in requirements.terms
        if not term.name.startswith("read")
        and (value := measures.get(term.name)) is not None
        and MEASURES[term.name] == TIME
        and term.limit < value < NEVER_US
        and (line := term.missed(value))
        and not term.missed(value - doubt_us)
    ]


Measures = dict[str, float | None]


def percentiles(kind: str, histogram: Histogram, never: int = 0) -> Measures:
    """In microseconds, `kind` before each name; all None where there is no sample. `never` more are infinitely late."""
    prefix = f"{kind}_" if kind else ""
    return {
        prefix + name: float(histogram.percentile(percent, never)) if histogram.count + never else None
        for name, percent in PERCENTS.items()
    }


def measures(figures: "Figures", own: Measures | None = None) -> Measures:
    """Every measure that this scenario has: None where the run took no sample, absent where it never could.

    `own` are those of the scenario, which come last: what it says of a name counts.
    """
    return {
        **_given("", "fanout", figures),
        **_given("complete", "complete", figures),
        **_given("first", "first", figures),
        **_given("median", "median", figures),
        **(_given("within", "within", figures) | _given("across", "across", figures) if figures.nodes > 1 else {}),
        **_given("read", "read", figures),
        "lost": float(figures.lost),
        "duplicated": float(figures.duplicated),
        "reordered": float(figures.reordered),
        **{name: float(getattr(figures, name)) for name in ("stray", "corrupt", "diverged")},
        "late": float(figures.late),
        "lost_share": _share(figures.lost, figures.expected),
        "late_share": _share(figures.late, max(1, figures.delivered)) if figures.expected else None,
        "dropped": float(sum(figures.dropped.values())),
        **(own or {}),
    }


def _given(prefix: str, kind: str, figures: "Figures") -> Measures:
    """None also where too few messages tell it."""
    named = {name: figures.given(kind, percent) for name, percent in PERCENTS.items()}
    return {"_".join(filter(None, (prefix, name))): us if us is None else float(us) for name, us in named.items()}


def _share(count: int, whole: int) -> float | None:
    return 100 * count / whole if whole else None


_LATE_US = 500_000  # of a message's first receiver, from which it was held up before it was sent on
_TOGETHER = 0.2  # of that: how far the last receiver may be behind the first
_FLOOD = re.compile(r"flood|throttl|too fast|too many|rate|limit|slow down", re.IGNORECASE)
_TO_DO = "raise its limit for one user (fanfare serve --rate-limit off), use more --announcers, or a lower --rate"


def likely_causes(figures: "Figures") -> list[str]:
    """A line for each, with what to do."""
    lines = []
    if _is_throttled(figures):
        each = figures.complete.count / figures.duration_s if figures.duration_s else 0
        lines.append(
            "likely cause: the server throttles its senders: messages came late to their first receiver already, and "
            f"then to all within moments, about {each:,.1f} a second in all; {_TO_DO}"
        )
    told = [reason for reason in figures.dropped if _FLOOD.search(reason)]
    if told:
        lines.append(f"likely cause: a limit of the server, by its own words; {_TO_DO}")
    return lines


def _is_throttled(figures: "Figures") -> bool:
    """Senders' messages are late as a whole, while what is delivered is delivered at once."""
    first, last = figures.first.percentile(90), figures.complete.percentile(90)
    return (
        first > _LATE_US and last - first < _TOGETHER * first and figures.send_lateness.percentile(99) < _LATE_US / 10
    )
