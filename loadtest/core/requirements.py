"""A requirement as people write it: `p99<50ms,lost=0`. Pure: knows names, limits and values, nothing of runs.

A *measure* is a named figure of a run. Times are in microseconds here, and need a unit when they are written; counts
have none; a share of the deliveries is written in percent.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chat.errors import SetupError
from loadtest.core.histogram import NEVER_US
from loadtest.core.intervals import enough_for

TIME, _COUNT, _SHARE = "time", "count", "share"
_PERCENTILES = ("p50", "p90", "p99", "p999", "max")
TIMES = {
    "": "fan-out",  # each delivery
    "complete": "completion",  # until a message's last receiver has it
    "first": "first receiver",
    "median": "median receiver",
    "within": "fan-out within a node",  # of several: to receivers at the sender's own
    "across": "fan-out across nodes",
    "read": "reading",  # until the generator had read each delivery
    "join": "join",
    "leave": "leave notice",
}
MEASURES: dict[str, str] = {
    **{"_".join(filter(None, (kind, each))): TIME for kind in TIMES for each in _PERCENTILES},
    **dict.fromkeys(
        ("lost", "duplicated", "reordered", "stray", "corrupt", "diverged", "late", "dropped", "ghosts"), _COUNT
    ),
    **dict.fromkeys(("history_missed", "history_doubled", "history_reordered"), _COUNT),
    **dict.fromkeys(("lost_share", "late_share"), _SHARE),
}
# What no server should do, and what nobody should wait for: required of every run that says nothing else of it.
DEFAULT = "lost=0,duplicated=0,reordered=0,stray=0,corrupt=0,diverged=0,late_share<1%"
OF_DELIVERIES = {
    "lost": "lost",
    "duplicated": "duplicated",
    "reordered": "reordered",
    "stray": "stray: read by users whom they are not due to",
    "corrupt": "corrupt: not what was sent",
    "diverged": "diverged: in another order than most receivers had",
    "late": "late",
    "history_missed": "missing: not in the history after a restart",
    "history_doubled": "doubled: more than once in the history after a restart",
    "history_reordered": "reordered: elsewhere in the history after a restart",
}
PERCENTS = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p999": 99.9, "max": 100.0}
_UNITS = {"us": 1.0, "µs": 1.0, "ms": 1e3, "s": 1e6}
_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_OF_MESSAGES = ("", "read", "complete", "first", "median", "within", "across")  # the run's own messages tell these
_TERM = re.compile(r"\s*([a-z0-9_]+)\s*(<=|>=|<|>|=)\s*([0-9.]+)\s*(us|µs|ms|s|%|)\s*")


class UnknownMeasure(SetupError):
    """There is no figure of that name: a run that went on regardless would check nothing."""


@dataclass(frozen=True, slots=True)
class Term:
    """`name op limit`, the limit in the measure's own unit: microseconds, a count, or percent."""

    text: str
    name: str
    op: str
    limit: float

    def missed(self, value: float | None) -> str:
        """Why this does not hold, with both numbers; empty where it holds. `None` is a measure without a sample."""
        if value is None:
            return f"{self.name} has no sample, so {self.text} is not met"
        if _HOLDS[self.op](value, self.limit):
            return ""
        if self.name in OF_DELIVERIES and value >= 0:
            many = "delivery" if value == 1 else "deliveries"
            return f"{value:,.0f} {many} {OF_DELIVERIES[self.name]}; the requirement is {self.text}"
        return f"{self.name} is {_shown(value, MEASURES[self.name])}, the requirement is {self.text}"

    @property
    def messages(self) -> int:
        """How many it takes for this to be more than chance: a high percentile of few is one message's luck."""
        prefix, _, percentile = self.name.rpartition("_")
        if percentile not in PERCENTS or prefix not in _OF_MESSAGES:
            return 1
        return enough_for(PERCENTS[percentile])


@dataclass(frozen=True, slots=True)
class Requirements:
    """Terms that must all hold."""

    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Requirements":
        """Of terms separated by commas; an empty text has none. Raises UnknownMeasure, or another SetupError."""
        return cls(tuple(_term(each) for each in text.split(",")) if text.strip() else ())

    @classmethod
    def over(cls, default: str, asked: str) -> "Requirements":
        """What is asked for, and of the default what nothing else is said of. Raises as `parse`."""
        own = cls.parse(asked)
        left = [each for each in cls.parse(default).terms if not any(t.name.startswith(each.name) for t in own.terms)]
        return cls((*own.terms, *left))

    def tightest_us(self) -> float:
        """The least latency that is required, in microseconds; infinite without any."""
        upper = (term.limit for term in self.terms if MEASURES[term.name] == TIME and term.op.startswith("<"))
        return min(upper, default=float("inf"))

    @property
    def text(self) -> str:
        return ",".join(term.text for term in self.terms)

    def too_few(self, messages: int) -> list[str]:
        """A line for each term that so many messages cannot tell."""
        return [
            f"{term.text} takes {term.messages:,} messages, there are {messages:,}: use a longer --duration, a higher "
            "--rate, or a lower percentile"
            for term in self.terms
            if messages < term.messages
        ]

    def missed(self, measures: Mapping[str, float | None]) -> list[str]:
        """A line for each term that does not hold. What cannot be measured is for `unmeasurable`."""
        known = [term for term in self.terms if term.name in measures]
        return [line for term in known if (line := term.missed(measures[term.name]))]

    def unmeasurable(self, measures: Mapping[str, float | None]) -> str:
        """Why this can never be checked where only these measures are taken; empty where it can."""
        absent = [term.name for term in self.terms if term.name not in measures]
        if not absent:
            return ""
        return f"--require: this scenario never measures {', '.join(absent)}, but {', '.join(measures)}"


def _term(text: str) -> Term:
    found = _TERM.fullmatch(text)
    if not found:
        raise SetupError(f"--require: {text.strip()!r} is not like p99<50ms or lost=0")
    name, op, number, unit = found.groups()
    kind = MEASURES.get(name)
    if kind is None:
        raise UnknownMeasure(f"--require: there is no measure {name!r}, choose from {', '.join(MEASURES)}")
    wanted = {TIME: tuple(_UNITS), _SHARE: ("%",), _COUNT: ("",)}[kind]
    if unit not in wanted:
        needs = " or ".join(wanted) if kind != _COUNT else "no unit"
        raise SetupError(f"--require: {text.strip()!r}: a {kind} needs {needs}")
    try:
        limit = float(number) * _UNITS.get(unit, 1.0)
    except ValueError:
        raise SetupError(f"--require: {number!r} in {text.strip()!r} is not a number") from None
    return Term(text.strip().replace(" ", ""), name, op, limit)


def _shown(value: float, kind: str) -> str:
    if kind == TIME and value >= NEVER_US:
        return "never"
    if kind == TIME:
        return f"{value / 1000:,.3f} ms"
    return f"{value:,.3g} %" if kind == _SHARE else f"{value:,.0f}"
