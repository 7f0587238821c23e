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
from loadtest.judge.causes import likely_causes
from loadtest.judge.measures import measures as measures_of
from loadtest.judge.requirements import DEFAULT, MEASURES, TIME, Requirements
from loadtest.watch.machine import Note, worst
from loadtest.watch.resources import Cost

if TYPE_CHECKING:
    from loadtest.settings.options import Settings

# Times --max-loop-lag-ms, whose p99 is judged. One stall in a long window does not show in that; when it is so much
# longer, it makes deliveries late, and users cut off, by itself.
_STILL = 10
# Lateness is part of every latency, as the clock counts from the intended time: beyond this it would colour a p99.
_SEND_LATENESS_MS = 20.0
_TENTH = 10  # of the tightest latency that is required: what the generator may add to it
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
    default: str = DEFAULT,
    so_far: bool = False,
) -> Verdict:
    """Invalid before all else; then a requirement missed is a fail; else it is a pass, without reasons.

    `more` is what the scenario missed of its own; `measures`, what requirements are held against; `default`, what is
    required where nothing else is asked for. `so_far`, while a window is open, what has no sample yet is let be.
    """
    requirements = Requirements.over(default, limits.require)
    measures = measures_of(figures) if measures is None else measures
    faults = figures.faults + _generator_faults(figures, limits, requirements)
    if not so_far and (blind := requirements.unmeasurable(measures)):
        faults.append(blind)
    if figures.heard and not so_far:
        faults += requirements.too_few(figures.heard)
    if so_far:
        requirements = Requirements(tuple(t for t in requirements.terms if measures.get(t.name) is not None))
    faults = faults or _doubtful(figures, requirements, measures)
    if faults:
        return Verdict(INVALID, faults + likely_causes(figures))
    missed = [
        f"{_times(count, 'user')} lost the connection: {reason}" for reason, count in sorted(figures.dropped.items())
    ]
    missed += requirements.missed(measures) + list(more)
    return Verdict(FAIL, [*missed, *likely_causes(figures)]) if missed else Verdict(PASS, [])


def _generator_faults(figures: Figures, limits: "Settings", requirements: Requirements) -> list[str]:
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


def _times(count: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{count:,} {noun if count == 1 else plural}"
