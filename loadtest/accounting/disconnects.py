"""What came of one death of users: who of the others learnt of it, when, and what they felt. Pure figures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.accounting.histogram import Histogram


@dataclass(slots=True)
class Disconnect:
    """All times count from the moment when the victims were meant to die."""

    how: str  # of WAYS
    victims: int
    observers: int  # the others
    deadline_us: int  # by when the server was to find the victims gone and tell the others
    dead_after_us: int = 0  # when the last victim was: the generator's own delay
    informed: Histogram = field(default_factory=Histogram)  # one sample an observer: told of the last victim
    notices: Histogram = field(default_factory=Histogram)  # one sample for each observer and victim
    ghosts: int = 0  # victims that the server listed as members afterwards
    false_deaths: int = 0  # users who were reported gone and were not
    reasons: dict[str, int] = field(default_factory=dict)  # that the others were given, with the number of victims
    after_us: dict[int, int] = field(default_factory=dict)  # victim: when the first of the others was told
    phases: dict[str, Histogram] = field(default_factory=dict)  # the others' fan-out latency before, during, after

    def take(self, victims: Iterable[int], statements: Sequence[Mapping[str, Any]]) -> None:
        """Add up what the processes' observers noted."""
        dead = set(victims)
        reported: dict[int, tuple[int, str]] = {}
        here: set[int] = set()
        for statement in statements:
            here.update(statement["here"])
            if (notices := statement["notices"]) is None:
                continue
            self.informed.merge(Histogram.unpack(notices["informed"]))
            self.notices.merge(Histogram.unpack(notices["notices"]))
            for number, us, reason in notices["reported"]:
                reported[number] = min((us, reason), reported.get(number, (us, reason)))
        self.false_deaths = len(here & reported.keys() - dead)
        for number in dead & reported.keys():
            us, reason = reported[number]
            self.after_us[number] = us
            self.reasons[reason] = self.reasons.get(reason, 0) + 1

    def missed(self, max_ratio: float | None = None) -> list[str]:
        """What was not as it should be, one line each."""
        lines = []
        if self.informed.count < self.observers:
            told = f"{self.informed.count:,} of {self.observers:,} observers were told of all {self.victims:,} victims"
            lines.append(f"{self.how}: {told}")
        elif self.informed.longest > self.deadline_us:
            late, limit = self.informed.longest / 1e6, self.deadline_us / 1e6
            lines.append(f"{self.how}: the last observer was told after {late:,.3f} s, the limit is {limit:,g} s")
        return lines + self.felt(max_ratio)

    def felt(self, max_ratio: float | None = None) -> list[str]:
        """What the others should not have felt, one line each."""
        lines = []
        if self.false_deaths:
            lines.append(f"{self.how}: {self.false_deaths:,} who live were reported gone")
        before, during = (self.phases.get(name, Histogram()).percentile(99) for name in ("before", "during"))
        if max_ratio is not None and before and during > before * max_ratio:
            ratio = f"{during / before:,.2f} times its earlier {before / 1000:,.3f} ms"
            lines.append(f"{self.how}: the others' fan-out p99 rose to {ratio}, the limit is {max_ratio:g} times")
        return lines
