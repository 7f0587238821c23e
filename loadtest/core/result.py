"""`Figures`: what the windows of a run gave. `Result`: all that is known of a run once it is over.

`result.json` is a `Result`; everything that people and programs look at is made of it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from math import ceil
from pathlib import Path
from typing import Any

from loadtest.core.codec import Misfit, decode, encode, schema
from loadtest.core.histogram import Histogram
from loadtest.core.intervals import Interval, enough_for, of_ranks, of_slices
from loadtest.core.slices import TENTHS

Sample = tuple[float | None, int | None]  # CPU in percent of a core over the slice, bytes of memory at its end


@dataclass(slots=True)
class Cost:
    """What generator and server took in one slice of a window; None where it is not known."""

    generator_cpu_percent: float | None = None  # of the busiest process: it is the one that falls behind
    generator_memory_bytes: int | None = None  # of all processes
    server_cpu_percent: float | None = None
    server_memory_bytes: int | None = None

    def add_generator(self, sample: Sequence[float | None]) -> None:
        """Take one more process's sample."""
        percent, memory = sample
        if percent is not None:
            self.generator_cpu_percent = max(percent, self.generator_cpu_percent or 0.0)
        if memory is not None:
            self.generator_memory_bytes = round(memory) + (self.generator_memory_bytes or 0)

    def set_server(self, sample: Sequence[float | None]) -> None:
        percent, memory = sample
        self.server_cpu_percent = percent
        self.server_memory_bytes = None if memory is None else round(memory)


def costs(generator: Iterable[Sequence[Sample]], server: Sequence[Sample], slices: int) -> list[Cost]:
    """One for each slice, of what each generator process sampled, and of what was sampled of the server."""
    made = [Cost() for _ in range(slices)]
    for samples in generator:
        for cost, sample in zip(made, samples, strict=False):  # a window that was stopped has fewer
            cost.add_generator(sample)
    for cost, sample in zip(made, server, strict=False):
        cost.set_server(sample)
    return made


Note = dict[str, float]


def worst(one: Note | None, other: Note | None) -> Note | None:
    """Of two processes', perhaps on two machines, that of the one that waited more for a core."""
    return max((note for note in (one, other) if note), key=lambda note: note["waited_percent"], default=None)


PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9}


def told(histogram: Histogram, messages: int | None = None, never: int = 0) -> dict[str, int | None]:
    """As `Histogram.figures`, with null in place of a percentile that too few tell.

    `messages` are those whose deliveries these are, which share their fate; None where each sample is its own.
    """
    whole: dict[str, int | None] = dict(histogram.figures(never))
    enough = histogram.count + never if messages is None else messages
    return {**whole, **dict.fromkeys(name for name, percent in PERCENTS.items() if enough < enough_for(percent))}


