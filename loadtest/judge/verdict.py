"""Judge a run by its figures: pass, fail, or invalid. Pure: no Locust, no clock, no output.

A run is *invalid* when the generator, not the server, may have shaped its figures: then nothing is said about the
server, neither good nor bad.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from loadtest.accounting.disconnects import Disconnect
from loadtest.accounting.fairness import TENTHS
from loadtest.accounting.histogram import NEVER_US, Histogram
from loadtest.accounting.intervals import Interval, enough_for, of_ranks, of_slices
from loadtest.judge.objective import Objective
from loadtest.watch.machine import Note, worst
from loadtest.watch.resources import Cost

if TYPE_CHECKING:
    from loadtest.settings.options import Settings

# Times --max-loop-lag-ms, whose p99 is judged. One stall in a long window does not show in that; when it is so much
# longer, it makes deliveries late, and users cut off, by itself.
_STILL = 10
_LESS = "use more --processes, fewer users, or a machine with less to do"
PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}
PASS, FAIL, INVALID = "pass", "fail", "invalid"
EXIT_STATUS = {PASS: 0, FAIL: 1, INVALID: 3}


@dataclass(slots=True)
class Figures:
    """What one window gave, over all processes."""

    scenario: str
    target: str
    asked_users: int = 0
    users: int = 0
    rooms: int = 0
    duration_s: float = 0.0
    sent: int = 0
    expected: int = 0
    delivered: int = 0
    duplicated: int = 0
    reordered: int = 0
    late: int = 0
    stray: int = 0  # read by somebody whom they are not due to
    corrupt: int = 0  # not what was sent
    diverged: int = 0  # in another order than most receivers of the room had them
    under_way: int = 0  # due to users whose connection ended, and not there by then
    joined: int = 0  # users who came in the window
    left: int = 0  # who went, of their own will
    heard: int = 0  # messages that were due to somebody; 0 where that is not known
    fanout: Histogram = field(default_factory=Histogram)
    read: Histogram = field(default_factory=Histogram)  # the same, a sample, until the generator had read it
    doubt: Histogram = field(default_factory=Histogram)  # how much earlier a delivery may have come than is counted
    first: Histogram = field(default_factory=Histogram)  # one sample a message: its first receiver has it
    median: Histogram = field(default_factory=Histogram)  # half of its receivers have it
    complete: Histogram = field(default_factory=Histogram)  # its last receiver has it
    complete_by_size: dict[int, Histogram] = field(default_factory=dict)  # the same, by the number of receivers
    tenths: list[Histogram] = field(  # fan-out of each tenth of the users, in order of joining: a sample
        default_factory=lambda: [Histogram() for _ in range(TENTHS)]
    )
    began_ns: int = 0  # when the first window did: from there the seconds of the three below count
    over_time: list[tuple[float, Histogram]] = field(default_factory=list)  # fan-out by intended time: s, a slice each
    costs: list[Cost] = field(default_factory=list)  # what generator and server took, for each of `over_time`
    marks: list[tuple[float, str]] = field(default_factory=list)  # what happened meanwhile: s, a word or two
    workers: int = 1
    cpu_percent: float = 0.0
    send_lateness: Histogram = field(default_factory=Histogram)
    loop_lag: Histogram = field(default_factory=Histogram)
    receive_backlog: Histogram = field(default_factory=Histogram)  # from the kernel's arrival to our read, sampled
    collections: Histogram = field(default_factory=Histogram)  # Python's searches for garbage
    stood_still_us: int = 0  # the longest time that a generator process did nothing, until its accounts were closed
    machine: Note | None = None  # of where the generator waited most for a core
    clock_error_us: int = 0  # how far off the clocks of two processes may be; 0 where all share one
    disconnects: list[Disconnect] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what makes the run invalid, found on the way
    dropped: dict[str, int] = field(default_factory=dict)  # connections lost in the window, by reason

    @property
    def lost(self) -> int:
        return self.expected - self.delivered - self.under_way

    def never_of(self, histogram: Histogram) -> int:
        """Of `fanout` the lost deliveries; of `first`, `median` and `complete` the messages that got not so far."""
        if histogram is self.fanout:
            return max(0, self.lost)
        return max(0, min(self.heard - histogram.count, self.lost))

    def given(self, kind: str, percent: float) -> int | None:
        """Of `fanout`, `first`, `median` or `complete`, in microseconds; None where too few messages tell it."""
        histogram: Histogram = getattr(self, kind)
        never = self.never_of(histogram)
        if not histogram.count + never or (self.heard and self.heard < enough_for(percent)):
            return None
        return histogram.percentile(percent, never)

    def latency(self, kind: str) -> dict[str, int | None]:
        """As `Histogram.figures`, with null in place of a percentile that too few messages tell."""
        histogram: Histogram = getattr(self, kind)
        whole: dict[str, int | None] = dict(histogram.figures(self.never_of(histogram)))
        lacking = [name for name, percent in PERCENTS.items() if self.heard and self.heard < enough_for(percent)]
        return {**whole, **dict.fromkeys(lacking)}

    def interval(self, kind: str, percent: float) -> Interval | None:
        """95 %, in microseconds; None where too little tells it."""
        if self.given(kind, percent) is None:
            return None
        histogram: Histogram = getattr(self, kind)
        never = self.never_of(histogram)
        if kind == "fanout":
            return of_slices([each for _, each in self.over_time], percent, never, f"{kind} {percent}")
        return of_ranks(histogram, percent, never)

    def percentile(self, histogram: Histogram, percent: float) -> int:
        """In microseconds, with what never came as infinitely late; NEVER_US where it is one of these."""
        return histogram.percentile(percent, self.never_of(histogram))

    def take_health(self, other: "Figures") -> None:
        """Add what those of another window say of the generator, and nothing of the server."""
        self.duration_s += other.duration_s
        for name in ("send_lateness", "loop_lag", "receive_backlog", "doubt"):
            getattr(self, name).merge(getattr(other, name))
        for name in ("cpu_percent", "stood_still_us", "clock_error_us"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        self.machine = worst(self.machine, other.machine)
        self.faults += [fault for fault in other.faults if fault not in self.faults]


@dataclass(frozen=True, slots=True)
class Verdict:
    word: str
    reasons: list[str]

    @property
    def exit_status(self) -> int:
        return EXIT_STATUS[self.word]


def judge(
    figures: Figures,
    limits: "Settings",
    more: Sequence[str] = (),
    measures: Mapping[str, float | None] | None = None,
) -> Verdict:
    """Invalid before all else; then a threshold missed is a fail; else it is a pass, without reasons.

    `more` are thresholds of the scenario's own that were missed; `measures`, what `--objective` is held against, None
    where that is not for here. An objective that cannot be checked is neither a pass nor a failure of the server.
    """
    objective = Objective() if measures is None else Objective.parse(limits.objective)
    measures = measures or {}
    faults = figures.faults + _generator_faults(figures, limits)
    if blind := objective.unmeasurable(measures):
        faults.append(blind)
    if faults:
        return Verdict(INVALID, faults)
    late, doubtful = _missed_latencies(figures, limits, objective, measures)
    if doubtful:
        return Verdict(INVALID, doubtful)
    missed = _missed_counts(figures, limits) + late + objective.missed(measures) + list(more)
    return Verdict(FAIL, missed) if missed else Verdict(PASS, [])


def _generator_faults(figures: Figures, limits: "Settings") -> list[str]:
    faults = []
    if not figures.faults and not figures.expected:
        faults.append("no message was sent to anyone: use a longer --duration, or a higher --rate")
    for what, times, limit in (
        ("sent late: p99 {:,.3f} ms after the intended time", figures.send_lateness, limits.max_send_lateness_ms),
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


def _missed_counts(figures: Figures, limits: "Settings") -> list[str]:
    missed = [
        f"{_times(count, 'user')} lost the connection: {reason}" for reason, count in sorted(figures.dropped.items())
    ]
    for name, count, limit in (
        ("lost", figures.lost, limits.max_lost),
        ("duplicated", figures.duplicated, limits.max_duplicated),
        ("reordered", figures.reordered, limits.max_reordered),
        ("stray: read by users whom they are not due to", figures.stray, 0),
        ("corrupt: not what was sent", figures.corrupt, 0),
        ("diverged: in another order than most receivers had", figures.diverged, 0),
    ):
        if count > limit:
            missed.append(f"{_times(count, 'delivery')} {name}, the limit is {limit:,}")
    return missed


def _missed_latencies(
    figures: Figures, limits: "Settings", objective: Objective, measures: Mapping[str, float | None]
) -> tuple[list[str], list[str]]:
    """What is too late; and of these what the generator, not the server, may have made so."""
    limited = [
        ("fan-out p50", figures.percentile(figures.fanout, 50), limits.max_p50_ms),
        ("fan-out p99", figures.percentile(figures.fanout, 99), limits.max_p99_ms),
        ("completion p99", figures.percentile(figures.complete, 99), limits.max_complete_p99_ms),
    ]
    missed = [
        (f"{name} is {_ms(value)}, the limit is {limit:,g} ms", value, limit * 1000)
        for name, value, limit in limited
        if limit is not None and value / 1000 > limit
    ]
    asked = [(term.missed(value), value, term.limit) for term in objective.terms if (value := measures.get(term.name))]
    doubt_us = figures.doubt.percentile(99)
    doubtful = [
        f"{line}; but what the generator read at once may have come up to {doubt_us / 1000:,.3f} ms earlier; {_LESS}"
        for line, value, limit in missed + [each for each in asked if each[0] and not each[0].startswith("read")]
        if limit < value < NEVER_US and value - doubt_us <= limit
    ]
    return [line for line, *_ in missed], doubtful


def _ms(us: float) -> str:
    return "infinite, as so many deliveries are lost" if us >= NEVER_US else f"{us / 1000:,.3f} ms"


def _times(count: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"