def messages_in(histogram: Histogram, receivers: int) -> int:
    """How many messages these deliveries are of, each to so many."""
    return -(-histogram.count // max(1, receivers))


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
    nodes: int = 1  # hosts that the users were spread over; with one, the next four are empty
    within: Histogram = field(default_factory=Histogram)  # fan-out within a node: to receivers at the sender's host
    across: Histogram = field(default_factory=Histogram)  # fan-out across nodes: to receivers at other hosts
    within_due: int = 0  # such deliveries that were due, without what was under way as connections ended
    across_due: int = 0  # likewise
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
    faults: list[str] = field(default_factory=list)  # what makes the run invalid, found on the way
    dropped: dict[str, int] = field(default_factory=dict)  # connections lost in the window, by reason

    @property
    def lost(self) -> int:
        return self.expected - self.delivered - self.under_way

    def never_of(self, histogram: Histogram) -> int:
        """Of the fan-out the lost deliveries, of `read` their share; of `first`, `median` and `complete` the messages
        that got not so far.
        """
        if histogram is self.fanout:
            return max(0, self.lost)
        if histogram is self.read:  # a sample, of which as great a part is lost as of all
            return ceil(max(0, self.lost) * self.read.count / self.delivered) if self.delivered else self.lost
        for part, due in ((self.within, self.within_due), (self.across, self.across_due)):
            if histogram is part:
                return max(0, due - part.count)
        return max(0, min(self.heard - histogram.count, self.lost))

    def given(self, kind: str, percent: float) -> int | None:
        """Of `fanout`, `first`, `within` and the like, in microseconds; None where too few messages tell it."""
        histogram: Histogram = getattr(self, kind)
        never = self.never_of(histogram)
        if not histogram.count + never or (self.heard and self.heard < enough_for(percent)):
            return None
        return histogram.percentile(percent, never)

    def latency(self, kind: str) -> dict[str, int | None]:
        """As `Histogram.figures`, with null in place of a percentile that too few messages tell."""
        histogram: Histogram = getattr(self, kind)
        return self.told(histogram, self.never_of(histogram))

    def told(self, histogram: Histogram, never: int = 0) -> dict[str, int | None]:
        """Of the same messages, or a sample of them."""
        return told(histogram, self.heard, never) if self.heard else dict(histogram.figures(never))

    def told_of_part(self, part: Histogram) -> dict[str, int | None]:
        """Of some of the deliveries, and as great a part of the messages."""
        messages = ceil(part.count * self.heard / self.fanout.count) if self.heard and self.fanout.count else None
        return dict(part.figures()) if messages is None else told(part, messages)

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


# All others are added up.
_HIGHEST = ("asked_users", "users", "rooms", "nodes", "workers", "cpu_percent", "stood_still_us", "clock_error_us")
_TIMELINE = ("began_ns", "over_time", "costs", "marks")
_APART = ("scenario", "target", "faults", "machine", *_TIMELINE)


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


SCHEMA = 1
_WORST = (PASS, FAIL, INVALID)


@dataclass(frozen=True, slots=True)
class Result:
    """`figures` hold packed histograms, so that results of several runs can be added to the last bucket."""

    schema: int
    run_id: str
    started_at: str  # ISO 8601, UTC
    verdict: str
    reasons: list[str]
    requirements: list[str]  # what was required, as it is written
    settings: dict[str, Any]
    command: str
    environment: dict[str, Any]  # the machine and the programs of the leading process
    figures: Figures
    part: dict[str, Any]  # what the scenario has of its own

    @property
    def judged(self) -> Verdict:
        return Verdict(self.verdict, self.reasons)

    def __add__(self, other: "Result") -> "Result":
        """Two runs as one long one: the worse verdict, and the scenario's part of the first."""
        return replace(
            self,
            verdict=max(self.verdict, other.verdict, key=_WORST.index),
            reasons=list(dict.fromkeys(self.reasons + other.reasons)),
            figures=merged([self.figures, other.figures]),
        )


def dump(result: Result) -> str:
    return json.dumps(encode(result), separators=(",", ":"), allow_nan=False) + "\n"


def load(path: Path) -> Result:
    """A run's file, or its folder. Raises Misfit with one line."""
    path = path / "result.json" if path.is_dir() else path
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Misfit(f"{path}: {error.strerror}") from None
    except ValueError:
        raise Misfit(f"{path}: this is no JSON") from None
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        found = data.get("schema") if isinstance(data, dict) else None
        raise Misfit(f"{path}: its schema is {found!r}, this version reads {SCHEMA}")
    try:
        result: Result = decode(Result, data)
    except Misfit as misfit:
        raise Misfit(f"{path}: {misfit}") from None
    return result


def load_rounds(path: Path) -> list[Result]:
    """Of a run, or of a folder that has the folders of several: those, in the order of their start. Raises Misfit."""
    inside = [] if (path / "result.json").exists() else list(path.glob("*/result.json"))
    return sorted(map(load, inside or [path]), key=lambda each: each.started_at)


def json_schema() -> dict[str, Any]:
    """Of `result.json`, made from the types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The result of a load test",
        **schema(Result),
    }
